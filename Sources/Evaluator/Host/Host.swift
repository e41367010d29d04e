public import Wire
public import XTables

/// The machine a ruleset stands on: its interfaces and addresses, its routes, its switches, its sockets.
///
/// What the kernel derives by itself (the local table, broadcast addresses, the loopback interface) is derived here too.
public final class Host: HostModel {
  /// An address on an interface.
  public struct Address: Sendable, Hashable {
    public var address: IPAddress
    public var prefixLength: Int
    /// The broadcast address, where it was set; the kernel derives one besides.
    public var broadcast: IPAddress?
    /// The other end of a point-to-point link, to which the prefix then belongs.
    public var peer: IPAddress?
    public var scope: RouteScope
    /// A route to the prefix is made for it. Kernel: `IFA_F_NOPREFIXROUTE`, reversed.
    public var hasPrefixRoute = true

    public init(_ address: IPAddress, prefixLength: Int, broadcast: IPAddress? = nil, peer: IPAddress? = nil, scope: RouteScope = .universe) {
      self.address = address
      self.prefixLength = prefixLength
      self.broadcast = broadcast
      self.peer = peer
      self.scope = scope
    }

    /// Reads `10.0.0.1/24`; a bare address has its whole length. The length is digits and nothing else.
    public init?(_ text: some StringProtocol) {
      let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let address = IPAddress(parts[0]) else { return nil }
      let length = parts.count == 2 ? Self.length(parts[1]) : address.family.addressBits
      guard let length, length <= address.family.addressBits else { return nil }
      self.init(address, prefixLength: length, scope: Self.defaultScope(address))
    }

    /// Digits and nothing else: no sign, no blank.
    private static func length(_ text: some StringProtocol) -> Int? {
      (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func defaultScope(_ address: IPAddress) -> RouteScope {
      if address.isLoopback { return .host }
      if case .v6(let wide) = address, wide.rawValue >> 118 == 0x3FA { return .link }
      return .universe
    }

    /// Bits of the prefix.
    var mask: UInt128 { AddressMask.mask(prefix: prefixLength, address.family) }
    /// The address of the network, which is the peer's where there is one.
    var network: UInt128 { (peer ?? address).bits & mask }
  }

  /// An interface with what the kernel knows of it.
  public struct Device: Sendable {
    public let interface: Interface
    public var hardwareAddress: MACAddress
    public var mtu: Int
    public var isUp: Bool
    /// Neighbours are not asked for: frames go to the interface's own hardware address.
    public var hasNoARP: Bool
    public var addresses: [Address]
    /// The bridge it is a port of.
    public var bridge: String?
    public var isBridge: Bool
    /// The group it is in; nil where nobody said.
    public var group: UInt32?

    public var name: String { interface.name }
    public var isLoopback: Bool { interface.name == "lo" }
  }

  public private(set) var devices: [Device] = [] { didSet { isResolved = false } }
  /// By rising priority.
  public private(set) var rules: [RouteRule] = RouteRule.initial { didSet { areRoutesStale = true } }
  public var sysctls = Sysctls() { didSet { forgetDerived() } }
  /// Who is on the links.
  public var neighbours = Neighbours()
  /// Sockets that listen here, or were opened for sending.
  public var sockets: [HostSocket] = []
  /// Whether the routes are all there are. Where they are not, a destination none of them reaches is unknown, not unreachable.
  public var knowsAllRoutes = true
  /// Interfaces with IPv6 addresses give themselves a link-local one, where none is told. Kernel: `addr_gen_mode`.
  public var addsLinkLocalAddresses = true {
    didSet { forgetDerived() }
  }
  /// Nil where nobody said; true makes what depends on policies unknown.
  public var usesIPsec: Bool?
  private var addedRoutes: [Route] = []
  private var addedKeys: Set<Route.Key> = []
  /// The routes that follow from an interface's addresses, by its place, as far as they were asked for.
  private var derivedRoutes: [Int: [Route]] = [:]
  private var tables: [RouteTableKey: RouteTable] = [:]
  /// The rules with the tables they lead to.
  private var ruleLookups: [RuleLookup] = []
  private var routeQuestions = RouteQuestions()
  /// Tables and what rules lead to are derived when they are asked for: any number of changes costs one derivation.
  private var areRoutesStale = true
  /// The place of the first interface of each name.
  private var places: [String: Int] = [:]
  private var links: [HostLink] = []
  private var linkNames: [String] = []
  private var own = OwnAddresses([])
  private var isResolved = false

  /// A host with nothing but its loopback interface.
  public init() {
    addDevice(named: "lo", hardwareAddress: MACAddress(rawValue: 0), mtu: 65536)
    devices[0].addresses = [
      Address(.v4(.loopback), prefixLength: 8, scope: .host),
      Address(.v6(IPv6Address(rawValue: 1)), prefixLength: 128, scope: .host),
    ]
  }

  // MARK: Devices

  /// Adds an interface, or gives the one of that name; names longer than 15 bytes are cut.
  @discardableResult
  public func addDevice(
    named name: String, hardwareAddress: MACAddress, mtu: Int = 1500, isUp: Bool = true, hasNoARP: Bool = false
  ) -> Int {
    if let index = deviceIndex(named: name) { return index }
    let number = Int32(devices.count + 1)
    devices.append(
      Device(
        interface: Interface(index: number, name: name), hardwareAddress: hardwareAddress, mtu: mtu, isUp: isUp,
        hasNoARP: hasNoARP, addresses: [], bridge: nil, isBridge: false))
    let place = devices.count - 1
    // The name as the interface has it, which may be cut.
    let own = devices[place].name
    if places[own] == nil { places[own] = place }
    areRoutesStale = true
    return place
  }

  func deviceIndex(named name: String) -> Int? { places[name] }

  public func device(named name: String) -> Device? { deviceIndex(named: name).map { devices[$0] } }

  /// Routes and links follow from what has changed for all interfaces.
  private func forgetDerived() {
    isResolved = false
    areRoutesStale = true
    derivedRoutes = [:]
  }

  /// Resolves what packets ask, where something has changed.
  private func resolve() {
    isResolved = true
    links = devices.map { HostLink($0, sysctls) }
    linkNames = devices.map(\.name)
    own = OwnAddresses(devices.filter(\.isUp).flatMap { addresses(of: $0) }.map(\.address))
  }

  /// What packets ask of an interface; nothing where it is not this host's.
  func link(_ interface: Interface) -> HostLink? {
    if !isResolved { resolve() }
    let position = Int(interface.index) - 1
    guard position >= 0, position < links.count, links[position].key == interface.key else { return nil }
    return links[position]
  }

  /// Whether the address is one of this host's own, as `inet_lookup_ifaddr_rcu` says.
  func holds(_ address: IPAddress) -> Bool {
    if !isResolved { resolve() }
    return own.holds(address)
  }

  /// The name of an interface of this host, kept at hand.
  func name(of interface: Interface) -> String {
    link(interface) == nil ? interface.name : linkNames[Int(interface.index) - 1]
  }

  func isLoopback(_ interface: Interface) -> Bool { link(interface)?.isLoopback ?? false }

  func device(_ interface: Interface) -> Device? {
    let position = Int(interface.index) - 1
    guard devices.indices.contains(position), devices[position].interface == interface else { return nil }
    return devices[position]
  }

  /// Changes an interface, and with it the routes that follow from its addresses.
  public func updateDevice(named name: String, _ change: (inout Device) -> Void) {
    guard let index = deviceIndex(named: name) else { return }
    change(&devices[index])
    derivedRoutes[index] = nil
    areRoutesStale = true
  }

  public func interface(named name: String) -> Interface? { device(named: name)?.interface }
  public func group(of interface: Interface) -> UInt32? { device(interface)?.group }

  // MARK: Routes

  /// Adds a route, or takes the place of the one with the same destination, table and metric.
  public func addRoute(_ route: Route) {
    if !addedKeys.insert(route.key).inserted { addedRoutes.removeAll { $0.key == route.key } }
    addedRoutes.append(route)
    areRoutesStale = true
  }

  /// Removes the routes with that destination and table; false where there is none.
  @discardableResult
  public func removeRoute(_ route: Route) -> Bool {
    let count = addedRoutes.count
    addedRoutes.removeAll { $0.destination == route.destination && $0.prefixLength == route.prefixLength && $0.table == route.table }
    guard addedRoutes.count < count else { return false }
    addedKeys = Set(addedRoutes.map(\.key))
    areRoutesStale = true
    return true
  }

  public func addRule(_ rule: RouteRule) {
    // Behind those of the same priority.
    var low = 0, high = rules.count
    while low < high {
      let middle = (low + high) / 2
      if rules[middle].priority > rule.priority { high = middle } else { low = middle + 1 }
    }
    rules.insert(rule, at: low)
  }

  /// Removes the first rule that is like this one; false where there is none.
  @discardableResult
  public func removeRule(where isMeant: (RouteRule) -> Bool) -> Bool {
    guard let index = rules.firstIndex(where: isMeant) else { return false }
    rules.remove(at: index)
    return true
  }

  func table(_ number: UInt32, _ family: Family) -> RouteTable? {
    deriveStaleRoutes()
    return tables[RouteTableKey(number: number, family: family)]
  }

  /// The rules with the tables they lead to.
  var lookups: [RuleLookup] {
    deriveStaleRoutes()
    return ruleLookups
  }

  /// What routes and rules ask of packets.
  var questions: RouteQuestions {
    deriveStaleRoutes()
    return routeQuestions
  }

  /// All routes: those given, and those that follow from addresses.
  public var routes: [Route] { addedRoutes + devices.indices.flatMap { routes(ofDeviceAt: $0) } }

  private func routes(ofDeviceAt place: Int) -> [Route] {
    if let routes = derivedRoutes[place] { return routes }
    let routes = deriveRoutes(devices[place])
    derivedRoutes[place] = routes
    return routes
  }

  private func deriveStaleRoutes() {
    guard areRoutesStale else { return }
    areRoutesStale = false
    var lists: [RouteTableKey: [ResolvedRoute]] = [:]
    for route in routes {
      guard let resolved = resolve(route) else { continue }
      lists[route.tableKey, default: []].append(resolved)
    }
    tables = [:]
    for (key, list) in lists { tables[key] = RouteTable(list, family: key.family) }
    ruleLookups = rules.map { RuleLookup($0, tables) }
    routeQuestions = RouteQuestions(rules, hasRealms: addedRoutes.contains { $0.realms != 0 })
  }

  /// The rules with tables that have nothing but the route to one address.
  ///
  /// This takes one pass over the routes, where ``lookups`` sorts them all: for a look-up between two changes.
  func lookups(towards address: IPAddress) -> [RuleLookup] {
    var best: [RouteTableKey: (route: Route, resolved: ResolvedRoute)] = [:]
    func consider(_ list: [Route]) {
      for route in list where route.tos == 0 && route.covers(address) {
        if let known = best[route.tableKey], !route.isFound(before: known.route) { continue }
        if let resolved = resolve(route) { best[route.tableKey] = (route, resolved) }
      }
    }
    consider(addedRoutes)
    for place in devices.indices { consider(routes(ofDeviceAt: place)) }
    var tables: [RouteTableKey: RouteTable] = [:]
    for (key, entry) in best { tables[key] = RouteTable([entry.resolved], family: key.family) }
    return rules.map { RuleLookup($0, tables) }
  }

  /// Nothing where all of its interfaces are down.
  private func resolve(_ route: Route) -> ResolvedRoute? {
    if let output = route.output, device(output)?.isUp == false { return nil }
    let mtu = route.output.flatMap { device($0) }?.mtu ?? 1500
    guard !route.hops.isEmpty else { return ResolvedRoute(route, mtu: mtu) }
    let ways = route.hops.compactMap { hop in
      var way = route
      (way.hops, way.output, way.gateway) = ([], hop.output, hop.gateway)
      return resolve(way)
    }
    return ways.count < 2 ? ways.first : ResolvedRoute(route, mtu: mtu, hops: ways)
  }

  /// What the kernel puts into the local and the main table for an interface's addresses.
  ///
  /// The corresponding kernel functions are `fib_add_ifaddr` and `addrconf_prefix_route`.
  private func deriveRoutes(_ device: Device) -> [Route] {
    guard device.isUp else { return [] }
    var result: [Route] = []
    for entry in addresses(of: device) {
      let family = entry.address.family
      let whole = family.addressBits
      func add(_ type: AddressType, _ bits: UInt128, _ length: Int, table: UInt32, _ scope: RouteScope) {
        var route = Route(family, bits, length, type: type)
        route.table = table
        route.output = device.interface
        route.scope = scope
        route.preferredSource = family == .ipv4 ? entry.address : nil
        result.append(route)
      }
      add(.local, entry.address.bits, whole, table: RouteTable.local, .host)
      if family == .ipv4, let broadcast = entry.broadcast, broadcast.bits != 0xFFFF_FFFF {
        add(.broadcast, broadcast.bits, whole, table: RouteTable.local, .link)
      }
      // The network 0.0.0.0/8 is nobody's (`ipv4_is_zeronet`): an address of a wider prefix gets no route to it.
      if family == .ipv4, entry.network >> 24 == 0 { continue }
      // Of a network of one address there is nothing more to say, unless it is the peer's.
      guard entry.prefixLength < whole || entry.peer.map({ $0 != entry.address }) ?? false else { continue }
      if !entry.hasPrefixRoute {
        // The kernel leaves the route to the prefix out, and nothing else.
      } else if device.isLoopback {
        add(.local, entry.network, entry.prefixLength, table: RouteTable.local, .host)
      } else {
        add(.unicast, entry.network, entry.prefixLength, table: RouteTable.main, .link)
      }
      let last = entry.network | ~entry.mask & 0xFFFF_FFFF
      if family == .ipv4, entry.prefixLength < 31, entry.broadcast?.bits != last {
        add(.broadcast, last, whole, table: RouteTable.local, .link)
      }
      if family == .ipv6, entry.prefixLength < 127, forwards(device.name, .ipv6) {
        add(.anycast, entry.network, whole, table: RouteTable.local, .host)
      }
    }
    if hasIPv6(device), !device.isLoopback { result.append(multicastRoute(device)) }
    return result
  }

  private func multicastRoute(_ device: Device) -> Route {
    var route = Route(.ipv6, UInt128(0xFF) << 120, 8, type: .multicast)
    route.table = RouteTable.local
    route.output = device.interface
    route.metric = 256
    return route
  }

  /// The addresses of an interface with the link-local one that IPv6 gives it.
  func addresses(of device: Device) -> [Address] {
    guard addsLinkLocalAddresses, hasIPv6(device), !device.isLoopback, !device.addresses.contains(where: { $0.address.family == .ipv6 && $0.scope == .link })
    else { return device.addresses }
    let octets = device.hardwareAddress.octets.map { UInt128($0) }
    var bits: UInt128 = 0xFE80 << 112
    bits |= (octets[0] ^ 2) << 56 | octets[1] << 48 | octets[2] << 40 | 0xFFFE << 24
    bits |= octets[3] << 16 | octets[4] << 8 | octets[5]
    return device.addresses + [Address(.v6(IPv6Address(rawValue: bits)), prefixLength: 64, scope: .link)]
  }

  private func hasIPv6(_ device: Device) -> Bool {
    device.isUp && device.addresses.contains { $0.address.family == .ipv6 }
  }
}
