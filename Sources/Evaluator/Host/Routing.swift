public import Wire
public import XTables

/// What a route is looked for by. Kernel: `flowi4`, `flowi6`.
public struct Flow: Sendable, Hashable {
  public var destination: IPAddress
  public var source: IPAddress?
  public var mark: UInt32 = 0
  public var input: Interface?
  public var output: Interface?
  public var tos: UInt8 = 0
  /// What stands behind the network header, where a rule asks for it.
  public var proto: IPProtocol?
  public var sourcePort: UInt16 = 0
  public var destinationPort: UInt16 = 0
  /// The user whose socket sends it; root for packets from outside.
  public var user: UInt32 = 0

  public init(to destination: IPAddress, from source: IPAddress? = nil, mark: UInt32 = 0, input: Interface? = nil, output: Interface? = nil) {
    self.destination = destination
    self.source = source
    self.mark = mark
    self.input = input
    self.output = output
  }
}

/// What a look-up in the tables gives.
enum RouteLookup {
  case found(ResolvedRoute)
  /// No route, or one that forbids: the type says which.
  case error(AddressType)
  /// A rule forbids it.
  case barred(RouteRule.Action)
  case unknown
}

extension Flow {
  /// What rules can ask of a packet besides its addresses.
  mutating func note(_ packet: borrowing Packet, transport: Bool) {
    tos = packet.tos ?? 0
    guard transport, let at = packet.transport else { return }
    proto = at.proto
    guard at.proto.hasPorts, at.fragmentOffset == 0 else { return }
    sourcePort = packet.bytes.uint16(at: at.offset) ?? 0
    destinationPort = packet.bytes.uint16(at: at.offset &+ 2) ?? 0
  }
}

extension Host {
  /// Asks the tables in the order of the rules.
  ///
  /// The corresponding kernel functions are `fib_lookup` and `fib6_lookup`.
  func lookup(_ flow: Flow) -> RouteLookup {
    var last = 0
    return lookup(flow, in: lookups, endingAt: &last)
  }

  /// - Parameter place: gets the place of the rule that led to the answer.
  func lookup(_ flow: Flow, in lookups: [RuleLookup], endingAt place: inout Int) -> RouteLookup {
    var index = 0
    while index < lookups.count {
      place = index
      index += 1
      guard lookups[place].coversAll || lookups[place].rule.covers(flow) else { continue }
      switch lookups[place].rule.action {
      case .unreachable, .prohibit, .blackhole: return .barred(lookups[place].rule.action)
      case .nop: continue
      case .goto(let priority):
        let family = flow.destination.family
        // Only forward: the rules stand by their priorities.
        guard let target = lookups[index...].firstIndex(where: { $0.rule.priority == priority && $0.rule.family ?? family == family }) else { continue }
        index = target
      case .table:
        let table = flow.destination.family == .ipv4 ? lookups[place].narrow : lookups[place].wide
        guard let found = table?.lookup(flow.destination.bits, output: flow.output, tos: flow.tos) else { continue }
        switch found.route.type {
        case .throw: continue
        case .unreachable, .prohibit, .blackhole: return .error(found.route.type)
        default:
          if let length = lookups[place].rule.suppressedLength, found.route.prefixLength <= length { continue }
          return .found(found)
        }
      }
    }
    return knowsAllRoutes ? .error(.unspecified) : .unknown
  }

  /// What would have to be known to say where a packet goes.
  func needs(_ flow: Flow) -> String {
    if case .found(let found) = lookup(flow), !found.hops.isEmpty {
      return "which of \(found.hops.count) next hops to \(flow.destination) the kernel picks by a hash with a key of its own"
    }
    return "a route to \(flow.destination), or the word that there is none"
  }

  /// The route of a packet that starts here; nil if routes were not given, without an output where none leads.
  ///
  /// The corresponding kernel functions are `ip_route_output_key` and `ip6_route_output`.
  public func outputRoute(_ flow: Flow) -> RouteAnswer? {
    guard let answer = destinationRoute(flow) else { return nil }
    guard let output = answer.output, isMartian(source: flow.source, on: output) else { return answer }
    return RouteAnswer(type: .unreachable, output: nil, gateway: nil, preferredSource: nil)
  }

  /// Whether packets from a source may not leave by an interface: one of 127.0.0.0/8 stays on the loopback interface unless
  /// `route_localnet` is on. The corresponding kernel function is `__mkroute_output`.
  func isMartian(source: IPAddress?, on output: Interface) -> Bool {
    guard case .v4(let address)? = source, address.rawValue >> 24 == 127, let link = link(output) else { return false }
    return !link.isLoopback && !link.routesLocalnet
  }

  /// The route by destination and rules, whatever the source may be.
  private func destinationRoute(_ flow: Flow) -> RouteAnswer? {
    var flow = flow
    if flow.destination.bits == 0 { flow.destination = flow.destination.family == .ipv4 ? .v4(.loopback) : .v6(IPv6Address(rawValue: 1)) }
    if case .v4(let address) = flow.destination, address == .broadcast || address.isMulticast {
      return manyRoute(flow, address == .broadcast ? .broadcast : .multicast)
    }
    switch lookup(flow) {
    case .unknown: return nil
    case .error(let type):
      if let answer = onLink(flow) { return answer }
      return RouteAnswer(type: type == .unspecified ? .unreachable : type, output: nil, gateway: nil, preferredSource: nil)
    case .barred: return onLink(flow) ?? RouteAnswer(type: .unreachable, output: nil, gateway: nil, preferredSource: nil)
    case .found(let found):
      let route = found.route
      if route.type == .local || route.type == .anycast {
        let source = flow.source ?? (flow.destination.family == .ipv4 ? route.preferredSource : nil) ?? flow.destination
        return RouteAnswer(type: .local, output: devices[0].interface, gateway: nil, preferredSource: source, mtu: devices[0].mtu)
      }
      guard let output = route.output else { return nil }
      return RouteAnswer(
        type: route.type, output: output, gateway: route.gateway,
        preferredSource: flow.source ?? preferredSource(route, output, flow.destination), mtu: mtu(route, output))
    }
  }

  /// Bound to an interface, everything that no route leads to is taken to be on the link. IPv4 only.
  private func onLink(_ flow: Flow) -> RouteAnswer? {
    guard let output = flow.output, flow.destination.family == .ipv4 else { return nil }
    return RouteAnswer(
      type: .unicast, output: output, gateway: nil, preferredSource: flow.source ?? selectAddress(output, near: nil, .link),
      mtu: device(output)?.mtu ?? 1500)
  }

  /// Broadcast and multicast need no route, but an interface.
  private func manyRoute(_ flow: Flow, _ type: AddressType) -> RouteAnswer? {
    var output = flow.output
    if output == nil, let source = flow.source { output = device(holding: source)?.interface }
    if output == nil, case .found(let found) = lookup(flow) { output = found.route.output }
    guard let output else { return RouteAnswer(type: .unreachable, output: nil, gateway: nil, preferredSource: nil) }
    return RouteAnswer(
      type: type, output: output, gateway: nil, preferredSource: flow.source ?? selectAddress(output, near: nil, .link),
      mtu: device(output)?.mtu ?? 1500)
  }

  private func mtu(_ route: Route, _ output: Interface) -> Int {
    let mtu = device(output)?.mtu ?? 1500
    return route.mtu > 0 ? min(route.mtu, mtu) : mtu
  }

  /// The corresponding kernel functions are `fib_result_prefsrc` and `ipv6_dev_get_saddr`, the latter by longest common prefix
  /// and scope only.
  private func preferredSource(_ route: Route, _ output: Interface, _ destination: IPAddress) -> IPAddress? {
    if let source = route.preferredSource { return source }
    guard destination.family == .ipv6 else { return selectAddress(output, near: route.gateway ?? destination, route.scope) }
    return selectAddress(ipv6: output, near: destination)
  }

  /// The IPv6 address to speak with: of fitting scope, of the interface by which it goes, with the longest common prefix, in this order.
  /// The corresponding kernel function is `ipv6_dev_get_saddr`, without rules on lifetimes and labels.
  private func selectAddress(ipv6 output: Interface, near destination: IPAddress) -> IPAddress? {
    let wanted = scope(ofIPv6: destination)
    let asked = wanted == .universe ? devices.filter(\.isUp) : devices.filter { $0.interface == output }
    var best: (rank: (Int, Int, Int), address: IPAddress)?
    for device in asked {
      for entry in addresses(of: device) where entry.address.family == .ipv6 {
        let own = scope(ofIPv6: entry.address)
        // The nearest of those wide enough, else the widest.
        let fit = own.rawValue <= wanted.rawValue ? Int(own.rawValue) : -Int(own.rawValue) - 256
        let rank = (entry.address == destination ? 1 << 16 : fit, device.interface == output ? 1 : 0, common(entry.address, destination))
        if best.map({ rank > $0.rank }) ?? true { best = (rank, entry.address) }
      }
    }
    return best?.address
  }

  private func scope(ofIPv6 address: IPAddress) -> RouteScope {
    address.bits >> 118 == 0x3FA || address.isLoopback || address.isMulticast && address.bits >> 112 & 0xF < 3 ? .link : .universe
  }

  private func common(_ a: IPAddress, _ b: IPAddress) -> Int { (a.bits ^ b.bits).leadingZeroBitCount }

  func device(holding address: IPAddress) -> Device? {
    devices.first { device in device.isUp && addresses(of: device).contains { $0.address == address } }
  }

  /// The address an interface speaks with to one near it.
  ///
  /// The corresponding kernel function is `inet_select_addr`.
  func selectAddress(_ interface: Interface, near: IPAddress?, _ scope: RouteScope) -> IPAddress? {
    func fits(_ entry: Address) -> Bool { entry.address.family == .ipv4 && entry.scope.rawValue <= scope.rawValue }
    var first: IPAddress?
    for entry in device(interface)?.addresses ?? [] where fits(entry) {
      guard let near else { return entry.address }
      if near.bits & entry.mask == entry.network { return entry.address }
      if first == nil { first = entry.address }
    }
    if let first { return first }
    for device in devices where device.isUp {
      for entry in device.addresses where fits(entry) && entry.scope != .link { return entry.address }
    }
    return nil
  }

  // MARK: HostModel

  public func addressType(_ address: IPAddress, on interface: Interface?) -> AddressType? {
    if case .v4(let narrow) = address {
      if narrow == .broadcast || narrow == .any { return .broadcast }
      if narrow.isMulticast { return .multicast }
      guard let route = table(RouteTable.local, .ipv4)?.lookup(address.bits, output: nil)?.route,
        interface == nil || route.output == interface
      else { return .unicast }
      return route.type
    }
    if address.bits == 0 { return .unspecified }
    if address.isMulticast { return .multicast }
    if let interface { return device(interface).map { addresses(of: $0).contains { $0.address == address } } == true ? .local : .unicast }
    switch lookup(Flow(to: address)) {
    case .unknown: return nil
    case .error, .barred: return .unreachable
    case .found(let found): return found.route.type == .local || found.route.type == .anycast ? found.route.type : .unicast
    }
  }

  public func route(
    to destination: IPAddress, from source: IPAddress?, mark: UInt32, input: Interface?, output: Interface?
  ) -> RouteAnswer? {
    outputRoute(Flow(to: destination, from: source, mark: mark, input: input, output: output))
  }

  public func primaryAddress(of interface: Interface, _ family: AddressFamily, near: IPAddress?) -> IPAddress? {
    if family == .ipv4 { return selectAddress(interface, near: near, .universe) }
    let own = (device(interface).map { addresses(of: $0) } ?? []).filter { $0.address.family == .ipv6 }
    let isNear = near.map { $0.bits >> 118 == 0x3FA } ?? false
    return own.first { ($0.scope == .link) == isNear }?.address ?? own.first?.address
  }

  public func sourceAddress(through interface: Interface, to near: IPAddress) -> IPAddress? {
    near.family == .ipv4 ? selectAddress(interface, near: near, .universe) : selectAddress(ipv6: interface, near: near)
  }

  public func sysctl(_ name: String) -> Int? { sysctls[name] }
}
