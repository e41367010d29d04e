public import Wire
public import XTables

/// The machine that the ruleset runs on: interfaces, addresses, routes, sysctls and sockets.
///
/// The host derives what the kernel derives by itself: the local table, broadcast addresses and the loopback interface.
public final class Host: HostModel {
  /// An interface and its settings. Kernel: `net_device`.
  public struct Device: Sendable {
    /// The interface's name and index.
    public let interface: Interface
    /// The interface's own hardware address.
    public var hardwareAddress: MACAddress
    /// False if the hardware address was not given; ``hardwareAddress`` is then arbitrary.
    public var isHardwareAddressStated = true
    /// The largest packet in bytes, network header included.
    public var mtu: Int
    /// True if the interface is up, `IFF_UP`.
    public var isUp: Bool
    /// False if the link is down while the interface is up (`NO-CARRIER`). Kernel: `netif_carrier_ok`.
    public var hasCarrier = true
    /// Neighbours are not resolved: frames go to the interface's own hardware address. Kernel: `IFF_NOARP`.
    public var hasNoARP: Bool
    /// The addresses that were set, in the kernel's order, which is that of `ip addr show`. ``add(_:)`` puts a new one in its place.
    public var addresses: [Address]
    /// The bridge or other interface that this interface is a part of, by name.
    public var bridge: String?
    /// What is not known of that interface, so that the way of frames which arrive here is unknown; nil if nothing is missing.
    public var masterNeed: String?
    /// True for a bridge.
    public var isBridge: Bool
    /// The families whose rules a bridge asks whatever the sysctls say. Kernel: `BROPT_NF_CALL_IPTABLES`, `BROPT_NF_CALL_IP6TABLES`.
    public var calledFamilies: Set<Family> = []
    /// The interface group (`ip link set … group`); nil if unknown.
    public var group: UInt32?

    /// The interface's name, at most 15 bytes.
    public var name: String { interface.name }
    /// True for the interface `lo`.
    public var isLoopback: Bool { interface.name == "lo" }
  }

  /// All interfaces, in the order of their indices; the first is `lo`.
  public private(set) var devices: [Device] = [] { didSet { isResolved = false } }
  /// Changes with everything that the way of a forwarded packet depends on.
  private(set) var version = 0
  /// The routing rules, by rising priority.
  public private(set) var rules: [RouteRule] = RouteRule.initial { didSet { areRoutesStale = true } }
  /// The sysctls of the IP layer.
  public var sysctls = Sysctls() { didSet { forgetDerived() } }
  /// The groups that interfaces have joined for programs, by interface; those that the kernel joins by itself are not needed.
  public var joinedGroups: [String: [MulticastGroup]] = [:]
  /// The neighbours on the links.
  public var neighbours = Neighbours() { didSet { version &+= 1 } }
  /// The listening sockets, and those opened to send.
  public var sockets: [HostSocket] = []
  /// Finds the socket that a run has opened and that a packet belongs to.
  var openSocket: ((Packet) -> SocketFacts?)?
  /// The facts that the description leaves out. Without all routes, a destination without a route is unknown instead of unreachable;
  /// without the sysctls, those that were not set are unknown.
  public var missing: HostFacts = [] { didSet { forgetDerived() } }
  /// True if interfaces with IPv6 addresses derive a link-local one if none is given. Kernel: `addr_gen_mode`.
  public var addsLinkLocalAddresses = true {
    didSet { forgetDerived() }
  }
  /// True if the host has IPsec policies, so that answers that depend on them are unknown; nil if not specified.
  public var usesIPsec: Bool?
  /// True if the rules are in nf_tables, as iptables-nft loads them. A change takes effect with the next load of rules.
  public var usesNfTables = false
  /// The chains at hooks beside the loaded rules. A change takes effect with the next load of rules.
  public var otherChains: [OtherChain] = []
  /// The kernel's time zone in minutes west of Greenwich; nil if not specified. Kernel: `sys_tz.tz_minuteswest`.
  public var minutesWest: Int?
  private var addedRoutes: [Route] = []
  private var addedKeys: Set<Route.Key> = []
  /// The routes that follow from an interface's addresses, by its place, as far as they were asked for.
  private var derivedRoutes: [Int: [Route]] = [:]
  private var tables: [RouteTableKey: RouteTable] = [:]
  /// The rules with the tables they refer to.
  private var ruleLookups: [RuleLookup] = []
  /// The same with the routes over links that are down; nil until they are asked for.
  private var lookupsOverAllLinks: [RuleLookup]?
  private var routeQuestions = RouteQuestions()
  /// Tables and rule look-ups are derived on demand, so that any number of changes costs one derivation.
  private var areRoutesStale = true { didSet { version &+= 1 } }
  /// The place of the first interface of each name.
  private var places: [String: Int] = [:]
  private var links: [HostLink] = []
  private var linkNames: [String] = []
  private var own = OwnAddresses([])
  private var isResolved = false { didSet { version &+= 1 } }

  /// Creates a host with only the loopback interface.
  public init() {
    addDevice(named: "lo", hardwareAddress: MACAddress(rawValue: 0), mtu: 65536)
    devices[0].addresses = [
      Address(.v4(.loopback), prefixLength: 8, scope: .host),
      Address(.v6(IPv6Address(rawValue: 1)), prefixLength: 128, scope: .host),
    ]
  }

  // MARK: Devices

  /// Adds an interface, or returns the existing one of that name. Longer names are cut to 15 bytes.
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

  /// The interface of this name; nil if there is none.
  public func device(named name: String) -> Device? { deviceIndex(named: name).map { devices[$0] } }

  /// Forgets all that is derived from interfaces and sysctls.
  private func forgetDerived() {
    isResolved = false
    areRoutesStale = true
    derivedRoutes = [:]
  }

  /// Recomputes the per-interface data that packets need, after a change.
  private func resolve() {
    isResolved = true
    links = devices.map { HostLink($0, sysctls, areComplete: !missing.contains(.sysctls)) }
    linkNames = devices.map(\.name)
    // The IPv4 addresses of an interface that is down stay the host's.
    own = OwnAddresses(devices.flatMap { device in addresses(of: device).map(\.address).filter { device.isUp || $0.family == .ipv4 } })
  }

  /// The resolved data of an interface; nil if this host has no such interface.
  func link(_ interface: Interface) -> HostLink? {
    if !isResolved { resolve() }
    let position = Int(interface.index) - 1
    guard position >= 0, position < links.count, links[position].key == interface.key else { return nil }
    return links[position]
  }

  /// True if a whole IPv4 packet without faults reaches PREROUTING as one for this host: the interface is up and no port of a bridge, and the
  /// frame, if there is one, is addressed to it.
  func takes(_ packet: borrowing Packet, on interface: Interface) -> Bool {
    if !isResolved { resolve() }
    let position = Int(interface.index) - 1
    guard position >= 0, position < links.count, links[position].key == interface.key, links[position].isUp, !links[position].isBridgePort
    else { return false }
    guard let link = packet.link else { return packet.type == .host }
    return link.etherType == 0x0800 && link.destination == links[position].hardwareAddress && !link.destination.isMulticast
  }

  /// True if this host has the address, as `inet_lookup_ifaddr_rcu` tests it.
  public func holds(_ address: IPAddress) -> Bool {
    if !isResolved { resolve() }
    return own.holds(address)
  }

  /// The name of an interface of this host, from a cache.
  func name(of interface: Interface) -> String {
    link(interface) == nil ? interface.name : linkNames[Int(interface.index) - 1]
  }

  func isLoopback(_ interface: Interface) -> Bool { link(interface)?.isLoopback ?? false }

  func device(_ interface: Interface) -> Device? {
    let position = Int(interface.index) - 1
    guard devices.indices.contains(position), devices[position].interface == interface else { return nil }
    return devices[position]
  }

  /// Changes an interface; the routes derived from its addresses change with it.
  public func updateDevice(named name: String, _ change: (inout Device) -> Void) {
    guard let index = deviceIndex(named: name) else { return }
    change(&devices[index])
    derivedRoutes[index] = nil
    areRoutesStale = true
  }

  /// The interface of this name; nil if there is none.
  public func interface(named name: String) -> Interface? { device(named: name)?.interface }
  /// The interface group; nil if it is unknown or this host has no such interface.
  public func group(of interface: Interface) -> UInt32? { device(interface)?.group }

  // MARK: Routes

  /// Adds a route, or replaces the one with the same destination, table and metric.
  public func addRoute(_ route: Route) {
    if !addedKeys.insert(route.key).inserted { addedRoutes.removeAll { $0.key == route.key } }
    addedRoutes.append(route)
    areRoutesStale = true
  }

  /// Removes the routes with that destination and table. Returns false if there is none.
  @discardableResult
  public func removeRoute(_ route: Route) -> Bool {
    let count = addedRoutes.count
    addedRoutes.removeAll { $0.destination == route.destination && $0.prefixLength == route.prefixLength && $0.table == route.table }
    guard addedRoutes.count < count else { return false }
    addedKeys = Set(addedRoutes.map(\.key))
    areRoutesStale = true
    return true
  }

  /// Adds a routing rule after the rules of the same priority. Kernel: `fib_nl_newrule`.
  public func addRule(_ rule: RouteRule) {
    // After the rules of the same priority.
    var low = 0
    var high = rules.count
    while low < high {
      let middle = (low + high) / 2
      if rules[middle].priority > rule.priority { high = middle } else { low = middle + 1 }
    }
    rules.insert(rule, at: low)
  }

  /// Removes the first matching rule. Returns false if there is none.
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

  /// The same with the routes over links that are down, though the host ignores them. Kernel: `FIB_LOOKUP_IGNORE_LINKSTATE`.
  var lookupsRegardlessOfLinks: [RuleLookup] {
    deriveStaleRoutes()
    if let known = lookupsOverAllLinks { return known }
    let isOneIgnored = devices.contains { device in [Family.ipv4, .ipv6].contains { ignoresLink(of: device, $0) } }
    let found = isOneIgnored ? lookups(in: derivedTables(regardlessOfLinks: true)) : ruleLookups
    lookupsOverAllLinks = found
    return found
  }

  /// What routes and rules ask of packets.
  var questions: RouteQuestions {
    deriveStaleRoutes()
    return routeQuestions
  }

  /// All routes: those that were added, and those derived from addresses.
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
    tables = derivedTables(regardlessOfLinks: false)
    ruleLookups = lookups(in: tables)
    lookupsOverAllLinks = nil
    routeQuestions = RouteQuestions(rules, addedRoutes)
  }

  private func derivedTables(regardlessOfLinks: Bool) -> [RouteTableKey: RouteTable] {
    var lists: [RouteTableKey: [ResolvedRoute]] = [:]
    for route in routes {
      guard let resolved = resolve(route, regardlessOfLinks: regardlessOfLinks) else { continue }
      lists[route.tableKey, default: []].append(resolved)
    }
    var tables: [RouteTableKey: RouteTable] = [:]
    for (key, list) in lists { tables[key] = RouteTable(list, family: key.family) }
    return tables
  }

  /// The rules with other tables than the host's.
  func lookups(in tables: [RouteTableKey: RouteTable]) -> [RuleLookup] { rules.map { RuleLookup($0, tables) } }

  /// The tables with nothing but the wanted route to one address.
  ///
  /// This takes one pass over the routes, where ``lookups`` sorts them all: for a look-up between two changes. The kernel accepts gateways
  /// behind a link that is down.
  func bestRoutes(to address: IPAddress, where isWanted: (Route) -> Bool = { _ in true }) -> [RouteTableKey: RouteTable] {
    var best: [RouteTableKey: (route: Route, resolved: ResolvedRoute)] = [:]
    func consider(_ list: [Route]) {
      for route in list where route.tos == 0 && route.covers(address) && isWanted(route) {
        if let known = best[route.tableKey], !route.isFound(before: known.route) { continue }
        if let resolved = resolve(route, regardlessOfLinks: true) { best[route.tableKey] = (route, resolved) }
      }
    }
    consider(addedRoutes)
    for place in devices.indices { consider(routes(ofDeviceAt: place)) }
    var tables: [RouteTableKey: RouteTable] = [:]
    for (key, entry) in best { tables[key] = RouteTable([entry.resolved], family: key.family) }
    return tables
  }

  /// Nil if all its interfaces are down, or have links that are down and whose routes the host ignores.
  private func resolve(_ route: Route, regardlessOfLinks: Bool) -> ResolvedRoute? {
    // The addresses of an interface that is down stay local. Kernel: `fib_sync_down_dev`.
    let isLocal = route.family == .ipv4 && route.type == .local
    if !isLocal, let output = route.output, device(output)?.isUp == false { return nil }
    guard regardlessOfLinks || !isIgnored(route) else { return nil }
    let mtu = route.output.flatMap { device($0) }?.mtu ?? 1500
    guard !route.hops.isEmpty else { return ResolvedRoute(route, mtu: mtu) }
    // The kernel shares the packets out when a link goes down: a hop that it ignores since later may still get some (`fib_rebalance`).
    let ways = route.hops.compactMap { hop in
      var way = route
      (way.hops, way.output, way.gateway) = ([], hop.output, hop.gateway)
      return resolve(way, regardlessOfLinks: true)
    }
    guard regardlessOfLinks || !ways.allSatisfy({ isIgnored($0.route) }) else { return nil }
    return ways.count < 2 ? ways.first : ResolvedRoute(route, mtu: mtu, hops: ways)
  }

  /// True if look-ups pass over the route, because the link of its interface is down. Those to the host's own addresses stay.
  ///
  /// The corresponding kernel functions are `fib_lookup_good_nhc` and `find_match`.
  private func isIgnored(_ route: Route) -> Bool {
    guard route.type != .local, route.type != .anycast, let output = route.output, let device = device(output) else { return false }
    return ignoresLink(of: device, route.family)
  }

  /// Kernel: `ip_ignore_linkdown`, `ip6_ignore_linkdown`.
  private func ignoresLink(of device: Device, _ family: Family) -> Bool {
    guard !device.hasCarrier else { return false }
    let settings = sysctls.interface(family, device.name)
    let key = "ignore_routes_with_linkdown"
    return (family == .ipv4 ? settings.joined(key) : settings[key] ?? 0) != 0
  }

  /// The routes that the kernel adds to the local and the main table for an interface's addresses.
  ///
  /// The corresponding kernel functions are `fib_add_ifaddr` and `addrconf_prefix_route`.
  private func deriveRoutes(_ device: Device) -> [Route] {
    var result: [Route] = []
    for entry in addresses(of: device) where device.isUp || entry.address.family == .ipv4 {
      let family = entry.address.family
      let whole = family.addressBits
      // The routes of a secondary address have the primary one as their source. Kernel: `inet_ifa_byprefix`.
      let primary = addresses(of: device).first {
        $0.address.family == family && $0.prefixLength == entry.prefixLength && $0.network == entry.network
      }
      func add(_ type: AddressType, _ bits: UInt128, _ length: Int, table: UInt32, _ scope: RouteScope) {
        var route = Route(family, bits, length, type: type)
        route.table = table
        route.output = device.interface
        route.scope = scope
        route.preferredSource = family == .ipv4 ? (primary ?? entry).address : nil
        result.append(route)
      }
      add(.local, entry.address.bits, whole, table: RouteTable.local, .host)
      // Of an interface that is down, only the local route stays. Kernel: `fib_sync_down_dev`.
      guard device.isUp else { continue }
      if family == .ipv4, let broadcast = entry.broadcast, broadcast.bits != 0xFFFF_FFFF {
        add(.broadcast, broadcast.bits, whole, table: RouteTable.local, .link)
      }
      // The kernel adds no route to the network 0.0.0.0/8 (`ipv4_is_zeronet`).
      if family == .ipv4, entry.network >> 24 == 0 { continue }
      // A prefix of full length needs no further routes, unless it is a peer's.
      guard entry.prefixLength < whole || entry.peer.map({ $0 != entry.address }) ?? false else { continue }
      if !entry.hasPrefixRoute {
        // The kernel omits only the route to the prefix.
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
    if device.isUp, !device.isLoopback, sysctls.interface(.ipv6, device.name)["disable_ipv6"] == 0 { result.append(multicastRoute(device)) }
    return result
  }

  private func multicastRoute(_ device: Device) -> Route {
    var route = Route(.ipv6, UInt128(0xFF) << 120, 8, type: .multicast)
    route.table = RouteTable.local
    route.output = device.interface
    route.metric = 256
    return route
  }

  /// The interface's addresses, with the IPv6 link-local address that the kernel adds.
  func addresses(of device: Device) -> [Address] {
    guard addsLinkLocalAddresses, hasIPv6(device), !device.isLoopback,
      !device.addresses.contains(where: { $0.address.family == .ipv6 && $0.scope == .link })
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
