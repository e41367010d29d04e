import Conntrack
import Wire
import XTables

/// The routing decision for a received packet.
enum InputDecision {
  case local
  /// Forwarded over a route with an interface.
  case forward(ResolvedRoute)
  /// Dropped silently.
  case lost(String)
  /// Dropped with an ICMP error to the sender.
  case unreachable(AddressType, String)
  case unknown
  /// Depends on a sysctl that was not given.
  case undecided(sysctl: String)
  /// Depends on whether the interface is a member of the group.
  case undecidedMembership
}

extension Host {
  /// Routes a received IPv4 packet. The corresponding kernel functions are `ip_route_input_rcu` and `ip_route_input_slow`.
  func inputRoute(_ flow: Flow, _ packet: Packet) -> InputDecision {
    guard case .v4(let destination) = flow.destination, case .v4(let source)? = flow.source, let input = flow.input else {
      return .unknown
    }
    guard let link = link(input) else { return .unknown }
    if destination.isMulticast { return multicastRoute(flow, packet, link, input) }
    if source.isMulticast || source == .broadcast { return .lost(Self.noHostsAddress) }
    if destination == .broadcast || destination == .any && source == .any { return broadcastRoute(flow, link, input) }
    let localnet = link.routesLocalnet
    let isLoopback = link.isLoopback
    if source == .any { return .lost(Self.noHostsAddress) }
    if destination == .any { return .lost("the destination is not the address of a host (martian)") }
    if destination.isLoopback || source.isLoopback, !isLoopback, link.unknown.contains(.routesLocalnet) {
      return undecided("route_localnet", on: input)
    }
    if destination.isLoopback, !isLoopback, !localnet {
      return .lost("the destination is a loopback address, but the packet arrived on another interface (martian)")
    }
    if source.isLoopback, !isLoopback, !localnet {
      return .lost("the source is a loopback address, but the packet arrived on another interface (martian)")
    }

    switch lookup(flow) {
    case .unknown: return .unknown
    case .error(let type): return refusal(type, link)
    case .barred(let action): return refusal(action.addressType, link)
    case .found(let found):
      switch found.route.type {
      case .broadcast where link.forwardsBroadcasts: return forward(found, flow, link, input)
      case .broadcast: return broadcastRoute(flow, link, input)
      case .local:
        if let objection = sourceObjection(flow, link, input) { return objection }
        return .local
      case .unicast:
        return forward(found, flow, link, input)
      default: return .lost("packets cannot be sent along a route of this type")
      }
    }
  }

  /// The decision for a packet to many hosts on a link. The corresponding kernel code is `brd_input` in `ip_route_input_slow`.
  private func broadcastRoute(_ flow: Flow, _ link: HostLink, _ input: Interface) -> InputDecision {
    flow.source == .v4(.any) ? .local : sourceObjection(flow.toMany, link, input) ?? .local
  }

  /// The decision for a packet to a group. The corresponding kernel functions are `ip_check_mc_rcu`, `ip_route_input_mc` and
  /// `ip_mc_validate_source`.
  private func multicastRoute(_ flow: Flow, _ packet: Packet, _ link: HostLink, _ input: Interface) -> InputDecision {
    guard case .v4(let group) = flow.destination, case .v4(let source)? = flow.source else { return .unknown }
    let isMember = isMember(input, of: flow.destination)
    if isMember == false { return .lost(Self.noMember) }
    let ours = isMember == nil ? InputDecision.undecidedMembership : .local
    if source.isMulticast || source == .broadcast { return .lost(Self.noHostsAddress) }
    if source.isLoopback, !link.routesLocalnet {
      guard !link.unknown.contains(.routesLocalnet) else { return undecided("route_localnet", on: input) }
      return .lost("the source is a loopback address (martian)")
    }
    // The sender may not know its address yet.
    guard source == .any else { return sourceObjection(flow.toMany, link, input) ?? ours }
    return group.isLinkLocalGroup || packet.ipv4?.proto == .igmp ? ours : .lost(Self.noHostsAddress)
  }

  private static let noMember = "this host is not a member of the multicast group"
  private static let noHostsAddress = "the source is not the address of a host (martian)"

  private func forward(_ found: ResolvedRoute, _ flow: Flow, _ link: HostLink, _ input: Interface) -> InputDecision {
    guard link.forwardsIPv4 else {
      return link.unknown.contains(.forwardsIPv4)
        ? .undecided(sysctl: "net.ipv4.ip_forward") : .lost("forwarding is disabled on \(input.name)")
    }
    if let objection = sourceObjection(flow, link, input, forwardedBy: found.route.output) { return objection }
    return found.forwarding == nil ? .unknown : .forward(found)
  }

  private func refusal(_ type: AddressType, _ link: HostLink) -> InputDecision {
    if type == .blackhole { return .lost("the route has the type blackhole") }
    guard link.forwardsIPv4 else {
      return link.unknown.contains(.forwardsIPv4)
        ? .undecided(sysctl: "net.ipv4.ip_forward") : .lost("there is no route, and forwarding is disabled")
    }
    return .unreachable(type, type == .prohibit ? "the route has the type prohibit" : "there is no route")
  }

  private func undecided(_ name: String, on input: Interface) -> InputDecision {
    .undecided(sysctl: sysctls.interface(.ipv4, input.name).undecided(name) ?? "net.ipv4.conf.\(input.name).\(name)")
  }

  /// The decision to reject a packet's source; nil if it is acceptable. If a sysctl that was not given makes a difference, the decision
  /// depends on it.
  private func sourceObjection(_ flow: Flow, _ link: HostLink, _ input: Interface, forwardedBy output: Interface? = nil) -> InputDecision? {
    let checks = SourceChecks(strictness: link.reversePathFilter, acceptsLocal: link.acceptsLocal)
    let reason = martianSource(flow, link, input, checks, forwardedBy: output)
    guard !link.unknown.isEmpty else { return reason.map { .lost($0) } }
    func matters(_ change: (inout SourceChecks) -> Void) -> Bool {
      var other = checks
      change(&other)
      return (martianSource(flow, link, input, other, forwardedBy: output) == nil) != (reason == nil)
    }
    if link.unknown.contains(.acceptsLocal), matters({ $0.acceptsLocal = true }) { return undecided("accept_local", on: input) }
    if link.unknown.contains(.reversePathFilter), matters({ $0.strictness = 1 }) {
      if let back = flowBack(of: flow, forwardedBy: output), case .unknown = lookup(back) { return .unknown }
      return undecided("rp_filter", on: input)
    }
    return reason.map { .lost($0) }
  }

  /// The reason to reject a packet's source, from `rp_filter` and the host's own addresses; nil if it is acceptable.
  ///
  /// The corresponding kernel function is `fib_validate_source`.
  private func martianSource(
    _ flow: Flow, _ link: HostLink, _ input: Interface, _ checks: SourceChecks, forwardedBy output: Interface?
  ) -> String? {
    guard let source = flow.source, source.bits != 0 else { return nil }
    let strictness = checks.strictness
    let acceptsLocal = checks.acceptsLocal
    if strictness == 0, !questions.alwaysRoutesSources {
      return !acceptsLocal && holds(source) ? "the source is an address of this host (martian)" : nil
    }
    guard let back = flowBack(of: flow, forwardedBy: output), case .found(let found) = lookup(back) else {
      return strictness == 1 || strictness == 2 ? "there is no route back to the source (rp_filter)" : nil
    }
    guard found.route.type == .unicast || found.route.type == .local && acceptsLocal else {
      return Self.noHostsAddress
    }
    if found.route.output == input || found.hops.contains(where: { $0.route.output == input }) || strictness != 1 { return nil }
    return "the route back to the source uses another interface (rp_filter)"
  }

  /// The flow for the route back to a packet's source. The corresponding kernel function is `__fib_validate_source`.
  func flowBack(of flow: Flow, forwardedBy output: Interface?) -> Flow? {
    guard let source = flow.source, let link = flow.input.flatMap({ link($0) }) else { return nil }
    var back = Flow(to: source, from: flow.destination, mark: link.usesMarkForSource ? flow.mark : 0, input: output)
    // The ports are exchanged as the addresses are. Kernel: `fib4_rules_early_flow_dissect`.
    (back.proto, back.sourcePort, back.destinationPort) = (flow.proto, flow.destinationPort, flow.sourcePort)
    return back
  }

  /// Routes a received IPv6 packet. The corresponding kernel functions are `ip6_route_input` and `ip6_forward`.
  ///
  /// - Parameter isBridged: true if the packet stays on its bridge, so that `forwarding` is not asked.
  func inputRouteIPv6(_ flow: Flow, isBridged: Bool = false) -> InputDecision {
    guard let input = flow.input, let link = link(input) else { return .unknown }
    if flow.destination.isMulticast {
      return isMember(input, of: flow.destination).map { $0 ? .local : .lost(Self.noMember) } ?? .undecidedMembership
    }
    var narrowed = flow
    if flow.destination.bits >> 118 == 0x3FA { narrowed.output = input }
    switch lookup(narrowed) {
    case .unknown: return .unknown
    case .error(let type):
      if type == .blackhole { return .lost("the route has the type blackhole") }
      // A host that does not forward answers too. Kernel: `ip6_pkt_drop`.
      return .unreachable(type, type == .prohibit ? "the route has the type prohibit" : "there is no route")
    // Kernel: `fib6_rule_action`.
    case .barred(.blackhole): return .lost("a routing rule has the action blackhole")
    case .barred(let action): return .unreachable(action == .prohibit ? .prohibit : .unspecified, "a routing rule prohibits the packet")
    case .found(let found):
      let type = found.route.type
      if type == .local || type == .anycast || type == .multicast { return .local }
      if refuses(found.route) { return .unreachable(.unspecified, Self.loopRefusal) }
      guard link.allForwardIPv6 || isBridged else {
        return link.unknown.contains(.forwardsIPv6)
          ? .undecided(sysctl: "net.ipv6.conf.all.forwarding") : .lost("forwarding is disabled")
      }
      return found.forwarding == nil ? .unknown : .forward(found)
    }
  }

  /// Why a packet is lost on a route that ``refuses(_:)`` names.
  static let loopRefusal = "IPv6 sends nothing along a route to the loopback interface"

  /// True if the kernel makes an interface a member of a group by itself: all nodes; the solicited-node groups of its addresses, if it resolves
  /// neighbours; and all routers, if it forwards. The corresponding kernel functions are `ipv6_add_dev` and `addrconf_join_solict`.
  func alwaysListens(to group: IPv6Address, on interface: Interface) -> Bool {
    guard let device = device(interface) else { return false }
    let scope = group.rawValue >> 112
    let rest = group.rawValue & (1 << 112 - 1)
    if rest == 1, scope == 0xFF01 || scope == 0xFF02 { return true }
    guard !device.hasNoARP else { return false }
    if rest == 2, [0xFF01, 0xFF02, 0xFF05].contains(scope) { return forwards(interface.name, .ipv6) }
    guard scope == 0xFF02, rest >> 24 == 0x1_FF else { return false }
    return addresses(of: device).contains { $0.address.family == .ipv6 && $0.address.bits & 0xFF_FFFF == rest & 0xFF_FFFF }
  }
}

extension IPv4Address {
  /// The group of all hosts on a link, which every interface joins. Kernel: `INADDR_ALLHOSTS_GROUP`.
  static let allHosts = IPv4Address(224, 0, 0, 1)

  /// Whether it is a group of one link, 224.0.0.0/24. Kernel: `ipv4_is_local_multicast`.
  fileprivate var isLinkLocalGroup: Bool { rawValue >> 8 == 0xE0_0000 }
}

extension Flow {
  /// The flow of a packet to many hosts, whose destination is not asked about its source.
  fileprivate var toMany: Flow {
    var flow = self
    flow.destination = .v4(.any)
    return flow
  }
}

/// The settings that decide whether a packet's source is acceptable.
private struct SourceChecks {
  /// `rp_filter`.
  var strictness: Int
  /// `accept_local`.
  var acceptsLocal: Bool
}
