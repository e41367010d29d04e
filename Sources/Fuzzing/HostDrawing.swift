import Wire
import XTables

/// Draws hosts: the usual one with some changes.
///
/// Most hosts are the usual one, so that the kernel's namespaces can be reused.
struct HostDrawing {
  let family: Family
  var draw: Draw

  private var isFour: Bool { family == .ipv4 }

  /// A change of the usual host.
  private enum Change: CaseIterable {
    case bridge, secondAddress, secondNetwork, peer, policy, routes, sysctls
  }

  /// Draws a host with one to three changes, or the usual one.
  mutating func host() -> FuzzHost {
    var host = FuzzHost(family)
    guard draw.chance(0.45) else { return host }
    var choices = Change.allCases
    for _ in 0..<draw.number(1...3) {
      let change = choices.remove(at: draw.number(0...choices.count - 1))
      switch change {
      // A bridge over IPv6 asks for its neighbours through the hooks, which the engine does not.
      case .bridge: if isFour, host.setup.count == FuzzHost(family).setup.count { bridge(&host) }
      case .secondAddress: addSecondAddress(to: &host)
      case .secondNetwork: addSecondNetwork(to: &host)
      case .peer: addPeer(to: &host)
      case .policy: addPolicy(to: &host)
      case .routes: addRoutes(to: &host)
      case .sysctls: for _ in 0..<draw.number(1...3) { addSysctl(to: &host) }
      }
    }
    // The kernel looks for a gateway by the rules.
    let isRule = { (line: String) in line.contains("rule add ") }
    host.setup = host.setup.filter { !isRule($0) } + host.setup.filter(isRule)
    return host
  }

  private func text(_ four: String, _ six: String) -> String { isFour ? four : six }

  /// The first two interfaces become ports of a bridge, which has the address of the first.
  private mutating func bridge(_ host: inout FuzzHost) {
    let first = host.networks[0]
    host.interfaces = [
      FuzzHost.Face(name: "eth0", addresses: []), FuzzHost.Face(name: "eth1", addresses: []), host.interfaces[2],
    ]
    host.networks = [
      FuzzHost.Network(
        interface: "br0", address: first.address, prefixLength: first.prefixLength, neighbours: first.neighbours, ports: ["eth0", "eth1"]),
      host.networks[2],
    ]
    host.setup += ["link add br0 type bridge", "link set br0 up", "link set eth0 master br0", "link set eth1 master br0"]
    host.setup.append("addr add \(first.address)/\(first.prefixLength) brd + dev br0")
    for neighbour in first.neighbours {
      host.setup.append("neigh add \(neighbour) lladdr \(FuzzHost.hardwareAddress(of: neighbour)) dev br0")
    }
    let call = isFour ? "net.bridge.bridge-nf-call-iptables" : "net.bridge.bridge-nf-call-ip6tables"
    host.sysctls.append((call, draw.pick([1, 1, 1, 0])))
  }

  private mutating func addSecondAddress(to host: inout FuzzHost) {
    let network = draw.pick(host.networks)
    let second = IPAddress(family: family, bits: network.address.bits + draw.pick([1, 3, 0x20]))
    guard !host.isKnown(second) else { return }
    host.setup.append("addr add \(second)/\(network.prefixLength) dev \(network.interface)")
    host.others.append(second)
  }

  private mutating func addSecondNetwork(to host: inout FuzzHost) {
    let interface = draw.pick(host.networks).interface
    let ports = host.networks.first { $0.interface == interface }?.ports ?? [interface]
    guard let address = IPAddress(text("10.0.7.1", "fd07::1")), let near = IPAddress(text("10.0.7.9", "fd07::9")) else { return }
    let length = isFour ? draw.pick([24, 30]) : 64
    let neighbours = length == 24 || !isFour ? [near] : IPAddress("10.0.7.2").map { [$0] } ?? []
    host.setup.append("addr add \(address)/\(length) dev \(interface)")
    host.networks.append(
      FuzzHost.Network(interface: interface, address: address, prefixLength: length, neighbours: neighbours, ports: ports))
    // A bridge asks for the addresses of its neighbours, which nobody answers.
    if interface == "br0" {
      for neighbour in neighbours {
        host.setup.append("neigh add \(neighbour) lladdr \(FuzzHost.hardwareAddress(of: neighbour)) dev br0")
      }
    }
  }

  /// An address with a peer, as of a point-to-point link.
  private mutating func addPeer(to host: inout FuzzHost) {
    guard let own = IPAddress(text("10.9.0.1", "fd09::1")), let peer = IPAddress(text("10.9.0.2", "fd09::2")) else { return }
    host.setup.append("addr add \(own) peer \(peer)/\(family.addressBits) dev eth2")
    host.networks.append(
      FuzzHost.Network(interface: "eth2", address: own, prefixLength: family.addressBits - 2, neighbours: [peer], ports: ["eth2"]))
  }

  /// Routing rules and the tables that they select.
  private mutating func addPolicy(to host: inout FuzzHost) {
    let near = draw.pick(host.networks.flatMap(\.neighbours))
    let target = draw.pick(host.networks)
    guard let gateway = target.neighbours.last else { return }
    let remote = draw.pick(host.remotes)
    let selector = draw.pick([
      "from \(near)", "to \(remote)", "fwmark 0x1", "fwmark 0x10/0xf0", "iif \(draw.pick(host.networks).interface)", "uidrange 1000-2000",
      "ipproto tcp dport 80", "ipproto udp", "not from \(near)", "iif lo",
    ])
    let action = draw.pick(["table 100", "table 100", "table 100", "table 100", "prohibit", "unreachable", "blackhole"])
    if action == "table 100" {
      host.setup.append(
        draw.pick([
          "route add default via \(gateway) dev \(target.interface) table 100",
          "route add default via \(gateway) dev \(target.interface) table 100", "route add \(remote) dev \(target.interface) table 100",
          "route add unreachable default table 100", "route add prohibit \(remote) table 100", "route add throw default table 100",
        ]))
    }
    host.setup.append("\(isFour ? "" : "-6 ")rule add \(selector) priority 1000 \(action)")
  }

  private mutating func addRoutes(to host: inout FuzzHost) {
    let target = draw.pick(host.networks)
    guard let gateway = target.neighbours.last else { return }
    let remote = draw.pick(host.remotes)
    let way = "via \(gateway) dev \(target.interface)"
    var choices = [
      "\(remote) \(way)", "\(remote) \(way)", "blackhole \(remote)", "unreachable \(remote)", "prohibit \(remote)",
      "\(remote) \(way) mtu 1400", "local \(remote) dev lo", "\(text("203.0.113.0/24", "2001:db8:9::/64")) \(way)",
    ]
    if isFour { choices += ["\(remote) \(way) realm 7", "\(remote) \(way) src \(host.networks[0].address)"] }
    host.setup.append("route add \(draw.pick(choices))")
  }

  private mutating func addSysctl(to host: inout FuzzHost) {
    let interface = draw.pick(host.networks).interface
    let common: [(String, Int)] = [
      ("net.netfilter.nf_conntrack_tcp_loose", 0), ("net.netfilter.nf_conntrack_tcp_be_liberal", 1),
      ("net.netfilter.nf_conntrack_checksum", 0), ("net.ipv4.tcp_sack", 0), ("net.ipv4.tcp_window_scaling", 0),
      ("net.ipv4.tcp_fwmark_accept", 1), ("net.ipv4.tcp_early_demux", 0), ("net.ipv4.ip_early_demux", 0),
    ]
    let own: [(String, Int)] =
      isFour
      ? [
        ("net.ipv4.conf.all.rp_filter", 1), ("net.ipv4.conf.all.rp_filter", 2), ("net.ipv4.conf.\(interface).rp_filter", 1),
        ("net.ipv4.conf.all.accept_local", 1), ("net.ipv4.conf.all.route_localnet", 1), ("net.ipv4.conf.\(interface).route_localnet", 1),
        ("net.ipv4.ip_forward", 0), ("net.ipv4.conf.\(interface).forwarding", 0), ("net.ipv4.icmp_echo_ignore_all", 1),
        ("net.ipv4.icmp_echo_ignore_broadcasts", 0), ("net.ipv4.ip_default_ttl", 33), ("net.ipv4.icmp_errors_use_inbound_ifaddr", 1),
        ("net.ipv4.fwmark_reflect", 1), ("net.ipv4.conf.all.src_valid_mark", 1), ("net.ipv4.conf.all.accept_source_route", 1),
        ("net.ipv4.conf.all.bc_forwarding", 1),
      ]
      : [
        ("net.ipv6.conf.all.forwarding", 0), ("net.ipv6.conf.\(interface).forwarding", 0), ("net.ipv6.conf.\(interface).hop_limit", 33),
        ("net.ipv6.fwmark_reflect", 1),
      ]
    let (name, value) = draw.pick(draw.chance(0.3) ? common : own)
    guard !host.sysctls.contains(where: { $0.name == name }) else { return }
    host.sysctls.append((name, value))
  }
}
