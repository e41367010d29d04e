public import Wire
public import XTables

/// `ip route`.
extension Host {
  func applyRoute(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    let route = try readRoute(&words, family)
    switch verb {
    case "add", "a", "replace", "append", "change":
      guard route.output != nil || !route.hops.isEmpty || route.type != .unicast else { throw words.error("the route has no interface") }
      addRoute(route)
    case "del", "delete", "d": removeRoute(route)
    default: throw words.error("route \(verb) is not understood here")
    }
  }

  /// Reads a route as `ip route` prints one: `[type] prefix [via address] [dev name] …`.
  public func route(text: String, family: Family? = nil) throws(HostError) -> Route {
    var words = IPWords(text)
    let route = try readRoute(&words, family)
    guard route.output != nil || !route.hops.isEmpty || route.type != .unicast else { throw words.error("the route has no interface") }
    return route
  }

  private func readRoute(_ words: inout IPWords, _ family: Family?) throws(HostError) -> Route {
    var type = AddressType.unicast
    if let word = words.next(ifIn: ["unicast", "local", "broadcast", "multicast", "unreachable", "prohibit", "blackhole", "throw", "anycast"]) {
      type = AddressType(routeName: word) ?? .unicast
    }
    guard let prefix = words.next() else { throw words.error("a route needs a destination") }
    var family = family
    if family == nil, let via = words.value(of: "via"), let address = IPAddress(via) { family = address.family }
    var route: Route
    if prefix == "default" {
      route = Route(family ?? .ipv4, 0, 0, type: type)
    } else if let bits = Self.prefix(prefix) {
      route = Route(bits.address.family, bits.address.bits, bits.prefixLength, type: type)
    } else {
      throw words.error("no destination: \(prefix)")
    }
    if type == .local || type == .broadcast { route.table = RouteTable.local }
    route.scope = type == .local ? .host : .link
    try readAttributes(&words, into: &route)
    return route
  }

  /// A prefix whose last octets may be left out: `10/8`.
  static func prefix(_ text: String) -> Address? {
    if let address = Address(text) { return address }
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let octets = parts[0].split(separator: ".")
    guard (1..<4).contains(octets.count), !text.contains(":") else { return nil }
    let padded = octets.joined(separator: ".") + String(repeating: ".0", count: 4 - octets.count)
    return Address(parts.count == 2 ? "\(padded)/\(parts[1])" : "\(padded)/\(8 * octets.count)")
  }

  private func readAttributes(_ words: inout IPWords, into route: inout Route) throws(HostError) {
    var scope: RouteScope?
    // The next hops read so far; attributes of the route stand before them.
    var hops: [(output: Interface?, gateway: IPAddress?)] = []
    while let word = words.next() {
      switch word {
      case "nexthop": hops.append((nil, nil))
      case "via":
        var value = try words.value(word)
        if value == "inet" || value == "inet6" { value = try words.value(word) }
        guard let gateway = IPAddress(value) else { throw words.error("no address: \(value)") }
        if hops.isEmpty { route.gateway = gateway } else { hops[hops.count - 1].gateway = gateway }
      case "dev":
        let name = try words.value(word)
        guard let device = interface(named: name) else { throw words.error("no such interface: \(name)") }
        if hops.isEmpty { route.output = device } else { hops[hops.count - 1].output = device }
      case "scope": scope = RouteScope(name: try words.value(word))
      case "proto", "protocol", "advmss", "pref", "expires", "weight", "error", "initcwnd", "hoplimit": _ = try words.value(word)
      case "onlink", "linkdown", "dead", "pervasive", "offload", "notify": continue
      default: try readProperty(word, &words, into: &route)
      }
    }
    if hops.count == 1 { (route.output, route.gateway) = hops[0] }
    if hops.count > 1 {
      route.hops = try hops.map { hop throws(HostError) in
        guard let output = hop.output ?? outputTowards(hop.gateway) else { throw words.error("a next hop has no interface") }
        return Route.Hop(output: output, gateway: hop.gateway)
      }
    }
    if route.output == nil, route.hops.isEmpty { route.output = outputTowards(route.gateway) }
    if route.output == nil, route.type == .local { route.output = interface(named: "lo") }
    let isDirect = route.gateway == nil && route.hops.allSatisfy { $0.gateway == nil }
    route.scope = scope ?? (isDirect ? route.scope : .universe)
  }

  private func outputTowards(_ gateway: IPAddress?) -> Interface? {
    deriveStaleRoutes()
    guard let gateway, case .found(let near) = lookup(Flow(to: gateway)) else { return nil }
    return near.route.output
  }

  private func readProperty(_ word: String, _ words: inout IPWords, into route: inout Route) throws(HostError) {
    switch word {
    case "src":
      let value = try words.value(word)
      guard let source = IPAddress(value) else { throw words.error("no address: \(value)") }
      route.preferredSource = source
    case "metric", "priority", "preference": route.metric = try words.number(word)
    case "table":
      let value = try words.value(word)
      guard let table = RouteTable.number(value) else { throw words.error("no table: \(value)") }
      route.table = table
    case "mtu":
      _ = words.next(ifIn: ["lock"])
      route.mtu = Int(try words.number(word))
    case "tos", "dsfield": route.tos = try words.tos(word)
    case "realm", "realms": route.realms = try words.realms(word)
    default: throw words.error("route: \(word) is not understood")
    }
  }
}

extension AddressType {
  /// The names `ip route` gives the types.
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
