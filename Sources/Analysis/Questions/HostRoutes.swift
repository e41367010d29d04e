import Evaluator
import Netfilter
public import Wire
import XTables

/// Where packets come from, as a host's routes see it.
public enum PacketOrigin: Sendable {
  /// Sources that the host reaches through its default route.
  case outside
  /// Sources of a network: the bits of a prefix, and its length.
  case network(IPAddress, prefixLength: Int)
}

/// The ways on which a host's routing leads packets, as sets over their addresses.
///
/// Each elementary interval of addresses has one route, because the boundaries of all routes are among those of the tests.
struct HostRoutes {
  private let host: Host
  private let family: Family
  /// Whether destinations alone decide. Routing rules by source, mark or interface are not followed.
  let isByDestination: Bool

  /// Nil if the host's routes are not known.
  init?(_ host: Host, _ family: Family) {
    guard !host.missing.contains(.routes), !host.missing.contains(.addresses) else { return nil }
    self.host = host
    self.family = family
    isByDestination = host.rules.allSatisfy { RouteRule.initial.contains($0) }
  }

  /// The ranges of addresses at whose ends the routes may treat addresses differently.
  var boundaries: [ClosedRange<UInt128>] {
    let width = family == .ipv4 ? 32 : 128
    func range(_ bits: UInt128, _ length: Int) -> ClosedRange<UInt128> {
      let free = length >= width ? 0 : length == 0 && width == 128 ? UInt128.max : (1 << UInt128(width - length)) - 1
      return (bits & ~free)...(bits | free)
    }
    let special: [(UInt128, Int)] =
      family == .ipv4
      ? [(0, 32), (0x7f00_0000, 8), (0xe000_0000, 4), (0xffff_ffff, 32)] : [(0, 128), (1, 128), (0xff << 120, 8)]
    return host.routes.filter { $0.family == family }.map { range($0.destination, $0.prefixLength) } + special.map { range($0.0, $0.1) }
  }

  /// Adds the boundaries of the routes, and the interfaces, to the rules' tests.
  func add(to tests: inout FieldTests) {
    for range in boundaries {
      tests.add(.test(.sourceAddress, .range(range)))
      tests.add(.test(.destinationAddress, .range(range)))
    }
    for name in host.devices.map(\.name) {
      for field in [Field.inputInterface, .outputInterface] {
        tests.add(.test(field, .range(InterfaceNames.key(name)...InterfaceNames.key(name))))
      }
    }
  }

  /// What fields that follow from an address are on the host.
  var fields: HostFields { HostFields(host, family, boundaries) }

  /// What routing does with a destination.
  private enum Way: Hashable {
    case local
    case out(String)
    case none
  }

  private func way(to address: IPAddress) -> Way {
    guard let answer = host.route(to: address, from: nil, mark: 0, input: nil, output: nil) else { return .none }
    switch answer.type {
    case .local, .broadcast, .multicast, .anycast: return .local
    case .unicast: return answer.output.map { .out(host.device(named: $0.name)?.name ?? $0.name) } ?? .none
    default: return .none
    }
  }

  /// The packets that routing leads to a hook, by their destination as it is then: to INPUT, or to FORWARD or OUTPUT with the interface by
  /// which they leave. Nil if the addresses have no intervals.
  func packets(to hook: Hook, in space: inout PacketSpace) -> PacketSet? {
    guard let ways = sets(of: .destinationAddress, in: &space, { way(to: $0) }) else { return nil }
    let forwards = host.sysctl(family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding") != 0
    // A loopback address is no destination on another interface.
    let loopback = ValueTest.range(family == .ipv4 ? 0x7f00_0000...0x7fff_ffff : 1...1)
    let martians = space.difference(space.set(of: .destinationAddress, loopback), interface("lo", .inputInterface, &space))
    var result = PacketSet.none
    for (way, packets) in ways {
      switch (way, hook) {
      case (.local, .input): result = space.union(result, space.difference(packets, martians))
      case (.local, .output): result = space.union(result, space.intersection(packets, interface("lo", .outputInterface, &space)))
      case (.out(let name), .output),
        (.out(let name), .forward) where hook == .output || forwards:
        result = space.union(result, space.intersection(packets, interface(name, .outputInterface, &space)))
      default: break
      }
    }
    // What the host sends to itself is not forwarded: its source is an address of the host, which no other packet may have.
    guard hook == .forward else { return result }
    for device in host.devices where device.isLoopback {
      result = space.difference(result, interface(device.name, .inputInterface, &space))
    }
    return result
  }

  /// The packets that arrive on an interface of the host; with an origin, from there by the interface that leads back.
  func arriving(from origin: PacketOrigin?, in space: inout PacketSpace) -> PacketSet? {
    guard let origin else {
      guard let ways = sets(of: .sourceAddress, in: &space, { way(to: $0) }) else { return nil }
      let own = ways[.local] ?? .none
      return host.devices.reduce(PacketSet.none) { result, device in
        // Packets on the loopback interface come from the host itself; its addresses are no source on any other one.
        let packets = interface(device.name, .inputInterface, &space)
        return space.union(result, device.isLoopback ? space.intersection(packets, own) : space.difference(packets, own))
      }
    }
    let usual = host.routes.filter { $0.family == family && $0.prefixLength == 0 && $0.type == .unicast }
    let ways = sets(of: .sourceAddress, in: &space) { address -> Way in
      switch origin {
      case .network: return way(to: address)
      case .outside:
        guard let answer = host.route(to: address, from: nil, mark: 0, input: nil, output: nil), answer.type == .unicast else {
          return .none
        }
        let isDefault = usual.contains { $0.gateway == answer.gateway && $0.output.map { $0.name } == answer.output.map { $0.name } }
        return isDefault ? way(to: address) : .none
      }
    }
    guard let ways else { return nil }
    var result = PacketSet.none
    for case (.out(let name), let packets) in ways {
      result = space.union(result, space.intersection(packets, interface(name, .inputInterface, &space)))
    }
    if case .network(let address, let length) = origin {
      let width = family == .ipv4 ? 32 : 128
      let free = length >= width ? 0 : length == 0 && width == 128 ? UInt128.max : (1 << UInt128(width - length)) - 1
      result = space.intersection(result, space.set(of: .sourceAddress, .range((address.bits & ~free)...(address.bits | free))))
    }
    return result
  }

  private func interface(_ name: String, _ field: Field, _ space: inout PacketSpace) -> PacketSet {
    space.set(of: field, .range(InterfaceNames.key(name)...InterfaceNames.key(name)))
  }

  /// The intervals of an address field, by what they lead to.
  private func sets(of field: Field, in space: inout PacketSpace, _ way: (IPAddress) -> Way) -> [Way: PacketSet]? {
    guard let code = space.code(of: field), let starts = code.starts else { return nil }
    var result: [Way: PacketSet] = [:]
    var first = 0
    let ways = starts.map { way(IPAddress(family: family, bits: $0)) }
    for rank in starts.indices where rank + 1 == starts.count || ways[rank + 1] != ways[rank] {
      let range = space.between(first, rank, starts.count, code)
      result[ways[rank]] = space.union(result[ways[rank]] ?? .none, range)
      first = rank + 1
    }
    return result
  }
}
