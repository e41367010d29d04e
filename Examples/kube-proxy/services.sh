# The rules that kube-proxy creates for many services, each with three endpoints: `sh services.sh 5000 > services.rules`.
# The first service also has a node port, 30080.
awk -v services="${1:-5000}" '
function address(base, n) { return base "." int(n / 250) % 250 "." n % 250 + 1 }
function say(text) { print text }
BEGIN {
  say("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:KUBE-FORWARD - [0:0]")
  say("-A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD")
  say("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
  say("-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark 0x4000/0x4000 -j ACCEPT")
  say("-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
  say("-A KUBE-FORWARD -s 10.244.0.0/16 -j ACCEPT\nCOMMIT")
  say("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]")
  say(":KUBE-MARK-MASQ - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-POSTROUTING - [0:0]\n:KUBE-SERVICES - [0:0]")
  for (s = 0; s < services; s++) {
    say(sprintf(":KUBE-SVC-%05d - [0:0]", s))
    for (e = 0; e < 3; e++) say(sprintf(":KUBE-SEP-%05d-%d - [0:0]", s, e))
  }
  say("-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES")
  say("-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES")
  say("-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING")
  say("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000")
  for (s = 0; s < 1; s++) say("-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-SVC-00000")
  say("-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN")
  say("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0")
  say("-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully")
  for (s = 0; s < services; s++) {
    name = sprintf("KUBE-SVC-%05d", s); note = sprintf("-m comment --comment \"default/app-%d:http\"", s)
    ip = address("10.96", s)
    say("-A KUBE-SERVICES -d " ip "/32 -p tcp " note " -m tcp --dport 80 -j " name)
    say("-A " name " ! -s 10.244.0.0/16 -d " ip "/32 -p tcp " note " -m tcp --dport 80 -j KUBE-MARK-MASQ")
    for (e = 0; e < 3; e++) {
      end = sprintf("KUBE-SEP-%05d-%d", s, e); pod = address("10.244", 3 * s + e)
      chance = e == 0 ? " -m statistic --mode random --probability 0.33333333349" : e == 1 ? " -m statistic --mode random --probability 0.50000000000" : ""
      say("-A " name " " note chance " -j " end)
      say("-A " end " -s " pod "/32 " note " -j KUBE-MARK-MASQ")
      say("-A " end " -p tcp " note " -m tcp -j DNAT --to-destination " pod ":8080")
    }
  }
  say("-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
  say("COMMIT")
}'
