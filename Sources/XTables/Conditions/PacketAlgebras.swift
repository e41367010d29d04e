public import Netfilter
public import Wire

/// Decides conditions for one packet by reading it.
public struct OnePacket: ConditionAlgebra {
  /// The packet. Reading changes only what ``Field/read(_:)`` names.
  public var context: PacketContext
  /// The assumed result of a match with state or chance, because evaluating it would change its state.
  private let opaqueHolds: Bool
  /// The reason of the last part that could not be decided.
  public private(set) var reason: UnknownReason?

  /// Creates an algebra for a packet.
  ///
  /// - Parameter opaqueHolds: the assumed result of a match with state or chance.
  public init(_ context: PacketContext, opaqueHolds: Bool = true) {
    self.context = context
    self.opaqueHolds = opaqueHolds
  }

  /// No packet.
  public var none: Bool { false }
  /// The packet.
  public var all: Bool { true }
  /// Whether the packet is not in the set.
  public func isNone(_ packets: Bool) -> Bool { !packets }
  /// Whether the packet is in both sets.
  public func intersection(_ left: Bool, _ right: Bool) -> Bool { left && right }
  /// Whether the packet is in either set.
  public func union(_ left: Bool, _ right: Bool) -> Bool { left || right }

  /// Decides a test by reading the field.
  public mutating func decide(_ field: Field, _ test: ValueTest?) -> Decision<Bool> {
    var decision = Decision(all: false)
    func answer(_ value: UInt128) {
      let holds = test?.holds(for: value) ?? true
      (decision.holds, decision.fails) = (holds, !holds)
    }
    switch field.read(&context) {
    case .value(let value): answer(value)
    case .doomed(let value):
      answer(value)
      decision.doomed = true
    case .absent: decision.absent = true
    case .malformed: decision.malformed = true
    case .unknown(let reason): return decide(reason)
    }
    return decision
  }

  /// Decides a match with state or chance as assumed.
  public func decideOpaque() -> Decision<Bool> {
    var decision = Decision(all: false)
    (decision.holds, decision.fails) = (opaqueHolds, !opaqueHolds)
    return decision
  }

  /// Decides nothing and keeps the reason.
  public mutating func decide(_ reason: UnknownReason) -> Decision<Bool> {
    self.reason = reason
    var decision = Decision(all: false)
    decision.undecided = true
    return decision
  }

  /// The result of a match with this decision.
  public func outcome(_ decision: Decision<Bool>) -> MatchOutcome {
    if decision.undecided, let reason { return .unknown(reason) }
    if decision.malformed { return .hotdrop }
    if decision.holds { return .matched }
    return decision.doomed ? .hotdrop : .mismatched
  }
}

extension Condition {
  /// The result of the condition for a packet. Parts with state or chance count as holding, because evaluating them would change
  /// their state.
  public func outcome(_ packet: inout PacketContext) -> MatchOutcome {
    var algebra = OnePacket(packet)
    let decision = decide(&algebra)
    let outcome = algebra.outcome(decision)
    packet.packet.type = algebra.context.packet.type
    return outcome
  }
}

/// Decides conditions for all packets of a family, at one hook or at any. A set is a flag: whether some packet may be in it. Tests
/// are assumed to be independent, so that more is considered possible than is.
public struct AnyPacket: ConditionAlgebra {
  private let hook: Hook?
  private let family: Family

  /// Creates an algebra.
  ///
  /// - Parameter hook: the hook of the packets; nil for any of the five.
  public init(at hook: Hook?, _ family: Family) {
    self.hook = hook
    self.family = family
  }

  /// No packet.
  public var none: Bool { false }
  /// Any packet.
  public var all: Bool { true }
  /// Whether no packet can be in the set.
  public func isNone(_ packets: Bool) -> Bool { !packets }
  /// Whether some packet may be in both sets.
  public func intersection(_ left: Bool, _ right: Bool) -> Bool { left && right }
  /// Whether some packet may be in either set.
  public func union(_ left: Bool, _ right: Bool) -> Bool { left || right }

  /// Decides which results a test may have, from the declared values of the field.
  public func decide(_ field: Field, _ test: ValueTest?) -> Decision<Bool> {
    let outcomes = field.traits.outcomes
    var decision = Decision(all: false)
    decision.absent = outcomes.contains(.absent)
    decision.malformed = outcomes.contains(.malformed)
    decision.undecided = outcomes.contains(.unknown)
    decision.doomed = outcomes.contains(.doomed)
    guard !outcomes.isDisjoint(with: [.value, .doomed]) else { return decision }
    guard let test else {
      decision.holds = true
      return decision
    }
    for range in (hook.map { [$0] } ?? Hook.allCases).flatMap({ field.values(at: $0, family) }) {
      if test.leastHolding(in: range) != nil { decision.holds = true }
      if test.mayFail(in: range) { decision.fails = true }
    }
    return decision
  }

  /// Either result is possible.
  public func decideOpaque() -> Decision<Bool> {
    var decision = Decision(all: false)
    (decision.holds, decision.fails) = (true, true)
    return decision
  }

  /// The part cannot be decided.
  public func decide(_ reason: UnknownReason) -> Decision<Bool> {
    var decision = Decision(all: false)
    decision.undecided = true
    return decision
  }
}

/// What is known of a condition for all packets.
public enum Truth: Sendable, Hashable {
  /// Every packet meets it.
  case always
  /// No packet meets it.
  case never
  /// Unknown, or some packets meet it and some do not.
  case unknown
}

extension Condition {
  /// What is known of the condition for all packets.
  ///
  /// - Parameter hook: the hook of the packets; nil for any of the five.
  public func truth(at hook: Hook? = nil, _ family: Family) -> Truth {
    var algebra = AnyPacket(at: hook, family)
    let decision = decide(&algebra)
    if !decision.holds, !decision.undecided { return .never }
    let canMiss = decision.fails || decision.absent || decision.malformed || decision.undecided || decision.doomed
    return decision.holds && !canMiss ? .always : .unknown
  }
}
