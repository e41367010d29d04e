public import Wire
public import XTables

/// The key of a route look-up. Kernel: `flowi4`, `flowi6`.
public struct Flow: Sendable, Hashable {
  /// The destination address.
  public var destination: IPAddress
  /// The source address; nil if not chosen yet.
  public var source: IPAddress?
  /// The packet mark.
  public var mark: UInt32 = 0
  /// The input interface; nil for packets of this host.
  public var input: Interface?
  /// The interface that the sending socket is bound to.
  public var output: Interface?
  /// The TOS or traffic class.
  public var tos: UInt8 = 0
  /// The transport protocol; set only if a rule tests it.
  public var proto: IPProtocol?
  /// The transport source port, 0 without one.
  public var sourcePort: UInt16 = 0
  /// The transport destination port, 0 without one.
  public var destinationPort: UInt16 = 0
  /// Whether NAT has chosen a port by chance, and it is not known how chance decides.
  public var hasDrawnPort = false
  /// The user of the sending socket, root (0) for received packets; nil if it is not known.
  public var user: UInt32? = 0
  /// True for a look-up that finds routes over links that are down too. Kernel: `FIB_LOOKUP_IGNORE_LINKSTATE`.
  var isRegardlessOfLinks = false

  /// Creates a key with TOS 0 and user 0.
  public init(to destination: IPAddress, from source: IPAddress? = nil, mark: UInt32 = 0, input: Interface? = nil, output: Interface? = nil)
  {
    self.destination = destination
    self.source = source
    self.mark = mark
    self.input = input
    self.output = output
  }
}

extension IPAddress {
  /// The destination that a socket looks up for this one: this host for `::`. A packet to `::` that is routed again has no such meaning.
  ///
  /// The corresponding kernel functions are `rawv6_sendmsg` and `tcp_v6_connect`.
  var ofSocket: IPAddress { self == .v6(IPv6Address(rawValue: 0)) ? .v6(IPv6Address(rawValue: 1)) : self }
}

/// The result of a look-up in the tables.
enum RouteLookup {
  case found(ResolvedRoute)
  /// No route, or a refusing route of this type.
  case error(AddressType)
  /// A rule refuses the packet.
  case barred(RouteRule.Action)
  /// This fact would decide.
  case unknown(HostFact)
}

extension Flow {
  /// Adds the fields besides the addresses that rules can test.
  mutating func note(_ context: borrowing PacketContext, transport: Bool) {
    note(context.packet, transport: transport)
    hasDrawnPort = context.hasDrawnPort
  }

  /// Adds the fields besides the addresses that rules can test.
  mutating func note(_ packet: borrowing Packet, transport: Bool) {
    tos = packet.tos ?? 0
    guard transport, let at = packet.transport else { return }
    // The kernel's flow dissector does not look behind an authentication header.
    if packet.family == .ipv6, packet.hasAuthenticationHeader {
      proto = .ah
      return
    }
    proto = at.proto
    guard at.proto.hasPorts, at.fragmentOffset == 0 else { return }
    sourcePort = packet.bytes.uint16(at: at.offset) ?? 0
    destinationPort = packet.bytes.uint16(at: at.offset &+ 2) ?? 0
  }
}

extension Host {
  /// Looks up the tables in the order of the rules.
  ///
  /// The corresponding kernel functions are `fib_lookup` and `fib6_lookup`.
  func lookup(_ flow: Flow) -> RouteLookup {
    var last = 0
    return lookup(flow, in: flow.isRegardlessOfLinks ? lookupsRegardlessOfLinks : lookups, endingAt: &last)
  }

  /// - Parameter place: set to the index of the rule that decided.
  func lookup(_ flow: Flow, in lookups: [RuleLookup], endingAt place: inout Int) -> RouteLookup {
    var index = 0
    while index < lookups.count {
      place = index
      index += 1
      if !lookups[place].coversAll {
        if flow.user == nil, lookups[place].rule.dependsOnUser(flow) { return .unknown(.user) }
        if flow.hasDrawnPort, lookups[place].rule.dependsOnPorts(flow) { return .unknown(.chance) }
        guard lookups[place].rule.covers(flow) else { continue }
      }
      switch lookups[place].rule.action {
      case .unreachable, .prohibit, .blackhole: return .barred(lookups[place].rule.action)
      case .nop: continue
      case .goto(let priority):
        let family = flow.destination.family
        // Only forward: the rules are sorted by priority.
        guard let target = lookups[index...].firstIndex(where: { $0.rule.priority == priority && $0.rule.family ?? family == family })
        else { continue }
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
    return missing.contains(.routes) ? .unknown(.routes) : .error(.unspecified)
  }

  /// Whether an IPv6 route leads to the loopback interface. The kernel refuses its packets, because they would loop.
  ///
  /// The corresponding kernel function is `ip6_route_info_create`.
  func refuses(_ route: Route) -> Bool {
    guard route.family == .ipv6, route.type == .unicast, let output = route.output, link(output)?.isLoopback == true else { return false }
    return route.destination != 1
  }

  /// The missing facts that the routing decision depends on.
  func needs(_ flow: Flow) -> UnknownReason {
    let subject = "the path of the packet"
    switch lookup(flow) {
    case .found(let found) where found.route.encapsulation != nil:
      let kind = found.route.encapsulation ?? ""
      return UnknownReason(subject, needs: "the effect of `encap \(kind)' on the route to \(flow.destination), which is not evaluated")
    case .found(let found) where !found.hops.isEmpty:
      let choice = "the kernel's choice among \(found.hops.count) next hops to \(flow.destination) (a hash with a secret key)"
      return UnknownReason(subject, needs: choice)
    case .unknown(let fact) where fact != .routes: return UnknownReason(subject, lacking: fact)
    default: return UnknownReason(subject, needs: "the host's routes to \(flow.destination) (\(HostFact.routes.input ?? ""))")
    }
  }

  /// The route of a packet that this host sends. Nil if routes were not given; without an output if no route exists.
  ///
  /// The corresponding kernel functions are `ip_route_output_key` and `ip6_route_output`.
  public func outputRoute(_ flow: Flow) -> RouteAnswer? {
    guard let answer = destinationRoute(flow) else { return nil }
    guard let output = answer.output, isMartian(source: flow.source, on: output) else { return answer }
    return RouteAnswer(type: .unreachable, output: nil, gateway: nil, preferredSource: nil)
  }

  /// True if packets from a source may not leave by an interface: addresses of 127.0.0.0/8 stay on the loopback interface unless
  /// `route_localnet` is on. The corresponding kernel function is `__mkroute_output`.
  func isMartian(source: IPAddress?, on output: Interface) -> Bool {
    guard case .v4(let address)? = source, address.rawValue >> 24 == 127, let link = link(output) else { return false }
    return !link.isLoopback && !link.routesLocalnet
  }

  /// The route by destination and rules, without a check of the source.
  private func destinationRoute(_ flow: Flow) -> RouteAnswer? {
    var flow = flow
    if flow.destination == .v4(.any) { flow.destination = .v4(.loopback) }
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
      guard let output = route.output, route.encapsulation == nil else { return nil }
      return RouteAnswer(
        type: refuses(route) ? .unreachable : route.type, output: output, gateway: route.gateway,
        preferredSource: flow.source ?? preferredSource(route, output, flow.destination), mtu: mtu(route, output))
    }
  }

  /// A socket bound to an interface treats destinations without a route as on-link. IPv4 only.
  private func onLink(_ flow: Flow) -> RouteAnswer? {
    guard let output = flow.output, flow.destination.family == .ipv4 else { return nil }
    return RouteAnswer(
      type: .unicast, output: output, gateway: nil, preferredSource: flow.source ?? selectAddress(output, near: nil, .link),
      mtu: device(output)?.mtu ?? 1500)
  }

  /// Broadcast and multicast need no route, only an interface.
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

  /// Selects the source address. The corresponding kernel functions are `fib_result_prefsrc` and `ipv6_dev_get_saddr`.
  private func preferredSource(_ route: Route, _ output: Interface, _ destination: IPAddress) -> IPAddress? {
    if let source = route.preferredSource { return source }
    guard destination.family == .ipv6 else { return selectAddress(output, near: route.gateway ?? destination, route.scope) }
    return selectAddress(ipv6: output, near: destination)
  }

  func device(holding address: IPAddress) -> Device? {
    devices.first { device in device.isUp && addresses(of: device).contains { $0.address == address } }
  }

  // MARK: HostModel

  /// The type of an address, `fib_lookup` in the local table; nil if the addresses or routes are not known. Kernel: `inet_addr_type`, `ipv6_chk_addr`.
  public func addressType(_ address: IPAddress, on interface: Interface?) -> AddressType? {
    if case .v4(let narrow) = address {
      if narrow == .broadcast || narrow == .any { return .broadcast }
      if narrow.isMulticast { return .multicast }
      guard let route = table(RouteTable.local, .ipv4)?.lookup(address.bits, output: nil)?.route,
        interface == nil || route.output == interface
      else { return missing.contains(.addresses) ? nil : .unicast }
      return route.type
    }
    if address.bits == 0 { return .unspecified }
    if address.isMulticast { return .multicast }
    if let interface {
      return device(interface).map { addresses(of: $0).contains { $0.address == address } } == true
        ? .local : missing.contains(.addresses) ? nil : .unicast
    }
    switch lookup(Flow(to: address)) {
    case .unknown: return nil
    case .error, .barred: return .unreachable
    case .found(let found) where refuses(found.route): return .unreachable
    case .found(let found): return found.route.type == .local || found.route.type == .anycast ? found.route.type : .unicast
    }
  }

  /// Whether an IPv6 address may stand for several hosts. Kernel: `ipv6_anycast_destination`.
  public func isAnycast(_ address: IPAddress) -> Bool {
    guard case .found(let found) = lookup(Flow(to: address)) else { return false }
    let route = found.route
    return route.type == .anycast
      || route.type == .unicast && route.gateway == nil && route.prefixLength < 127 && route.destination == address.bits
  }

  /// The route for a packet's fields; nil if the routes are not known.
  public func route(
    to destination: IPAddress, from source: IPAddress?, mark: UInt32, input: Interface?, output: Interface?
  ) -> RouteAnswer? {
    outputRoute(Flow(to: destination, from: source, mark: mark, input: input, output: output))
  }

  /// The route back to the source of a packet, also over a link that is down; nil if the routes are not known.
  public func routeBack(to source: IPAddress, from destination: IPAddress?, mark: UInt32, output: Interface?) -> RouteAnswer? {
    var flow = Flow(to: source, from: destination, mark: mark, output: output)
    flow.isRegardlessOfLinks = true
    return outputRoute(flow)
  }

  /// The value of a sysctl; nil for an unknown name.
  public func sysctl(_ name: String) -> Int? { sysctls[name] }
}
