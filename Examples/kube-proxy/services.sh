# The rules that kube-proxy creates for many services, each with three endpoints or so many: `sh services.sh 5000 3 > services.rules`.
# The first service also has a node port, 30080.
awk -v services="${1:-5000}" -v endpoints="${2:-3}" '
function line(text) { print text }
function address(base, n) { return base "." int(n / 250) % 250 "." n % 250 + 1 }
BEGIN {
  line("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:KUBE-FORWARD - [0:0]")
  line("-A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD")
  line("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
  line("-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark 0x4000/0x4000 -j ACCEPT")
  line("-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
  line("-A KUBE-FORWARD -s 10.244.0.0/16 -j ACCEPT\nCOMMIT")
  line("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]")
  line(":KUBE-MARK-MASQ - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-SERVICES - [0:0]")
  for (s = 0; s < services; s++) {
    line(sprintf(":KUBE-SVC-%05d - [0:0]", s))
    for (e = 0; e < endpoints; e++) line(sprintf(":KUBE-SEP-%05d-%d - [0:0]", s, e))
  }
  line("-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES")
  line("-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES")
  line("-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING")
  line("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000")
  line("-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-MARK-MASQ")
  line("-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-SVC-00000")
  line("-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN")
  line("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0")
  line("-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully")
  for (s = 0; s < services; s++) {
    name = sprintf("KUBE-SVC-%05d", s); note = sprintf("-m comment --comment \"default/app-%d:http\"", s)
    ip = address("10.96", s)
    line("-A KUBE-SERVICES -d " ip "/32 -p tcp " note " -m tcp --dport 80 -j " name)
    line("-A " name " ! -s 10.244.0.0/16 -d " ip "/32 -p tcp " note " -m tcp --dport 80 -j KUBE-MARK-MASQ")
    for (e = 0; e < endpoints; e++) {
      end = sprintf("KUBE-SEP-%05d-%d", s, e); pod = address("10.244", 250 + endpoints * s + e)
      rest = endpoints - e
      chance = rest > 1 ? sprintf(" -m statistic --mode random --probability %.11f", 1 / rest) : ""
      line("-A " name " " note chance " -j " end)
      line("-A " end " -s " pod "/32 " note " -j KUBE-MARK-MASQ")
      line("-A " end " -p tcp " note " -m tcp -j DNAT --to-destination " pod ":8080")
    }
  }
  line("-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
  line("COMMIT")
}'
