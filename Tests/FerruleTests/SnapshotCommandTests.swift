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
      + "\n\(Self.state) > $T/before\nferrule snapshot --backend legacy > $T/host.yaml || exit 9\n\(Self.state) > $T/after\ncmp $T/before $T/after && echo unchanged\n"
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

  /// A bridge that listens to reports of groups has joined 224.0.0.106, which the kernel of the tests is not told to.
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
        ferrule test $T/scenario.yaml; ferrule verify $T/scenario.yaml
        sed 's/9.9.9.9:53 => sent eth0/224.0.0.106:9/' $T/scenario.yaml > $T/group.yaml
        ferrule verify $T/group.yaml; grep -c '10[.]1[.]2[.]' $T/redacted.yaml
        """)
    #expect(outcome.text.contains(": 1 passed, 3 packets\n"), "\(outcome.text)")
    #expect(outcome.text.contains(": 1 agree, 3 packets\n"), "\(outcome.text)")
    #expect(outcome.text.contains("multicast: in the kernel's namespace no program joins 224.0.0.106"), "\(outcome.text)")
    #expect(outcome.text.hasSuffix("\n0\n"), "\(outcome.text)")
  }

  /// Root knows that there are no rules; others do not.
  @Test func aMachineWithoutRulesHasNone() throws {
    let outcome = try Self.inNamespace(
      """
      ip link add eth0 type veth peer name far0; for link in lo eth0 far0; do ip link set $link up; done; ip addr add 10.0.0.1/24 dev eth0
      ferrule snapshot 2>/dev/null | grep rules
      ferrule run --this-host --brief 'eth0 udp 10.0.0.9:1 > 10.0.0.1:53' 2>&1 | grep -v backend
      chmod 711 $T; setpriv --reuid=65534 --regid=65534 --clear-groups ferrule run --this-host --brief 'eth0 udp 10.0.0.9:1 > 10.0.0.1:53' 2>/dev/null
      """)
    #expect(
      outcome.text.hasPrefix(
        """
        rules: none
        rules6: none
        eth0 udp 10.0.0.9:1 > 10.0.0.1:53 => delivered to this host

        """), "\(outcome.text)")
    #expect(outcome.text.contains("10.0.0.1:53 => unknown"), "\(outcome.text)")
  }

  /// Deleted rules, peers, and gateways behind a peer are in the snapshot, and `verify` can set them up.
  @Test func absentRulesAndPeersCanBeSetUpAgain() throws {
    let outcome = try Self.inNamespace(
      """
      sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward=1
      ip tuntap add tun0 mode tun; ip link add eth0 type veth peer name far0; ip link add pods type veth peer name far1
      for link in lo tun0 eth0 far0 pods far1; do ip link set $link up; done
      ip addr add 10.8.0.1 peer 10.8.0.2/32 dev tun0; ip addr add 172.31.0.225/20 dev eth0; ip addr add 10.9.0.1/32 scope link dev lo
      ip addr add 172.20.3.4/16 brd 172.20.3.255 dev eth0 noprefixroute; ip route add 172.20.0.0/16 dev eth0 metric 100
      ip route add default via 10.8.0.2; ip route add 10.244.0.0/24 dev pods
      ip route add 172.31.0.1 dev eth0 scope link table 101; ip route add default via 172.31.0.1 dev eth0 table 101
      ip rule add pref 10 iif far0 lookup 101; ip rule add pref 20 lookup local; ip rule del pref 0; ip rule del pref 32767
      iptables-legacy -t nat -A POSTROUTING -o tun0 -j MASQUERADE
      ferrule snapshot > $T/snap.yaml
      cat > $T/scenario.yaml <<'TESTS'
      snapshot: snap.yaml
      tests:
        - name: through a point-to-point link
          steps:
            - packet: pods udp 10.244.0.7:1000 > 198.51.100.9:53
              expect: {verdict: sent tun0, nat: {source: 10.8.0.1}}
        - name: the rules of the machine
          steps:
            - far0 tcp 172.31.2.37:4000 > 172.31.0.225:10250 S => sent eth0
            - pods tcp 10.244.0.7:4000 > 172.31.0.225:10250 S => local
            - pods udp 10.244.0.7:1 > 172.20.9.9:2 => sent eth0
      TESTS
      ferrule test $T/scenario.yaml; ferrule verify $T/scenario.yaml
      """)
    #expect(outcome.text.contains(": 2 passed, 4 packets\n"), "\(outcome.text)")
    #expect(outcome.text.contains(": 2 agree, 4 packets\n"), "\(outcome.text)")
  }

  /// `--this-host` is this machine as the snapshot has it: forwarding, routing rules, neighbours, and without a file its rules.
  @Test func thisHostIsTheMachineOfTheSnapshot() throws {
    let outcome = try Self.inNamespace(
      """
      sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv4.ip_forward=1
      ip link add eth0 type veth peer name far0; ip link add cni0 type veth peer name far1
      for link in lo eth0 far0 cni0 far1; do ip link set $link up; done
      ip addr add 10.1.0.10/24 dev eth0; ip addr add 10.244.1.1/24 dev cni0; ip route add default via 10.1.0.1 dev eth0
      ip route add 9.0.0.0/8 nexthop via 10.1.0.3 dev eth0 nexthop via 10.1.0.4 dev eth0
      ip rule add from 10.244.1.99 lookup 77; ip route add blackhole default table 77
      ip neigh add 10.1.0.1 lladdr 02:00:00:00:00:fe dev eth0 nud permanent
      iptables-legacy -A FORWARD -d 198.51.100.80 -j DROP
      printf '*filter\\nCOMMIT\\n' > $T/r.v4
      run() { ferrule run --backend legacy --brief "$@" | sed 's/.*=> //'; }
      run --this-host $T/r.v4 'cni0 tcp 10.244.1.7:4000 > 198.51.100.80:80 S' 'cni0 tcp 10.244.1.99:4000 > 198.51.100.80:80 S'
      run --this-host 'cni0 tcp 10.244.1.7:4000 > 198.51.100.80:80 S'
      sysctl -qw net.ipv4.ip_forward=0
      run --this-host $T/r.v4 'cni0 tcp 10.244.1.7:4000 > 198.51.100.80:80 S'
      ferrule snapshot --backend legacy | grep -A 3 'neighbours:'
      """)
    #expect(
      outcome.text == """
        sent through eth0
        lost: the route has the type blackhole
        dropped at FORWARD by filter FORWARD rule 1
        lost: forwarding is disabled on cni0
          neighbours:
            eth0: {10.1.0.1: "02:00:00:00:00:fe"}
          multicast: {}
          timezone: "UTC"

        """)
  }

  /// A host that is described without sysctls forwards, in a file of its own as in a scenario file.
  @Test func describedHostsHaveTheSameDefaults() throws {
    let outcome = try Self.inNamespace(
      """
      cat > $T/host.yaml <<'HOST'
      interfaces: {eth0: [10.1.0.10/24], cni0: [10.244.1.1/24]}
      routes: [default via 10.1.0.1 dev eth0]
      policy: [from 10.244.1.99 table 77]
      HOST
      (echo host:; sed 's/^/  /' $T/host.yaml) > $T/snapshot.yaml; printf '*filter\\nCOMMIT\\n' > $T/r.v4
      for host in host snapshot; do
        ferrule run --host $T/$host.yaml --brief $T/r.v4 'cni0 tcp 10.244.1.7:4000 > 198.51.100.80:80 S' 'cni0 icmp 10.244.1.7 > 198.51.100.80 echo-request ttl=1'
      done | sed 's/.*=> //' | sort | uniq -c | sed 's/^ *//'
      """)
    #expect(outcome.text.contains("2 sent through eth0\n") && outcome.text.split(separator: "\n").count == 2, "\(outcome.text)")
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
