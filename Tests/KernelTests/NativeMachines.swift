extension NativeTableTests {
  static let machines: [Machine] = [
    Machine(
      testDescription: "a firewall by hand in inet filter",
      nft: """
        table inet filter {
          set blocked { type ipv4_addr; flags interval; elements = { 203.0.113.0/24, 192.0.2.7 } }
          set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 81 } }
          chain input {
            type filter hook input priority 0; policy drop;
            ct state vmap { established : accept, related : accept, invalid : drop }
            iif lo accept
            ip saddr @blocked counter drop
            ip saddr . tcp dport @pairs accept
            tcp dport { 22, 80, 8000-8080 } accept
            icmp type echo-request limit rate 1/hour burst 1 packets accept
            ip6 nexthdr icmpv6 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
            meta l4proto { tcp, udp } th dport 53 ip6 saddr fd00::/16 accept
            udp dport != 53 ip protocol udp reject
            tcp dport 113 reject with tcp reset
          }
          chain forward { type filter hook forward priority 0; policy drop; }
        }
        """,
      packets: [
        (packet("tcp", 22), "local"), (packet("tcp", 8001), "local"), (packet("tcp", 81), "local"),
        (packet("tcp", 81, from: "10.0.0.8"), "drop inet filter:input:policy:11"), (packet("tcp", 25), "drop inet filter:input:policy:11"),
        (packet("tcp", 22, from: "203.0.113.5"), "drop inet filter:input:rule:3"),
        (packet("tcp", 22, from: "192.0.2.7"), "drop inet filter:input:rule:3"), (packet("tcp", 22, from: "192.0.2.8"), "local"),
        (packet("udp", 99), "drop inet filter:input:rule:9"), (packet("tcp", 113), "drop inet filter:input:rule:10"),
        (packet("tcp", 22, #", "flags": "A""#), "drop inet filter:input:rule:1"),
        (packet("tcp", 23, #", "flags": "SF""#), "drop inet filter:input:rule:1"),
        (packet("udp", 53, from: "fd00::9", to: "fd00::1"), "local"),
        (packet("udp", 54, from: "fd00::9", to: "fd00::1"), "drop inet filter:input:policy:11"),
        (packet("tcp", 22, from: "fd00::9", to: "fd00::1"), "local"),
        (packet("tcp", 22, to: "10.0.1.9"), "drop inet filter:forward:policy:1"),
      ]),
    Machine(
      testDescription: "firewalld",
      nft: """
        table inet firewalld {
          chain mangle_PREROUTING { type filter hook prerouting priority -140; policy accept; jump mangle_PREROUTING_ZONES; }
          chain mangle_PREROUTING_ZONES { iifname "eth0" goto mangle_PRE_public; goto mangle_PRE_public; }
          chain mangle_PRE_public { jump mangle_PRE_public_allow; }
          chain mangle_PRE_public_allow { tcp dport 4000 meta mark set 0x64; }
          chain filter_PREROUTING {
            type filter hook prerouting priority -290; policy accept
            icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
            meta nfproto ipv6 fib saddr . mark . iif oif missing drop
          }
          chain filter_INPUT {
            type filter hook input priority 10; policy accept
            ct state { established, related } accept
            ct status dnat accept
            iifname "lo" accept
            ct state invalid drop
            jump filter_INPUT_ZONES
            reject with icmpx admin-prohibited
          }
          chain filter_FORWARD {
            type filter hook forward priority 10; policy accept
            ct state { established, related } accept
            ct status dnat accept
            iifname "lo" accept
            ct state invalid drop
            ip6 daddr { ::/96, 2002::/24 } reject with icmpv6 addr-unreachable
            jump filter_FORWARD_ZONES
            reject with icmpx admin-prohibited
          }
          chain filter_INPUT_ZONES { iifname "eth0" goto filter_IN_public; goto filter_IN_trusted; }
          chain filter_IN_public {
            jump filter_IN_public_deny
            jump filter_IN_public_allow
            meta l4proto { icmp, ipv6-icmp } accept
            reject with icmpx admin-prohibited
          }
          chain filter_IN_public_deny { ip saddr 192.0.2.0/24 drop; }
          chain filter_IN_public_allow {
            tcp dport 22 accept
            ip6 daddr fe80::/64 udp dport 546 accept
            meta mark 0x64 accept
            tcp dport 5000-5010 ct state { new, untracked } accept
          }
          chain filter_IN_trusted { accept; }
          chain filter_FORWARD_ZONES { iifname "eth0" oifname "eth1" goto filter_FWD_public; }
          chain filter_FWD_public { tcp dport 80 accept; tcp dport 81 return; }
        }
        """,
      rules: "*filter\n-A INPUT -p tcp --dport 5003 -j DROP\n-A INPUT -p tcp --dport 25 -j ACCEPT\nCOMMIT\n",
      packets: [
        (packet("tcp", 22), "local"), (packet("tcp", 4000), "local"),
        // An acceptance of iptables at priority 0 is not the last word.
        (packet("tcp", 25), "drop inet firewalld:filter_IN_public:rule:4"), (packet("tcp", 5002), "local"),
        (packet("tcp", 5003), "drop filter:INPUT:rule:1"),
        (packet("tcp", 22, from: "192.0.2.5"), "drop inet firewalld:filter_IN_public_deny:rule:1"), (packet("icmp"), "local"),
        (packet("tcp", 80, to: "10.0.1.9"), "sent"), (packet("tcp", 81, to: "10.0.1.9"), "drop inet firewalld:filter_FORWARD:rule:7"),
        (packet("tcp", 82, to: "10.0.1.9"), "drop inet firewalld:filter_FORWARD:rule:7"),
      ]),
    Machine(
      testDescription: "accept ends one chain only",
      nft: """
        table inet early { chain forward { type filter hook forward priority -10; policy accept; tcp dport 1-100 accept; drop; }; }
        table ip late { chain forward { type filter hook forward priority 10; policy drop; tcp dport { 20, 30 } accept; }; }
        table ip last { chain post { type filter hook postrouting priority 200; tcp dport 30 drop; }; }
        """,
      rules: "*filter\n-A FORWARD -p tcp --dport 40 -j DROP\n-A FORWARD -j ACCEPT\nCOMMIT\n",
      packets: [
        (packet("tcp", 20, to: "10.0.1.9"), "sent"), (packet("tcp", 30, to: "10.0.1.9"), "drop ip last:post:rule:1"),
        (packet("tcp", 40, to: "10.0.1.9"), "drop filter:FORWARD:rule:1"),
        (packet("tcp", 50, to: "10.0.1.9"), "drop ip late:forward:policy:2"),
        (packet("tcp", 101, to: "10.0.1.9"), "drop inet early:forward:rule:2"),
      ]),
    Machine(
      testDescription: "jump, goto and return",
      nft: """
        table ip t {
          chain c {
            type filter hook forward priority 0; policy accept
            tcp dport 1-9 jump a
            tcp dport 3 drop
            tcp dport 20-29 goto b
            tcp dport 21 drop
            tcp dport vmap { 30 : drop, 31 : jump a, 32 : goto b, 33-39 : return }
            tcp dport 33-50 drop
          }
          chain a { tcp dport 1 drop; tcp dport 2 return; jump b; tcp dport 4 drop; }
          chain b { tcp dport { 5, 22, 32 } drop; tcp dport 6 goto c2; }
          chain c2 { tcp dport 6 return; }
        }
        """,
      packets: [
        (packet("tcp", 1, to: "10.0.1.9"), "drop ip t:a:rule:1"), (packet("tcp", 2, to: "10.0.1.9"), "sent"),
        (packet("tcp", 3, to: "10.0.1.9"), "drop ip t:c:rule:2"), (packet("tcp", 4, to: "10.0.1.9"), "drop ip t:a:rule:4"),
        (packet("tcp", 5, to: "10.0.1.9"), "drop ip t:b:rule:1"), (packet("tcp", 6, to: "10.0.1.9"), "sent"),
        (packet("tcp", 21, to: "10.0.1.9"), "sent"), (packet("tcp", 22, to: "10.0.1.9"), "drop ip t:b:rule:1"),
        (packet("tcp", 30, to: "10.0.1.9"), "drop ip t:c:rule:5"), (packet("tcp", 31, to: "10.0.1.9"), "sent"),
        (packet("tcp", 32, to: "10.0.1.9"), "drop ip t:b:rule:1"), (packet("tcp", 35, to: "10.0.1.9"), "sent"),
        (packet("tcp", 45, to: "10.0.1.9"), "drop ip t:c:rule:6"),
      ]),
    Machine(
      testDescription: "before connection tracking, marks and what packets lack",
      nft: """
        table inet t {
          chain raw {
            type filter hook prerouting priority -300
            ct state invalid tcp dport 7 drop
            tcp dport 8 meta mark set 0x8
            tcp dport 9 meta mark set meta mark or 0x3
            fib daddr type local meta mark 0 tcp dport 10 drop
          }
          chain late {
            type filter hook prerouting priority -190
            ct state new tcp dport 11 drop
            ct direction original tcp dport 12 drop
          }
          chain forward {
            type filter hook forward priority 5
            meta mark 0x8 drop
            meta mark & 0x2 == 0x2 drop
            iifname "eth*" oifname { "eth1", "x*" } tcp dport 13 drop
            iifname != "eth0" tcp dport 14 drop
            ip ttl < 10 drop
            ip frag-off & 0x1fff != 0 drop
            ip protocol != tcp ip protocol != udp ip protocol != icmp drop
            meta length > 1000 drop
            ip saddr != { 10.0.0.0/24, 192.0.2.1 } drop
            icmp type != echo-request accept
            meta pkttype != unicast drop
            udp dport 77 log prefix "seen " group 0
          }
        }
        """,
      packets: [
        // Conntrack has not seen the packet there: its state is invalid.
        (packet("tcp", 7, to: "10.0.1.9"), "drop inet t:raw:rule:1"), (packet("tcp", 8, to: "10.0.1.9"), "drop inet t:forward:rule:1"),
        (packet("tcp", 9, to: "10.0.1.9"), "drop inet t:forward:rule:2"), (packet("tcp", 10), "drop inet t:raw:rule:4"),
        (packet("tcp", 10, to: "10.0.1.9"), "sent"), (packet("tcp", 11), "drop inet t:late:rule:1"),
        (packet("tcp", 12), "drop inet t:late:rule:2"), (packet("tcp", 13, to: "10.0.1.9"), "drop inet t:forward:rule:3"),
        (packet("tcp", 14, to: "10.0.1.9"), "sent"), (packet("udp", 5, to: "10.0.1.9", #", "ttl": 9"#), "drop inet t:forward:rule:5"),
        (packet("tcp", 15, from: "192.0.2.1", to: "10.0.1.9"), "sent"),
        (packet("tcp", 15, from: "192.0.2.2", to: "10.0.1.9"), "drop inet t:forward:rule:9"),
        (packet("udp", 77, to: "10.0.1.9"), "sent"), (packet("udp", 77, from: "fd00::9", to: "fd01::9"), "sent"),
        // A test of ports ends the rule where there are none.
        (packet("icmp", to: "10.0.1.9"), "sent"),
        (#"{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "l4": "03e8"}"#, "sent"),
      ]),
  ]
}
