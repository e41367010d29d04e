public import Conntrack
public import Wire

/// Decides conditions for one packet, by reading it.
public struct OnePacket: ConditionAlgebra {
  /// The packet. Reading changes nothing of it; see ``Field/read(_:)``.
  public var context: PacketContext
  /// What a match with memory or chance is taken to say: asking it would change what it remembers.
  private let opaqueHolds: Bool
  /// Why the last part that could not be decided could not.
  public private(set) var reason: UnknownReason?

  public init(_ context: PacketContext, opaqueHolds: Bool = true) {
    self.context = context
    self.opaqueHolds = opaqueHolds
  }

  public var none: Bool { false }
  public var all: Bool { true }
  public func isNone(_ packets: Bool) -> Bool { !packets }
  public func intersection(_ left: Bool, _ right: Bool) -> Bool { left && right }
  public func union(_ left: Bool, _ right: Bool) -> Bool { left || right }

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

  public func decideOpaque() -> Decision<Bool> {
    var decision = Decision(all: false)
    (decision.holds, decision.fails) = (opaqueHolds, !opaqueHolds)
    return decision
  }

  public mutating func decide(_ reason: UnknownReason) -> Decision<Bool> {
    self.reason = reason
    var decision = Decision(all: false)
    decision.undecided = true
    return decision
  }

  /// What a match says that comes to a decision.
  public func outcome(_ decision: Decision<Bool>) -> MatchOutcome {
    if decision.undecided, let reason { return .unknown(reason) }
    if decision.malformed { return .hotdrop }
    if decision.holds { return .matched }
    return decision.doomed ? .hotdrop : .mismatched
  }
}

extension Condition {
  /// What the condition says of a packet. Parts with memory or chance count as holding: asking them would change them.
  public func outcome(_ packet: inout PacketContext) -> MatchOutcome {
    var algebra = OnePacket(packet)
    let decision = decide(&algebra)
    let outcome = algebra.outcome(decision)
    packet.packet.type = algebra.context.packet.type
    return outcome
  }
}

/// Decides what conditions may say of packets of which only the family and perhaps the hook is known: a set is whether some packet may
/// be in it. Tests are taken to be independent of each other, so that more is held possible than is.
public struct AnyPacket: ConditionAlgebra {
  private let hook: Hook?
  private let family: Family

  /// - Parameter hook: where the packets stand; nil for any of the five.
  public init(at hook: Hook?, _ family: Family) {
    self.hook = hook
    self.family = family
  }

  public var none: Bool { false }
  public var all: Bool { true }
  public func isNone(_ packets: Bool) -> Bool { !packets }
  public func intersection(_ left: Bool, _ right: Bool) -> Bool { left && right }
  public func union(_ left: Bool, _ right: Bool) -> Bool { left || right }

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

  public func decideOpaque() -> Decision<Bool> {
    var decision = Decision(all: false)
    (decision.holds, decision.fails) = (true, true)
    return decision
  }

  public func decide(_ reason: UnknownReason) -> Decision<Bool> {
    var decision = Decision(all: false)
    decision.undecided = true
    return decision
  }
}

/// What is known of a condition before any packet is seen.
public enum Truth: Sendable, Hashable {
  /// Every packet meets it.
  case always
  /// No packet does.
  case never
  /// It is not known, or some do and some do not.
  case unknown
}

extension Condition {
  /// What is known of the condition before any packet is seen.
  ///
  /// - Parameter hook: where the packets stand; nil for any of the five.
  public func truth(at hook: Hook? = nil, _ family: Family) -> Truth {
    var algebra = AnyPacket(at: hook, family)
    let decision = decide(&algebra)
    if !decision.holds, !decision.undecided { return .never }
    let canMiss = decision.fails || decision.absent || decision.malformed || decision.undecided || decision.doomed
    return decision.holds && !canMiss ? .always : .unknown
  }
}
