public import Wire
public import XTables

/// `ip route add`, `replace`, `append`, `change` and `del`, before interface names are resolved.
public struct IPRoute: Sendable, Hashable {
  /// A next hop.
  public struct Hop: Sendable, Hashable {
    /// The name of the output interface, `dev`.
    public var device: String?
    /// The gateway, `via`; nil if the destination is on the link.
    public var gateway: IPAddress?
    /// The gateway is on the link, regardless of the routes (`onlink`).
    public var isOnLink = false
    /// The weight among several next hops, from 1.
    public var weight: UInt8 = 1
    /// The realm of this next hop alone; 0 for none.
    public var realms: UInt32 = 0
    /// The kind of the encapsulation of its packets (`encap`); nil without.
    public var encapsulation: String?
    /// The link of the interface is down (`linkdown`), as `ip route` prints it.
    public var isLinkDown = false
    /// The kernel passes over this next hop (`dead`), as `ip route` prints it.
    public var isDead = false
  }

  /// The operation.
  public var verb: IPCommand.Verb
  /// The family of the destination.
  public var family: Family
  /// The destination's address with host bits as written; the kernel refuses host bits.
  public var destination: UInt128 = 0
  /// Bits of the destination's prefix.
  public var prefixLength = 0
  /// The type of the route, `unicast` by default.
  public var type = AddressType.unicast
  /// True if the line names a type. A route to remove may otherwise have any type.
  public var namesType = false
  /// The table, `table`; nil if not given.
  public var table: UInt32?
  /// The scope, `scope`; nil if not given.
  public var scope: RouteScope?
  /// The metric, `metric`; nil if not given.
  public var metric: UInt32?
  /// The MTU in bytes; nil if not given.
  public var mtu: UInt32?
  /// True for `mtu lock`: the route's MTU is not changed by path MTU discovery.
  public var locksMTU = false
  /// The TOS the route is for, `tos`; 0 for all.
  public var tos: UInt8 = 0
  /// The realms of the route, `realms`: destination in the low half, source in the high half.
  public var realms: UInt32 = 0
  /// The preferred source address, `src`.
  public var preferredSource: IPAddress?
  /// The next hop given in the route itself.
  public var way = Hop()
  /// The next hops given with `nexthop`.
  public var hops: [Hop] = []

  init(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    self.verb = try IPCommand.verb(verb, of: "route", words, among: [.add, .replace, .append, .change, .delete])
    self.family = .ipv4
    var word = words.next()
    if let type = word.flatMap({ AddressType(routeName: $0) }) {
      (self.type, namesType) = (type, true)
      word = words.next()
    }
    try readDestination(word, words, family)
    while let word = words.next() { try readAttribute(word, &words) }
  }

  private mutating func readDestination(_ word: String?, _ words: IPWords, _ given: Family?) throws(HostError) {
    guard let word else { throw words.error("a route needs a destination") }
    let gateway = words.value(of: "via").flatMap { IPAddress($0) }
    family = given ?? gateway?.family ?? .ipv4
    guard word != "default" else { return }
    guard let prefix = Host.prefix(word) else { throw words.error("\(word) is not a destination") }
    (family, destination, prefixLength) = (prefix.address.family, prefix.address.bits, prefix.prefixLength)
    if let given, given != family { throw words.error("\(word) is of the other family") }
  }

  private mutating func readAttribute(_ word: String, _ words: inout IPWords) throws(HostError) {
    switch word {
    case "nexthop": hops.append(Hop())
    case "via":
      _ = words.next(ifIn: ["inet", "inet6"])
      let gateway = try words.address(word)
      change { $0.gateway = gateway }
    case "dev":
      let device = try words.interface(word)
      change { $0.device = device }
    case "onlink": change { $0.isOnLink = true }
    case "weight":
      let weight = try words.number(word)
      guard !hops.isEmpty, (1...255).contains(weight) else { throw words.error("weight must be a number from 1 to 255 after nexthop") }
      change { $0.weight = UInt8(weight) }
    case "realm", "realms":
      let realms = try words.realms(word)
      if hops.isEmpty { self.realms = realms } else { change { $0.realms = realms } }
    case "scope":
      let name = try words.value(word)
      guard let scope = RouteScope(name: name) else { throw words.error("\(name) is not a scope") }
      self.scope = scope
    case "src": preferredSource = try words.address(word)
    case "metric", "priority", "preference": metric = try words.number(word)
    case "table": table = try words.table(word)
    case "mtu":
      locksMTU = words.next(ifIn: ["lock"]) != nil
      let mtu = try words.number(word)
      guard mtu <= 0x7FFF_FFFF else { throw words.error("\(mtu) is not an MTU") }
      self.mtu = mtu
    case "tos", "dsfield": tos = try words.tos(word)
    case "proto", "protocol", "advmss", "pref", "expires", "error", "initcwnd", "hoplimit", "nhid", "rtt", "rttvar", "window", "cwnd",
      "ssthresh", "initrwnd", "rto_min", "reordering", "quickack", "congctl", "features":
      // `lock` keeps the kernel from changing a metric.
      _ = words.next(ifIn: ["lock"])
      _ = try words.value(word)
    case "encap":
      let kind = try words.value(word)
      // What describes it comes before the gateway and interface, as `ip route` prints it.
      guard kind.utf8.allSatisfy({ UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
        words.skip(to: ["via", "dev"])
      else { throw words.error("route: `encap' is supported before via and dev only") }
      change { $0.encapsulation = kind }
    case "linkdown": change { $0.isLinkDown = true }
    case "dead": change { $0.isDead = true }
    case "pervasive", "offload", "rt_offload", "trap", "rt_trap", "notify": return
    default: throw words.error("route: `\(word)' is not supported")
    }
  }

  private mutating func change(_ body: (inout Hop) -> Void) {
    if hops.isEmpty { body(&way) } else { body(&hops[hops.count - 1]) }
  }

  /// The table that the kernel uses if the line names none.
  public var effectiveTable: UInt32 {
    table ?? (type == .local || type == .broadcast || type == .anycast ? RouteTable.local : RouteTable.main)
  }

  /// The scope that `ip` sends if the line names none. Removal needs no scope.
  public var effectiveScope: RouteScope {
    if let scope { return scope }
    if family == .ipv6 { return .universe }
    switch type {
    case .local: return .host
    case .broadcast, .multicast, .anycast: return .link
    case .unicast: return verb == .delete ? .nowhere : way.gateway == nil && hops.isEmpty ? .link : .universe
    default: return .universe
    }
  }
}

/// `ip route`.
extension Host {
  func apply(_ command: IPRoute, _ line: String) throws(HostError) {
    var near: [IPAddress: Route] = [:]
    let route = try resolve(command, line, &near)
    if command.verb == .delete {
      removeRoute(route)
    } else {
      try requireWay(route, line)
      try requireGateways(of: command, as: route, near, line)
      addRoute(route)
      noteLinks(of: command)
    }
  }

  /// Adds a route as `ip route` prints it, with what it says of links that are down.
  ///
  /// - Throws: `HostError` if the text cannot be parsed or names an unknown interface.
  public func addRoute(printed text: String, family: Family?) throws(HostError) {
    var words = IPWords(text)
    let command = try IPRoute("add", &words, family)
    var near: [IPAddress: Route] = [:]
    let route = try resolve(command, text, &near)
    try requireWay(route, text)
    addRoute(route)
    noteLinks(of: command)
  }

  /// Takes over which links are down. The kernel calls a route over such a link dead if it ignores it. Kernel: `fib_nexthop_info`.
  private func noteLinks(of command: IPRoute) {
    for hop in [command.way] + command.hops where hop.isLinkDown {
      guard let name = hop.device, device(named: name)?.isUp == true else { continue }
      updateDevice(named: name) { $0.hasCarrier = false }
      guard hop.isDead else { continue }
      sysctls["net.\(command.family == .ipv4 ? "ipv4" : "ipv6").conf.\(name).ignore_routes_with_linkdown"] = 1
    }
  }

  /// Parses a route as `ip route` prints it: `[type] prefix [via address] [dev name] …`.
  ///
  /// - Throws: `HostError` if the text cannot be parsed or names an unknown interface.
  public func route(text: String, family: Family? = nil) throws(HostError) -> Route {
    var words = IPWords(text)
    var near: [IPAddress: Route] = [:]
    let route = try resolve(try IPRoute("add", &words, family), text, &near)
    try requireWay(route, text)
    return route
  }

  private func requireWay(_ route: Route, _ line: String) throws(HostError) {
    guard route.output != nil || !route.hops.isEmpty || route.type != .unicast else { throw HostError(line, "the route has no interface") }
  }

  /// Parses a prefix whose last octets may be omitted: `10/8`.
  public static func prefix(_ text: String) -> Address? {
    if let address = Address(text) { return address }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let octets = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard octets.count < 4, !text.utf8.contains(UInt8(ascii: ":")) else { return nil }
    let padded = octets.joined(separator: ".") + String(repeating: ".0", count: 4 - octets.count)
    return Address(parts.count == 2 ? "\(padded)/\(parts[1])" : "\(padded)/\(8 * octets.count)")
  }

  /// Resolves the interface names in a route.
  ///
  /// - Parameter near: gains the routes to the gateways that are named without an interface.
  private func resolve(_ command: IPRoute, _ line: String, _ near: inout [IPAddress: Route]) throws(HostError) -> Route {
    var route = Route(command.family, command.destination, command.prefixLength, type: command.type)
    route.table = command.effectiveTable
    route.metric = command.metric ?? 0
    route.mtu = command.mtu.map { Int($0) } ?? 0
    route.tos = command.tos
    route.realms = command.realms
    route.preferredSource = command.preferredSource
    route.encapsulation = ([command.way] + command.hops).lazy.compactMap(\.encapsulation).first
    (route.output, route.gateway) = (try output(of: command.way, line), command.way.gateway)
    let hops = try command.hops.map { hop throws(HostError) in (output: try output(of: hop, line), gateway: hop.gateway) }
    if hops.count == 1 { (route.output, route.gateway) = hops[0] }
    if hops.count > 1 {
      route.hops = try hops.map { hop throws(HostError) in
        guard let output = hop.output ?? outputTowards(hop.gateway, &near) else { throw HostError(line, "a next hop has no interface") }
        return Route.Hop(output: output, gateway: hop.gateway)
      }
    }
    if route.output == nil, route.hops.isEmpty { route.output = outputTowards(route.gateway, &near) }
    if route.output == nil, route.type == .local { route.output = interface(named: "lo") }
    route.scope = command.effectiveScope
    return route
  }

  private func output(of hop: IPRoute.Hop, _ line: String) throws(HostError) -> Interface? {
    guard let name = hop.device else { return nil }
    guard let device = interface(named: name) else { throw HostError(line, "there is no interface \(name)") }
    return device
  }

  private func outputTowards(_ gateway: IPAddress?, _ near: inout [IPAddress: Route]) -> Interface? {
    guard let gateway else { return nil }
    var last = 0
    guard case .found(let found) = lookup(Flow(to: gateway), in: lookups(in: bestRoutes(to: gateway)), endingAt: &last) else { return nil }
    near[gateway] = found.route
    return found.route.output
  }
}

extension AddressType {
  /// Parses a route type by the names of `ip route`.
  init?(routeName: String) {
    switch routeName {
    case "unicast": self = .unicast
    case "local": self = .local
    case "broadcast": self = .broadcast
    case "anycast": self = .anycast
    case "multicast": self = .multicast
    case "unreachable": self = .unreachable
    case "prohibit": self = .prohibit
    case "blackhole": self = .blackhole
    case "throw": self = .throw
    default: return nil
    }
  }
}
