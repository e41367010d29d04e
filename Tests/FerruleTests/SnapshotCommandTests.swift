import Foundation
import TestSupport
import Testing

@Suite("ferrule snapshot and the running kernel", .asRoot, .serialized) struct SnapshotCommandTests {
  /// A machine in a network namespace: two uplinks of which a mark chooses, a bridge, rules of both families, and a set.
  private static let machine = """
    sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_dad=0
    ip link add eth0 type veth peer name far0; ip link add eth1 type veth peer name far1; ip link add br0 type bridge
    for link in lo eth0 far0 eth1 far1 br0; do ip link set $link arp off 2>/dev/null; ip link set $link up; done
    ip addr add 10.1.2.1/24 dev eth0; ip addr add 172.20.3.4/16 dev eth1; ip addr add 192.168.50.1/24 dev br0
    ip route add default via 10.1.2.254; ip route add default via 172.20.99.1 table 100; ip rule add fwmark 0x5/0xff table 100
    ip route add blackhole 198.18.0.0/15
    sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth1.rp_filter=2
    ipset create acme hash:net; ipset add acme 9.9.9.0/24
    iptables-legacy-restore <<'RULES'
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT DROP [0:0]
    -A OUTPUT -o eth0 -m set --match-set acme dst -j ACCEPT
    -A OUTPUT -m mark --mark 0x5/0xff -j ACCEPT
    -A OUTPUT -o lo -j ACCEPT
    COMMIT
    *mangle
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A OUTPUT -p udp -m udp --dport 7 -j MARK --set-xmark 0x5/0xff
    -A POSTROUTING -o eth0
    -A POSTROUTING -o eth1
    -A POSTROUTING -o lo
    COMMIT
    RULES
    ip6tables-legacy -A FORWARD -s 2001:db8::/32 -j DROP
    """

  private static let state = """
    { ip addr; ip route show table all; ip -6 route show table all; ip rule; iptables-legacy-save | grep -v '^[#:]'; ip6tables-legacy-save | grep -v '^[#:]'
      cat /proc/net/ip_tables_names /proc/net/ip6_tables_names; ipset save; sysctl -a 2>/dev/null | grep -E '^net.ipv[46].conf'; }
    """

  /// Destinations, each with a port: by which interface the packet goes, or why it does not.
  private static let packets = ["9.9.9.9 53", "9.9.8.9 53", "9.9.8.9 7", "198.18.0.1 53", "192.168.50.1 53"]

  /// Runs a script in a namespace of its own, with a folder of its own in `$T`. Mounts are its own as well, for `/sys`.
  private static func inNamespace(_ script: String) throws -> BuiltCommand.Outcome {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferrule-snapshot-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try script.write(toFile: folder + "/script", atomically: true, encoding: .utf8)
    return try BuiltCommand.shell("T='\(folder)' exec unshare -n bash \(folder)/script")
  }

  @Test func aDryRunOnTheSnapshotDoesAsTheKernelDoes() throws {
    var script =
      Self.machine
      + "\n\(Self.state) > $T/before\nferrule snapshot > $T/host.yaml || exit 9\n\(Self.state) > $T/after\ncmp $T/before $T/after && echo unchanged\n"
    for packet in Self.packets {
      let parts = packet.split(separator: " ")
      // A process that may not send is told so.
      script += """
        iptables-legacy -t mangle -Z; (echo x > /dev/udp/\(parts[0])/\(parts[1])) 2>/dev/null
        iptables-legacy -t mangle -nvxL POSTROUTING | awk -v to=\(parts[0]) '$1 ~ /^[1-9]/ {print "kernel " to " sent " $6; found = 1} END {if (!found) print "kernel " to " not sent"}'
        ferrule run --host $T/host.yaml --brief 'local udp \(parts[0] == "192.168.50.1" ? "192.168.50.1" : "10.1.2.1"):4000 > \(parts[0]):\(parts[1])' | sed 's/.*=> //; s/^/ferrule \(parts[0]) /'

        """
    }
    let outcome = try Self.inNamespace(script)
    #expect(
      outcome.text == """
        unchanged
        kernel 9.9.9.9 sent eth0
        ferrule 9.9.9.9 sent through eth0
        kernel 9.9.8.9 not sent
        ferrule 9.9.8.9 dropped at OUTPUT by filter OUTPUT policy
        kernel 9.9.8.9 sent eth1
        ferrule 9.9.8.9 sent through eth1
        kernel 198.18.0.1 not sent
        ferrule 198.18.0.1 refused: there is no route
        kernel 192.168.50.1 sent lo
        ferrule 192.168.50.1 delivered to this host

        """)
  }

  @Test func aScenarioFileOnItAgreesWithTheKernel() throws {
    let outcome = try Self.inNamespace(
      Self.machine + """

        ferrule snapshot --redact > $T/redacted.yaml; ferrule snapshot > $T/host.yaml
        cat > $T/scenario.yaml <<'TESTS'
        snapshot: host.yaml
        tests:
          - name: by the set
            steps:
              - local udp 10.1.2.1:4000 > 9.9.9.9:53 => sent eth0
              - local udp 10.1.2.1:4000 > 9.9.8.9:53 => drop OUTPUT
              - eth0 udp 10.1.2.9:4000 > 172.20.3.9:53 => drop FORWARD
        TESTS
        ferrule test $T/scenario.yaml; ferrule verify $T/scenario.yaml; grep -c '10[.]1[.]2[.]' $T/redacted.yaml
        """)
    #expect(outcome.text.contains(": 1 passed, 3 packets\n"), "\(outcome.text)")
    #expect(outcome.text.contains(": 1 agree, 3 packets\n"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("\n0\n"), "\(outcome.text)")
  }

  @Test func whatCannotBeReadIsSaid() throws {
    // Without a way to ask `ip`: in a mount namespace of its own its program is none.
    let outcome = try BuiltCommand.shell(
      """
      exec unshare -m --propagation private sh -c 'for f in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do
        [ ! -e $f ] || mount --bind /dev/null $(readlink -f $f)
      done; exec ferrule snapshot --connections 0 2>&1 >/dev/null'
      """)
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("ferrule: not in the snapshot: the output of `ip -j -d addr': "), "\(outcome.text)")
  }
}
