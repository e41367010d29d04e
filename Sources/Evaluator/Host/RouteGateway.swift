import Wire
import XTables

/// The gateways that the kernel accepts for a route: those that it reaches without another gateway.
extension Host {
  /// Without addresses or routes, nothing is known of gateways.
  ///
  /// - Parameter near: the routes to gateways that are known already.
  /// - Throws: `HostError` if the kernel would refuse a gateway of the route.
  func requireGateways(of command: IPRoute, as route: Route, _ near: [IPAddress: Route], _ line: String) throws(HostError) {
    guard !missing.contains(.addresses), !missing.contains(.routes) else { return }
    for hop in command.hops.isEmpty ? [command.way] : command.hops {
      guard let gateway = hop.gateway, !hop.isOnLink else { continue }
      // To pass all routes again takes long where there are many.
      if hop.device == nil, route.table == RouteTable.main, let found = near[gateway], found.isNear(for: route), !holds(gateway) {
        continue
      }
      let output = hop.device.flatMap { interface(named: $0) }
      let isReached = gateway.family == .ipv4 ? reaches(gateway, by: output, for: route) : reachesIPv6(gateway, by: output, for: route)
      guard !isReached else { continue }
      throw HostError(
        line, "the gateway \(gateway) is not on the link\(hop.device.map { " of \($0)" } ?? ""), so the kernel refuses the route")
    }
  }

  /// The corresponding kernel function is `fib_check_nh_v4_gw`.
  private func reaches(_ gateway: IPAddress, by output: Interface?, for route: Route) -> Bool {
    let tables = bestRoutes(to: gateway) { $0.isNearer(than: route) && ($0.type.isRefusal || $0.leads(by: output)) }
    if route.table != RouteTable.main, let found = tables[route.tableKey]?.lookup(gateway.bits, output: output)?.route,
      !found.type.isRefusal
    {
      return found.type == .unicast || found.type == .local
    }
    var last = 0
    guard case .found(let found) = lookup(Flow(to: gateway, output: output), in: lookups(in: tables), endingAt: &last) else {
      return false
    }
    return found.route.type == .unicast || found.route.type == .local
  }

  /// The corresponding kernel functions are `ip6_validate_gw` and `ip6_route_check_nh`.
  private func reachesIPv6(_ gateway: IPAddress, by output: Interface?, for route: Route) -> Bool {
    guard let address = gateway.v6, !address.isMulticast, address.rawValue != 0 else { return false }
    if address.isLinkLocal {
      let own = output.flatMap { device($0) }.map { addresses(of: $0) } ?? []
      return !own.contains { $0.address == gateway }
    }
    guard !holds(gateway) else { return false }
    let tables = bestRoutes(to: gateway) { !$0.type.isRefusal && $0.leads(by: output) }
    let key = RouteTableKey(number: route.table, family: .ipv6)
    if let found = tables[key]?.lookup(gateway.bits, output: output), found.route.gateway == nil { return true }
    var last = 0
    guard case .found(let found) = lookup(Flow(to: gateway, output: output), in: lookups(in: tables), endingAt: &last) else {
      return false
    }
    return found.route.gateway == nil
  }
}

extension Route {
  /// True if it leads to the gateway of a route without another gateway.
  fileprivate func isNear(for route: Route) -> Bool {
    guard type == .unicast else { return false }
    return family == .ipv4 ? isNearer(than: route) : gateway == nil && hops.isEmpty
  }

  /// True if what it leads to is nearer than what another route leads to: at least on the link.
  fileprivate func isNearer(than route: Route) -> Bool {
    scope.rawValue >= max(RouteScope.link.rawValue, route.scope.rawValue &+ 1)
  }

  /// True if the route leads out by an interface; nil stands for any.
  fileprivate func leads(by interface: Interface?) -> Bool {
    interface == nil || output == interface || hops.contains { $0.output == interface }
  }
}
