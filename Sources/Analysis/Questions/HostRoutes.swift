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
  /// Packets that come to a place: those of which that is certain, and those of which it is possible.
  struct Bounds {
    var certain = PacketSet.none
    var possible = PacketSet.none

    /// Adds packets to those of which it is certain.
    mutating func add(_ packets: PacketSet, in space: inout PacketSpace) {
      certain = space.union(certain, packets)
      possible = space.union(possible, packets)
    }
  }

  let host: Host
  let family: Family
  /// Whether destinations alone decide. Routing rules by source, mark or interface are not followed, nor are routes by TOS.
  let isByDestination: Bool

  /// Nil if the host's routes are not known.
  init?(_ host: Host, _ family: Family) {
    guard !host.missing.contains(.routes), !host.missing.contains(.addresses) else { return nil }
    self.host = host
    self.family = family
    isByDestination = host.rules.allSatisfy { RouteRule.initial.contains($0) } && host.routes.allSatisfy { $0.tos == 0 }
  }

  /// The ranges of addresses at whose ends the host may treat addresses differently.
  var boundaries: [ClosedRange<UInt128>] {
    let width = family == .ipv4 ? 32 : 128
    func range(_ bits: UInt128, _ length: Int) -> ClosedRange<UInt128> {
      let free = length >= width ? 0 : length == 0 && width == 128 ? UInt128.max : (1 << UInt128(width - length)) - 1
      return (bits & ~free)...(bits | free)
    }
    let special: [(UInt128, Int)] =
      family == .ipv4
      ? [(0, 32), (0x7f00_0000, 8), (0xe000_0000, 4), (0xffff_ffff, 32)] : [(0, 128), (1, 128), (0xff << 120, 8)]
    let own = host.devices.flatMap { host.addresses(of: $0.interface, family) ?? [] }
    return host.routes.filter { $0.family == family }.map { range($0.destination, $0.prefixLength) }
      + special.map { range($0.0, $0.1) } + own.map { $0.bits...$0.bits }
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
  enum Way: Hashable {
    case local
    case out(String)
    case none
    /// By one of several interfaces.
    case oneOf([String])
    case unknown
  }

  /// The way of a packet that this host sends.
  func way(to address: IPAddress) -> Way {
    guard let answer = host.route(to: address, from: nil, mark: 0, input: nil, output: nil) else {
      let hops = host.nextHops(to: address).map { host.device(named: $0.name)?.name ?? $0.name }
      return hops.isEmpty ? .unknown : .oneOf(hops.sorted())
    }
    // The source decides by which interface IPv4 sends to many hosts.
    if family == .ipv4, address.isMulticast || address.bits == 0xffff_ffff { return .unknown }
    switch answer.type {
    case .local, .anycast: return .local
    case .unicast, .broadcast, .multicast: return answer.output.map { .out(host.device(named: $0.name)?.name ?? $0.name) } ?? .none
    default: return .none
    }
  }

  /// The way of a packet that arrives. Those for many hosts come to INPUT, whatever the routes: membership in groups is not followed.
  private func way(ofArrivalTo address: IPAddress) -> Way {
    if address.isMulticast || family == .ipv4 && (address.bits == 0 || address.bits == 0xffff_ffff) { return .local }
    guard host.route(to: address, from: nil, mark: 0, input: nil, output: nil)?.type == .broadcast else { return way(to: address) }
    let forwards = host.devices.contains { host.arrivalSettings(of: $0.interface, family)?.forwardsBroadcasts == true }
    return forwards ? .unknown : .local
  }

  /// The packets that routing leads to a hook, by their destination as it is then: to INPUT, or to FORWARD or OUTPUT with the interface by
  /// which they leave. Nil if the addresses have no intervals.
  func packets(to hook: Hook, in space: inout PacketSpace) -> Bounds? {
    if hook == .output { return sent(in: &space) }
    guard let ways = sets(of: .destinationAddress, in: &space, { way(ofArrivalTo: $0) }) else { return nil }
    var led = Bounds()
    for (way, packets) in ways {
      switch (way, hook) {
      case (.local, .input): led.add(packets, in: &space)
      case (.out(let name), .forward): led.add(space.intersection(packets, interface(name, .outputInterface, &space)), in: &space)
      case (.oneOf(let names), .forward):
        let leaving = names.reduce(PacketSet.none) { space.union($0, interface($1, .outputInterface, &space)) }
        led.possible = space.union(led.possible, space.intersection(packets, leaving))
      case (.unknown, _): led.possible = space.union(led.possible, packets)
      default: break
      }
    }
    return hook == .forward ? forwarded(led, in: &space) : taken(led, in: &space)
  }

  /// The packets that routing leads to OUTPUT with an interface.
  private func sent(in space: inout PacketSpace) -> Bounds? {
    guard let departures = departures(in: &space) else { return nil }
    var (led, rest) = (Bounds(), PacketSet.all)
    for (output, packets) in departures {
      rest = space.difference(rest, packets)
      if let output { led.add(space.intersection(packets, interface(output, .outputInterface, &space)), in: &space) }
    }
    led.possible = space.union(led.possible, rest)
    return led
  }

  /// The packets that this host sends, by the interface by which their route leads, nil for those without one; those with several routes are
  /// not listed. Nil if the addresses have no intervals.
  func departures(in space: inout PacketSpace) -> [(output: String?, packets: PacketSet)]? {
    guard let ways = sets(of: .destinationAddress, in: &space, { way(to: $0) }) else { return nil }
    var departures: [String?: PacketSet] = [:]
    for (way, packets) in ways {
      switch way {
      case .local: departures["lo"] = space.union(departures["lo"] ?? .none, packets)
      case .out(let name): departures[name] = space.union(departures[name] ?? .none, packets)
      case .none: departures[nil] = packets
      case .oneOf, .unknown: break
      }
    }
    return departures.sorted { $0.key ?? "" < $1.key ?? "" }.map { ($0.key, $0.value) }
  }

  /// The packets of this host that no route leads to an interface: those from 127.0.0.0/8 stay on the loopback interface.
  func refusedSources(leavingBy output: String, in space: inout PacketSpace) -> Bounds {
    guard family == .ipv4, let device = host.device(named: output), !device.isLoopback,
      let settings = host.arrivalSettings(of: device.interface, family), settings.routesLocalnet != true
    else { return Bounds() }
    let loopback = space.set(of: .sourceAddress, .range(0x7f00_0000...0x7fff_ffff))
    return Bounds(certain: settings.routesLocalnet == false ? loopback : .none, possible: loopback)
  }

  /// The packets that leave by an interface to which a route leads.
  func leaving(in space: inout PacketSpace) -> PacketSet {
    let routes = host.routes.filter { $0.family == family && $0.type == .unicast }
    let outputs = Set(routes.flatMap { [$0.output].compactMap { $0 } + $0.hops.map(\.output) }.map(\.name))
    return outputs.sorted().reduce(PacketSet.none) { space.union($0, interface($1, .outputInterface, &space)) }
  }

  func interface(_ name: String, _ field: Field, _ space: inout PacketSpace) -> PacketSet {
    space.set(of: field, .range(InterfaceNames.key(name)...InterfaceNames.key(name)))
  }

  /// The intervals of an address field, by what each of their addresses is.
  func sets<Kind: Hashable>(
    of field: Field, in space: inout PacketSpace, _ kind: (IPAddress) -> Kind
  ) -> [Kind: PacketSet]? {
    guard let code = space.code(of: field), let starts = code.starts else { return nil }
    var result: [Kind: PacketSet] = [:]
    var first = 0
    let kinds = starts.map { kind(IPAddress(family: family, bits: $0)) }
    for rank in starts.indices where rank + 1 == starts.count || kinds[rank + 1] != kinds[rank] {
      let range = space.between(first, rank, starts.count, code)
      result[kinds[rank]] = space.union(result[kinds[rank]] ?? .none, range)
      first = rank + 1
    }
    return result
  }
}
