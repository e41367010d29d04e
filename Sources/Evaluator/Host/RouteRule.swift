public import Wire
public import XTables

/// When which routing table is asked. Kernel: `fib_rule`.
public struct RouteRule: Sendable, Hashable {
  public enum Action: Sendable, Hashable {
    case table(UInt32)
    case unreachable, prohibit, blackhole
    /// The rules go on at the first of this priority; where there is none, at the next.
    case goto(UInt32)
    /// A place to go to.
    case nop
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
  /// As those of a ``Route``. Kernel: `fib4_rule.tclassid`.
  public var realms: UInt32 = 0
  /// 0: the TOS is not looked at.
  public var tos: UInt8 = 0
  public var proto: IPProtocol?
  public var sourcePorts: ClosedRange<UInt16>?
  public var destinationPorts: ClosedRange<UInt16>?
  /// Users that send; a packet that came in is root's.
  public var users: ClosedRange<UInt32>?
  /// It covers what the rest of it does not.
  public var isInverted = false
  /// Routes with prefixes up to this length are passed over.
  public var suppressedLength: Int?
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

  /// It asks for what stands behind the network header.
  var asksTransport: Bool { proto != nil || sourcePorts != nil || destinationPorts != nil }

  /// It asks nothing of a packet.
  var asksNothing: Bool {
    family == nil && source == nil && destination == nil && markMask == 0 && input == nil && output == nil && tos == 0 && !asksTransport
      && users == nil && !isInverted
  }

  /// The corresponding kernel functions are `fib_rule_match`, `fib4_rule_match` and `fib6_rule_match`.
  func covers(_ flow: Flow) -> Bool {
    if let family, family != flow.destination.family { return false }
    return holds(flow) != isInverted
  }

  private func holds(_ flow: Flow) -> Bool {
    if let source, (flow.source?.bits ?? 0) & source.mask != source.address { return false }
    if let destination, flow.destination.bits & destination.mask != destination.address { return false }
    if flow.mark & markMask != mark & markMask { return false }
    if let input, (flow.input?.name ?? "lo") != input { return false }
    if let output, flow.output?.name != output { return false }
    if tos != 0, flow.tos & (flow.destination.family == .ipv4 ? RouteTable.tosMask : 0xFC) != tos { return false }
    if let proto, flow.proto != proto { return false }
    if let sourcePorts, !sourcePorts.contains(flow.sourcePort) { return false }
    if let destinationPorts, !destinationPorts.contains(flow.destinationPort) { return false }
    if let users, !users.contains(flow.user) { return false }
    return true
  }
}

extension RouteRule.Action {
  /// What a packet is told that it stops: an unreachable rule has no host to speak of, as a route would have.
  var addressType: AddressType {
    switch self {
    case .prohibit: .prohibit
    case .blackhole: .blackhole
    default: .unspecified
    }
  }
}

/// A rule with the tables it leads to.
struct RuleLookup {
  let rule: RouteRule
  let narrow: RouteTable?
  let wide: RouteTable?
  /// The rule asks nothing of the flow.
  let coversAll: Bool

  init(_ rule: RouteRule, _ tables: [RouteTableKey: RouteTable]) {
    self.rule = rule
    coversAll = rule.asksNothing
    if case .table(let number) = rule.action {
      narrow = tables[RouteTableKey(number: number, family: .ipv4)]
      wide = tables[RouteTableKey(number: number, family: .ipv6)]
    } else {
      (narrow, wide) = (nil, nil)
    }
  }
}

/// What routes and rules ask of packets besides their addresses.
struct RouteQuestions {
  /// Some route or rule has a realm. Kernel: `fib_num_tclassid_users`.
  var usesRealms = false
  /// Sources of packets are looked for in the routes though `rp_filter` is off. Kernel: `fib4_has_custom_rules` beside the former.
  var alwaysRoutesSources = false
  /// A rule looks behind the network header.
  var rulesAskTransport = false

  init() {}

  /// - Parameter hasRealms: some route has one.
  init(_ rules: [RouteRule], hasRealms: Bool) {
    rulesAskTransport = rules.contains(where: \.asksTransport)
    usesRealms = hasRealms || rules.contains { $0.realms != 0 }
    alwaysRoutesSources = usesRealms || rules.contains { $0.family != .ipv6 && !RouteRule.initial.contains($0) }
  }
}
