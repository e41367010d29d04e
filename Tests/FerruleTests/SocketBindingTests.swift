import TestSupport
import Testing

/// What a socket is bound to besides its port. The kernel's counters of these rules were the same.
@Suite struct SocketBindingTests {
  private static let listing = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
    udp   UNCONN 0      0           0.0.0.0%eth1:67        0.0.0.0:*
    tcp   LISTEN 0      128     203.0.113.5%eth0:82        0.0.0.0:*
    tcp   LISTEN 0      128    [::ffff:10.0.0.1]:81              *:*
    tcp   LISTEN 0      128                 [::]:443          [::]:*
    tcp   LISTEN 0      128                    *:22              *:*
    tcp   LISTEN 0      128              0.0.0.0:25        0.0.0.0:*
    tcp   LISTEN 0      128            [::]%eth0:83           [::]:*

    """
  private static let described = """
    [{proto: udp, port: 67, address: 0.0.0.0, device: eth1}, {port: 82, address: 203.0.113.5, device: eth0}, {port: 81, address: 10.0.0.1},
     {port: 443, address: "::", v6only: true}, {port: 22}, {port: 25, address: 0.0.0.0}, {port: 83, address: "::", v6only: true, device: eth0}]
    """
  private static let addresses = """
    interfaces: {eth0: [203.0.113.5/24, "2001:db8:1::1/64"], eth1: [10.0.0.1/24, "2001:db8:2::1/64"]}
    routes: []
    sockets:
    """
  private static let listedAddresses =
    #"[{"ifname":"eth0","flags":["UP"],"addr_info":[{"local":"203.0.113.5","prefixlen":24},{"local":"2001:db8:1::1","prefixlen":64}]},"#
    + #"{"ifname":"eth1","flags":["UP"],"addr_info":[{"local":"10.0.0.1","prefixlen":24},{"local":"2001:db8:2::1","prefixlen":64}]}]"#
  private static let rules = "*mangle\n-A PREROUTING -m socket --nowildcard -j DROP\nCOMMIT\n"

  /// Packets, and whether the host has a socket for them.
  static let packets: [(String, Bool)] = [
    ("eth0 tcp 203.0.113.7:4 > 203.0.113.5:82 S", true), ("eth1 tcp 10.0.0.80:4 > 203.0.113.5:82 S", false),
    ("eth1 udp 10.0.0.80:4 > 10.0.0.1:67", true), ("eth0 udp 203.0.113.7:4 > 203.0.113.5:67", false),
    ("eth1 tcp 10.0.0.80:4 > 10.0.0.1:81 S", true), ("eth0 tcp 203.0.113.7:4 > 203.0.113.5:81 S", false),
    ("eth0 tcp 203.0.113.7:4 > 203.0.113.5:443 S", false), ("eth0 tcp [2001:db8:1::7]:4 > [2001:db8:1::1]:443 S", true),
    ("eth0 tcp 203.0.113.7:4 > 203.0.113.5:22 S", true), ("eth0 tcp [2001:db8:1::7]:4 > [2001:db8:1::1]:22 S", true),
    ("eth0 tcp 203.0.113.7:4 > 203.0.113.5:25 S", true), ("eth0 tcp [2001:db8:1::7]:4 > [2001:db8:1::1]:25 S", false),
    ("eth0 tcp [2001:db8:1::7]:4 > [2001:db8:1::1]:83 S", true), ("eth1 tcp [2001:db8:2::7]:4 > [2001:db8:1::1]:83 S", false),
  ]

  @Test(arguments: ["--host $F.yaml", "--ip-addr $F.addr --ip-route $F.route --ss $F.ss --sysctl $F.sysctl"])
  func decideWhichPacketsItReceives(_ options: String) throws {
    let outcome = try CommandTests.shell(
      """
      printf '%s %s\\n' '\(Self.addresses)' '\(Self.described.replacing("\n", with: " "))' > $F.yaml
      printf '%s\\n' '\(Self.listedAddresses)' > $F.addr; echo '[]' > $F.route; printf '%s\\n' '\(Self.listing)' > $F.ss
      for s in forwarding rp_filter accept_local route_localnet; do for i in all default; do
        echo net.ipv4.conf.$i.$s = 0; echo net.ipv6.conf.$i.$s = 0; done; done > $F.sysctl
      cp $F $F.v6; ferrule run --brief \(options) $F --also $F.v6 \(Self.packets.map { "'\($0.0)'" }.joined(separator: " "))
      """, with: Self.rules)
    let lines = outcome.text.split(separator: "\n").filter { $0.contains(" => ") }
    #expect(lines.count == Self.packets.count, "\(outcome.text)")
    for (line, (packet, isFound)) in zip(lines, Self.packets) {
      #expect(line.contains("dropped at PREROUTING by mangle PREROUTING rule 1") == isFound, "\(packet): \(line)")
    }
  }

  /// The kernel says which sockets are bound to an interface, and which are for IPv6 only.
  @Test(.asRoot) func aSnapshotHasThem() throws {
    let outcome = try BuiltCommand.shell(
      """
      exec unshare -n bash -c 'ip link set lo up; ip link add eth0 type veth peer name far0; ip link set eth0 up; ip addr add 10.0.0.1/24 dev eth0
      python3 -c "
      import socket, subprocess
      def open(family, kind, address, port, device=None, only=None):
          s = socket.socket(family, kind)
          if device: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
          if only is not None: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
          s.bind((address, port))
          if kind == socket.SOCK_STREAM: s.listen()
          return s
      four, six, tcp, udp = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
      kept = [open(four, tcp, \\"10.0.0.1\\", 82, b\\"eth0\\"), open(four, udp, \\"0.0.0.0\\", 67, b\\"eth0\\"), open(six, tcp, \\"::ffff:10.0.0.1\\", 81),
              open(six, tcp, \\"::\\", 443, only=1), open(six, tcp, \\"::\\", 22, only=0), open(four, udp, \\"0.0.0.0\\", 53)]
      kept[-1].connect((\\"10.0.0.1\\", 9))
      subprocess.run([\\"ferrule\\", \\"snapshot\\"])
      " 2>&1 | grep "{proto"'
      """)
    #expect(
      Set(outcome.text.split(separator: "\n").map { $0.drop { $0 != "{" } }) == [
        "{proto: tcp, port: 82, address: 10.0.0.1, device: eth0, uid: 0}", "{proto: udp, port: 67, address: 0.0.0.0, device: eth0, uid: 0}",
        "{proto: tcp, port: 81, address: 10.0.0.1, uid: 0}", "{proto: tcp, port: 443, address: \"::\", v6only: true, uid: 0}",
        "{proto: tcp, port: 22, uid: 0}",
      ], "\(outcome.text)")
  }
}
