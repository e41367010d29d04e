import Diagnostics
import Evaluator
import Scenarios
import Wire

/// The hosts around the one that is tried: on two links of its own, and outside.
enum SoakNetwork {
  static func host() throws -> Host {
    let text = """
      interfaces:
        eth0: {addresses: [10.0.0.1/24, "fd00::1/64"]}
        eth1: {addresses: [10.0.1.1/24, "fd01::1/64"], mtu: 1400}
        eth2: {addresses: [198.51.100.1/24, "2001:db8::1/64"]}
      routes: [default via 198.51.100.254 dev eth2, "default via 2001:db8::fe dev eth2", prohibit 192.0.2.0/25, unreachable 192.0.2.128/25]
      sysctls: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}
      sockets:
        - {name: web, proto: tcp, port: 80}
        - {name: ftp, proto: tcp, port: 21}
        - {name: dns, proto: udp, port: 53}
      multicast: {}
      queues: {}
      """
    return try Host(yaml: SourceFile(name: "host", bytes: Array(text.utf8)))
  }

  /// Hosts by link, then by family.
  static let clients = [["10.0.0.2", "10.0.0.3", "10.0.0.4"], ["fd00::2", "fd00::3", "fd00::4"]].map(addresses)
  static let servers = [["10.0.1.2", "10.0.1.3"], ["fd01::2", "fd01::3"]].map(addresses)
  static let outside = [["203.0.113.2", "203.0.113.3", "198.51.100.9"], ["2001:db8:9::2", "2001:db8:9::3", "2001:db8::9"]].map(addresses)
  static let own = [["10.0.0.1", "198.51.100.1", "10.0.1.1"], ["fd00::1", "2001:db8::1", "fd01::1"]].map(addresses)
  /// Where nobody is: no route, prohibited, broadcast, multicast.
  static let nowhere = [["192.0.2.1", "192.0.2.200", "10.0.0.255", "224.0.0.5", "10.9.0.7"], ["fd09::7", "ff02::5", "fe80::9"]].map(
    addresses)

  private static func addresses(_ texts: [String]) -> [IPAddress] { texts.compactMap { IPAddress($0) } }

  /// The link by which packets of a source come.
  static func interface(of source: IPAddress) -> String {
    let place = source.family == .ipv4 ? 0 : 1
    if source.bits >> (place == 0 ? 8 : 64) == clients[place][0].bits >> (place == 0 ? 8 : 64) { return "eth0" }
    if source.bits >> (place == 0 ? 8 : 64) == servers[place][0].bits >> (place == 0 ? 8 : 64) { return "eth1" }
    return "eth2"
  }

  static let ports: [UInt16] = [21, 22, 53, 69, 80, 80, 137, 1723, 5060, 6566, 6667, 10080]
}
