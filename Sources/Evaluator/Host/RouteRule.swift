public import Wire
public import XTables

/// A routing rule, which selects a table for a packet. Kernel: `fib_rule`.
public struct RouteRule: Sendable, Hashable {
  /// What a matching rule does. Kernel: `FR_ACT_*`.
  public enum Action: Sendable, Hashable {
    case table(UInt32)
    case unreachable, prohibit, blackhole
    /// Continues at the first rule of this priority; if there is none, at the next rule.
    case goto(UInt32)
    /// Does nothing; serves as a target of `goto`.
    case nop
  }

  /// The priority: rules are tried in ascending order.
  public var priority: UInt32
  /// The family that the rule is for; nil for both.
  public var family: Family?
  /// The source prefix to match; nil for any.
  public var source: AddressMask?
  /// The destination prefix to match; nil for any.
  public var destination: AddressMask?
  /// The packet mark to match, under ``markMask``.
  public var mark: UInt32 = 0
  /// The bits of the mark to compare; 0 ignores the mark.
  public var markMask: UInt32 = 0
  /// The input interface to match; nil for any.
  public var input: String?
  /// The output interface that the socket is bound to; nil for any.
  public var output: String?
  /// Realms, as in ``Route``. Kernel: `fib4_rule.tclassid`.
  public var realms: UInt32 = 0
  /// The TOS to match; 0 ignores the TOS.
  public var tos: UInt8 = 0
  /// The transport protocol to match; nil for any.
  public var proto: IPProtocol?
  /// The source ports to match; nil for any.
  public var sourcePorts: ClosedRange<UInt16>?
  /// The destination ports to match; nil for any.
  public var destinationPorts: ClosedRange<UInt16>?
  /// The sending users to match; a received packet counts as root's.
  public var users: ClosedRange<UInt32>?
  /// Matches the packets that the other conditions do not match (`not`).
  public var isInverted = false
  /// Ignores routes with prefixes up to this length, `suppress_prefixlength`.
  public var suppressedLength: Int?
  /// What the rule does.
  public var action: Action

  /// Creates a rule that matches all packets.
  public init(priority: UInt32, _ action: Action) {
    self.priority = priority
    self.action = action
  }

  /// The three rules that every kernel starts with.
  public static let initial = [
    RouteRule(priority: 0, .table(RouteTable.local)), RouteRule(priority: 32766, .table(RouteTable.main)),
    RouteRule(priority: 32767, .table(RouteTable.default)),
  ]

  /// True if the rule tests the transport header.
  var asksTransport: Bool { proto != nil || sourcePorts != nil || destinationPorts != nil }

  /// True if the rule matches every packet.
  var asksNothing: Bool {
    family == nil && source == nil && destination == nil && markMask == 0 && input == nil && output == nil && tos == 0 && !asksTransport
      && users == nil && !isInverted
  }

  /// True if the rule matches. The corresponding kernel functions are `fib_rule_match`, `fib4_rule_match` and `fib6_rule_match`.
  func covers(_ flow: Flow) -> Bool {
    if let family, family != flow.destination.family { return false }
    return holds(flow) != isInverted
  }

  /// Whether the user of the sender decides if the rule matches.
  func dependsOnUser(_ flow: Flow) -> Bool {
    guard users != nil, family == nil || family == flow.destination.family else { return false }
    return holdsBesideUser(flow)
  }

  /// Whether a port may decide if the rule matches.
  func dependsOnPorts(_ flow: Flow) -> Bool {
    (sourcePorts != nil || destinationPorts != nil) && (family == nil || family == flow.destination.family)
  }

  private func holds(_ flow: Flow) -> Bool {
    guard holdsBesideUser(flow) else { return false }
    if let users { return flow.user.map(users.contains) ?? false }
    return true
  }

  private func holdsBesideUser(_ flow: Flow) -> Bool {
    if let source, (flow.source?.bits ?? 0) & source.mask != source.address { return false }
    if let destination, flow.destination.bits & destination.mask != destination.address { return false }
    if flow.mark & markMask != mark & markMask { return false }
    if let input, (flow.input?.name ?? "lo") != input { return false }
    if let output, flow.output?.name != output { return false }
    if tos != 0, flow.tos & (flow.destination.family == .ipv4 ? RouteTable.tosMask : 0xFC) != tos { return false }
    if let proto, flow.proto != proto { return false }
    if let sourcePorts, !sourcePorts.contains(flow.sourcePort) { return false }
    if let destinationPorts, !destinationPorts.contains(flow.destinationPort) { return false }
    return true
  }
}

extension RouteRule.Action {
  /// The type of route with the same effect. An unreachable rule reports the network unreachable, where a route reports the host.
  var addressType: AddressType {
    switch self {
    case .prohibit: .prohibit
    case .blackhole: .blackhole
    default: .unspecified
    }
  }
}

/// A rule with its tables resolved.
struct RuleLookup {
  let rule: RouteRule
  let narrow: RouteTable?
  let wide: RouteTable?
  /// True if the rule matches every flow.
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
  /// Sources of packets are looked for in the routes though `rp_filter` is off. Kernel: `fib4_has_custom_rules` and
  /// `fib_has_custom_local_routes` beside the former.
  var alwaysRoutesSources = false
  /// A rule looks behind the network header.
  var rulesAskTransport = false

  init() {}

  /// - Parameter routes: the routes that commands have added.
  init(_ rules: [RouteRule], _ routes: [Route]) {
    rulesAskTransport = rules.contains(where: \.asksTransport)
    usesRealms = routes.contains { $0.realms != 0 } || rules.contains { $0.realms != 0 }
    alwaysRoutesSources =
      usesRealms || rules.contains { $0.family != .ipv6 && !RouteRule.initial.contains($0) }
      || routes.contains { $0.family == .ipv4 && $0.type == .local }
  }
}
