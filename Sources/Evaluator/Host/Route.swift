public import Wire
public import XTables

/// How far an address or route is valid. Raw values are the kernel's `RT_SCOPE_*`: larger values are nearer.
public enum RouteScope: UInt8, Sendable, Hashable {
  case universe = 0
  case site = 200
  case link = 253
  case host = 254
  case nowhere = 255

  /// Parses a name or number as `ip` does, such as `global`, `link` or `253`.
  public init?(name: some StringProtocol) {
    switch name {
    case "global", "universe", "0": self = .universe
    case "site", "200": self = .site
    case "link", "253": self = .link
    case "host", "254": self = .host
    case "nowhere", "255": self = .nowhere
    default: return nil
    }
  }
}

/// A route. Kernel: `fib_alias` with its `fib_info`.
public struct Route: Sendable, Hashable {
  /// The family of the destination.
  public let family: Family
  /// The destination, without host bits.
  public let destination: UInt128
  /// Bits of the destination's prefix.
  public let prefixLength: Int
  /// What the route does with packets: sends them, delivers them here, or refuses them.
  public var type: AddressType
  /// The number of the table that the route is in.
  public var table: UInt32 = RouteTable.main
  /// The output interface; nil if the route has none, or several next hops.
  public var output: Interface?
  /// The gateway; nil if the destination is on the link.
  public var gateway: IPAddress?
  /// The source address for packets that this host sends; nil to select one.
  public var preferredSource: IPAddress?
  /// The metric: among routes to one prefix, the lowest is used.
  public var metric: UInt32 = 0
  /// The route's MTU in bytes; 0 for the interface's.
  public var mtu = 0
  /// The distance of the destination.
  public var scope: RouteScope = .universe
  /// The destination realm in the low half, the source realm in the high half; 0 for none. Kernel: `fib_nh.nh_tclassid`.
  public var realms: UInt32 = 0
  /// The TOS that the route is for, in the bits that routes test; 0 for all. IPv4 only.
  public var tos: UInt8 = 0
  /// What encapsulates the packets of the route or of one of its next hops (`encap`): `mpls`, `seg6`; nil without. Kernel: `lwtunnel_state`.
  public var encapsulation: String?
  /// Several next hops, with `output` and `gateway` unset. Kernel: `fib_nh`.
  public var hops: [Hop] = []

  /// One of several next hops.
  public struct Hop: Sendable, Hashable {
    /// The output interface.
    public var output: Interface
    /// The gateway; nil if the destination is on the link.
    public var gateway: IPAddress?
  }

  /// Creates a route to a prefix; host bits in `destination` are cleared.
  public init(_ family: Family, _ destination: UInt128, _ prefixLength: Int, type: AddressType = .unicast) {
    self.family = family
    self.destination = destination & AddressMask.mask(prefix: prefixLength, family)
    self.prefixLength = prefixLength
    self.type = type
  }

  /// What two routes do not have in common: one takes the other's place.
  struct Key: Hashable {
    let table: RouteTableKey
    let destination: UInt128
    let prefixLength: Int
    let metric: UInt32
    let tos: UInt8
    /// IPv6 only.
    let output: Interface?
  }

  var key: Key {
    Key(
      table: tableKey, destination: destination, prefixLength: prefixLength, metric: metric, tos: tos,
      output: family == .ipv4 ? nil : output)
  }

  var tableKey: RouteTableKey { RouteTableKey(number: table, family: family) }

  /// It leads to the address.
  func covers(_ address: IPAddress) -> Bool {
    family == address.family && (destination ^ address.bits) >> UInt128(family.addressBits - prefixLength) == 0
  }

  /// Look-ups come to it first: to longer prefixes, of one prefix to routes for a TOS, then to those of lower metric.
  func isFound(before other: Route) -> Bool {
    if prefixLength != other.prefixLength { return prefixLength > other.prefixLength }
    if destination != other.destination { return destination < other.destination }
    if tos != other.tos { return tos > other.tos }
    return metric < other.metric
  }
}

struct RouteTableKey: Hashable {
  let number: UInt32
  let family: Family
}

/// A route as returned by look-ups, with precomputed data for forwarding.
final class ResolvedRoute: Sendable {
  let route: Route
  /// The next hops, if there are several.
  let hops: [ResolvedRoute]
  /// Nil if the route has no interface, or if it is not known what becomes of its packets.
  let forwarding: RouteAnswer?

  /// - Parameter mtu: the interface's MTU in bytes.
  init(_ route: Route, mtu: Int, hops: [ResolvedRoute] = []) {
    self.route = route
    self.hops = hops
    let output = route.encapsulation == nil ? route.output : nil
    forwarding = output.map {
      RouteAnswer(
        type: .unicast, output: $0, gateway: route.gateway, preferredSource: route.preferredSource,
        mtu: route.mtu > 0 ? min(route.mtu, mtu) : mtu)
    }
  }
}

extension AddressType {
  /// True for routes that refuse packets, or end the search in their table.
  var isRefusal: Bool {
    switch self {
    case .unreachable, .prohibit, .blackhole, .throw: true
    default: false
    }
  }
}

/// The routes of one table and family, looked up by longest prefix. Kernel: `fib_table`.
public final class RouteTable: Sendable {
  /// `RT_TABLE_DEFAULT`.
  public static let `default`: UInt32 = 253
  /// `RT_TABLE_MAIN`.
  public static let main: UInt32 = 254
  /// `RT_TABLE_LOCAL`.
  public static let local: UInt32 = 255

  /// All prefixes of one length.
  private struct Level {
    var mask: UInt128
    /// Sorted in ascending order.
    var prefixes: [UInt128] = []
    /// The index of the first route of each prefix, and a final entry for the end.
    var starts: [Int] = []
  }

  /// Longest first; only lengths in use.
  private let levels: [Level]
  /// Grouped by prefix: routes for a TOS first, then by ascending metric, then in the order in which they were added.
  private let routes: [ResolvedRoute]

  init(_ list: [ResolvedRoute], family: Family) {
    let sorted = list.enumerated().sorted { left, right in
      if left.element.route.isFound(before: right.element.route) { return true }
      return left.offset < right.offset && !right.element.route.isFound(before: left.element.route)
    }
    routes = sorted.map(\.element)
    var levels: [Level] = []
    for (index, route) in routes.map(\.route).enumerated() {
      let previous = index > 0 ? routes[index - 1].route : nil
      if previous?.prefixLength != route.prefixLength {
        levels.append(Level(mask: AddressMask.mask(prefix: route.prefixLength, family)))
      } else if previous?.destination == route.destination {
        continue
      }
      levels[levels.count - 1].prefixes.append(route.destination)
      levels[levels.count - 1].starts.append(index)
    }
    for index in levels.indices { levels[index].starts.append(index + 1 < levels.count ? levels[index + 1].starts[0] : routes.count) }
    self.levels = levels
  }

  /// The bits of a TOS that routes test. Kernel: `IPTOS_RT_MASK`, without the low bit, which ECN uses.
  static let tosMask: UInt8 = 0x1C

  /// The first route to an address, through the wanted interface if one is given.
  func lookup(_ address: UInt128, output: Interface?, tos: UInt8 = 0) -> ResolvedRoute? {
    for level in levels.indices {
      guard let place = levels[level].prefixes.place(of: address & levels[level].mask) else { continue }
      for index in levels[level].starts[place]..<levels[level].starts[place + 1] {
        let found = routes[index]
        if found.route.tos != 0, found.route.tos != tos & Self.tosMask { continue }
        guard let output, found.route.output != output else { return found }
        // A route that refuses has no interface. Kernel: `fib_table_lookup`, which regards the type first.
        if found.route.family == .ipv4, found.route.type.isRefusal { return found }
        if let hop = found.hops.first(where: { $0.route.output == output }) { return hop }
      }
    }
    return nil
  }

  /// The table numbers that `ip` knows by name.
  static func number(_ name: some StringProtocol) -> UInt32? {
    switch name {
    case "local": local
    case "main": main
    case "default": `default`
    default: UInt32(name)
    }
  }
}
