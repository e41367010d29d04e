import Compiler
import Diagnostics
import Extensions
import Syntax
import Wire
import XTables

/// The rulesets that are swapped in. Each has the same tables, so that nothing of the one before stays.
enum SoakRules {
  struct Set {
    let name: String
    /// For both families; a line that begins with `4:` or `6:` is of that one alone.
    let text: String
    var helpsByPort = false

    func rulesets() throws -> [Ruleset] {
      try [Family.ipv4, .ipv6].map { family in
        let other = family == .ipv4 ? "6:" : "4:"
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix(other) }.map {
          $0.hasPrefix("4:") || $0.hasPrefix("6:") ? $0.dropFirst(2) : $0
        }
        let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family)
          .parse(SourceFile(name: name, bytes: Array((lines.joined(separator: "\n") + "\n").utf8)))
        if parsed.hasErrors { throw Refused(name: name, reason: "\(parsed.diagnostics.map { $0 })") }
        return parsed.ruleset
      }
    }
  }

  struct Refused: Error {
    let name: String
    let reason: String
  }

  static let sets = [
    Set(
      name: "router",
      text: """
        *raw
        -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
        -A PREROUTING -p udp --dport 69 -j CT --helper tftp
        4:-A PREROUTING -p tcp --dport 6667 -j CT --helper irc
        -A PREROUTING -p udp --dport 5060 -j CT --helper sip
        -A PREROUTING -p udp --dport 10080 -j CT --helper amanda
        4:-A PREROUTING -p tcp --dport 1723 -j CT --helper pptp
        -A OUTPUT -p tcp --dport 21 -j CT --helper ftp
        COMMIT
        *mangle
        -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
        -A PREROUTING -m conntrack --ctstate NEW -j CONNMARK --set-mark 5
        COMMIT
        *nat
        4:-A PREROUTING -i eth2 -p tcp --dport 80 -j DNAT --to-destination 10.0.1.2:80
        4:-A PREROUTING -i eth2 -p tcp --dport 21 -j DNAT --to-destination 10.0.1.3
        6:-A PREROUTING -i eth2 -p tcp --dport 21 -j DNAT --to-destination fd01::3
        4:-A PREROUTING -i eth0 -d 198.51.100.1 -p tcp -j DNAT --to-destination 10.0.0.3
        -A POSTROUTING -o eth2 -j MASQUERADE
        4:-A POSTROUTING -s 10.0.0.0/24 -d 10.0.0.0/24 -j SNAT --to-source 10.0.0.1
        COMMIT
        *filter
        -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -m conntrack --ctstate INVALID -j DROP
        -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
        -A INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset
        COMMIT
        """),
    Set(
      name: "stateless",
      text: """
        *raw
        -A PREROUTING -p udp -j NOTRACK
        COMMIT
        *mangle
        4:-A PREROUTING -j TTL --ttl-inc 1
        6:-A PREROUTING -j HL --hl-inc 1
        -A PREROUTING -p tcp -j DSCP --set-dscp 10
        COMMIT
        *nat
        COMMIT
        *filter
        4:-A FORWARD -f -j ACCEPT
        -A FORWARD -p tcp --syn -m limit --limit 5/sec -j ACCEPT
        -A FORWARD -p icmp -j REJECT
        -A FORWARD -m length --length 1400: -j DROP
        COMMIT
        """),
    Set(
      name: "ranges",
      text: """
        *raw
        -A PREROUTING -i eth1 -p udp -j CT --zone 3
        -A PREROUTING -i eth0 -p udp --dport 53 -j CT --zone-orig 4
        -A PREROUTING -i eth2 -p udp --dport 69 -j CT --zone-reply 5
        COMMIT
        *mangle
        -A POSTROUTING -p udp -j CHECKSUM --checksum-fill
        -A PREROUTING -j CONNMARK --restore-mark
        COMMIT
        *nat
        4:-A PREROUTING -p udp --dport 53 -j DNAT --to-destination 10.0.1.2-10.0.1.3:5353-5360 --random
        4:-A PREROUTING -p tcp --dport 22 -j DNAT --to-destination 10.0.1.2:2000-2011/22
        4:-A PREROUTING -d 10.9.0.0/24 -j NETMAP --to 10.0.1.0/24
        6:-A PREROUTING -d fd09::/64 -j NETMAP --to fd01::/64
        -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 80-81
        -A OUTPUT -p udp --dport 53 -j REDIRECT --to-ports 53
        4:-A POSTROUTING -p tcp -o eth2 -j SNAT --to-source 198.51.100.1-198.51.100.3:5000-5003 --random-fully
        4:-A POSTROUTING -p udp -o eth1 -j SNAT --to-source 10.0.1.1:6000-6001
        4:-A POSTROUTING -p icmp -j SNAT --to-source 198.51.100.1-198.51.100.2 --persistent
        6:-A POSTROUTING -p udp -j SNAT --to-source [2001:db8::1]:7000-7003
        -A POSTROUTING -p sctp -j MASQUERADE --to-ports 9000-9002
        4:-A INPUT -p tcp --dport 53 -j SNAT --to-source 10.0.0.99
        COMMIT
        *filter
        -A FORWARD -p tcp --dport 6667 -j REJECT
        COMMIT
        """, helpsByPort: true),
    Set(
      name: "queues",
      text: """
        *raw
        -A PREROUTING -p tcp --dport 6566 -j NFQUEUE --queue-num 2
        -A PREROUTING -p udp -m connmark ! --mark 9 -j CT --notrack
        COMMIT
        *mangle
        -A PREROUTING -p tcp --dport 80 -j NFQUEUE --queue-num 6
        -A PREROUTING -p udp --dport 53 -j NFQUEUE --queue-num 7
        -A FORWARD -p tcp --dport 21 -j NFQUEUE --queue-num 4
        -A OUTPUT -p tcp -j NFQUEUE --queue-num 3
        4:-A FORWARD -p udp --dport 137 -j TEE --gateway 10.0.0.4
        6:-A FORWARD -p udp --dport 137 -j TEE --gateway fd00::4
        COMMIT
        *nat
        -A PREROUTING -p tcp --dport 22 -j NFQUEUE --queue-num 6
        -A POSTROUTING -o eth2 -j MASQUERADE
        COMMIT
        *filter
        -A FORWARD -p udp --dport 5060 -j NFQUEUE --queue-balance 0:1
        -A FORWARD -p sctp -j NFQUEUE --queue-num 99 --queue-bypass
        -A FORWARD -p udplite -j NFQUEUE --queue-num 99
        -A FORWARD -p udp --dport 69 -j NFQUEUE --queue-num 5
        -A FORWARD -m conntrack --ctstate INVALID -j REJECT
        -A INPUT -p udp -j REJECT
        -A OUTPUT -p udp --dport 22 -j REJECT
        COMMIT
        """, helpsByPort: true),
    Set(
      name: "memory",
      text: """
        *raw
        -A PREROUTING -p tcp --dport 80 --syn -j CT --notrack
        -A PREROUTING -p esp -j DROP
        COMMIT
        *mangle
        -A POSTROUTING -p tcp -j TCPOPTSTRIP --strip-options sack-permitted
        4:-A POSTROUTING -p tcp -j ECN --ecn-tcp-remove
        COMMIT
        *nat
        -A POSTROUTING -p tcp -o eth2 -j MASQUERADE --random
        COMMIT
        *filter
        -A FORWARD -m recent --name r --update --seconds 20 --hitcount 4 -j DROP
        -A FORWARD -m recent --name r --set
        -A FORWARD -m hashlimit --hashlimit-above 20/sec --hashlimit-mode srcip,dstport --hashlimit-name h -j DROP
        -A FORWARD -p tcp -m connlimit --connlimit-above 6 -j REJECT --reject-with tcp-reset
        -A FORWARD -m connbytes --connbytes 5: --connbytes-dir both --connbytes-mode packets -j ACCEPT
        -A FORWARD -m statistic --mode random --probability 0.1 -j DROP
        -A FORWARD -m quota --quota 50000 -j ACCEPT
        -A INPUT -p tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --wscale 7 --mss 1400
        -A INPUT -p tcp --dport 21 -m conntrack --ctstate NEW -j LOG --log-prefix new
        COMMIT
        """),
  ]
}
