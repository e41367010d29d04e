public import Wire
public import XTables

/// How far an address or a route reaches; raw values are the kernel's `RT_SCOPE_*`: the larger, the nearer.
public enum RouteScope: UInt8, Sendable, Hashable {
  case universe = 0
  case site = 200
  case link = 253
  case host = 254
  case nowhere = 255

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

/// One route. Kernel: `fib_alias` with its `fib_info`.
public struct Route: Sendable, Hashable {
  public let family: Family
  public let destination: UInt128
  public let prefixLength: Int
  public var type: AddressType
  public var table: UInt32 = RouteTable.main
  public var output: Interface?
  public var gateway: IPAddress?
  public var preferredSource: IPAddress?
  public var metric: UInt32 = 0
  /// 0 for the interface's.
  public var mtu = 0
  public var scope: RouteScope = .universe

  public init(_ family: Family, _ destination: UInt128, _ prefixLength: Int, type: AddressType = .unicast) {
    self.family = family
    self.destination = destination & AddressMask.mask(prefix: prefixLength, family)
    self.prefixLength = prefixLength
    self.type = type
  }

  func hasSameKey(as other: Route) -> Bool {
    family == other.family && destination == other.destination && prefixLength == other.prefixLength
      && table == other.table && metric == other.metric && (family == .ipv4 || output == other.output)
  }
}

/// When which routing table is asked. Kernel: `fib_rule`.
public struct RouteRule: Sendable, Hashable {
  public enum Action: Sendable, Hashable {
    case table(UInt32)
    case unreachable, prohibit, blackhole
  }

  public var priority: UInt32
  public var family: Family?
  public var source: AddressMask?
  public var destination: AddressMask?
  public var mark: UInt32 = 0
  /// 0: the mark is not looked at.
  public var markMask: UInt32 = 0
  public var input: String?
  public var output: String?
  public var action: Action

  public init(priority: UInt32, _ action: Action) {
    self.priority = priority
    self.action = action
  }

  /// The three rules every kernel starts with.
  public static let initial = [
    RouteRule(priority: 0, .table(RouteTable.local)), RouteRule(priority: 32766, .table(RouteTable.main)),
    RouteRule(priority: 32767, .table(RouteTable.default)),
  ]

  func covers(_ flow: Flow) -> Bool {
    if let family, family != flow.destination.family { return false }
    if let source, (flow.source?.bits ?? 0) & source.mask != source.address { return false }
    if let destination, flow.destination.bits & destination.mask != destination.address { return false }
    if flow.mark & markMask != mark & markMask { return false }
    if let input, (flow.input?.name ?? "lo") != input { return false }
    if let output, flow.output?.name != output { return false }
    return true
  }
}

struct RouteTableKey: Hashable {
  let number: UInt32
  let family: Family
}

/// The routes of one table and family, found by longest prefix. Kernel: `fib_table`.
public struct RouteTable: Sendable {
  public static let `default`: UInt32 = 253
  public static let main: UInt32 = 254
  public static let local: UInt32 = 255

  private let family: Family
  /// Longest first; only lengths that occur.
  private var lengths: [Int] = []
  private var routes: [Int: [UInt128: [Route]]] = [:]

  init(family: Family) { self.family = family }

  mutating func add(_ route: Route) {
    if routes[route.prefixLength] == nil {
      lengths.append(route.prefixLength)
      lengths.sort(by: >)
    }
    var list = routes[route.prefixLength, default: [:]][route.destination, default: []]
    let place = list.firstIndex { $0.metric > route.metric } ?? list.count
    list.insert(route, at: place)
    routes[route.prefixLength, default: [:]][route.destination] = list
  }

  /// The first route that leads to an address, by the wanted interface if there is one.
  func lookup(_ address: UInt128, output: Interface?) -> Route? {
    for length in lengths {
      guard let list = routes[length]?[address & AddressMask.mask(prefix: length, family)] else { continue }
      for route in list where output == nil || route.output == output { return route }
    }
    return nil
  }

  /// The numbers `ip` knows by name.
  static func number(_ name: some StringProtocol) -> UInt32? {
    switch name {
    case "local": local
    case "main": main
    case "default": `default`
    default: UInt32(name)
    }
  }
}
