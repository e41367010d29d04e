/// An interpretation of conditions: for one packet, for any packet, or for sets of packets in some representation.
///
/// ``Condition/decide(_:)`` combines the parts of a condition. The algebra decides one test of a field, and defines what a set of
/// packets is: a bit for one packet, a bit for "some packet is possible", a decision diagram, a list of boxes.
public protocol ConditionAlgebra {
  /// A set of packets.
  associatedtype Packets
  /// The empty set.
  var none: Packets { get }
  /// The set of all packets.
  var all: Packets { get }
  /// Whether a set is known to be empty. Parts after one that no packet passes are not decided.
  func isNone(_ packets: Packets) -> Bool
  /// The packets in both sets.
  mutating func intersection(_ left: Packets, _ right: Packets) -> Packets
  /// The packets in either set.
  mutating func union(_ left: Packets, _ right: Packets) -> Packets
  /// The packets for which a test of a field holds and fails. Nil stands for the test that the field exists; it never fails.
  mutating func decide(_ field: Field, _ test: ValueTest?) -> Decision<Packets>
  /// The packets for which a match with state or chance may hold and may fail.
  mutating func decideOpaque() -> Decision<Packets>
  /// The packets for which a part cannot be decided.
  mutating func decide(_ reason: UnknownReason) -> Decision<Packets>
}

/// The results of a condition, or of a part of it, as sets of packets.
public struct Decision<Packets> {
  /// The condition holds.
  public var holds: Packets
  /// The condition fails; its negation holds.
  public var fails: Packets
  /// A field does not exist: the match fails, inverted or not.
  public var absent: Packets
  /// A header is truncated: the match drops the packet.
  public var malformed: Packets
  /// The condition cannot be decided.
  public var undecided: Packets
  /// Those of the packets above that are dropped after the rule; see ``FieldValue/doomed(_:)``.
  public var doomed: Packets

  /// Creates a decision from its sets.
  @inlinable
  public init(holds: Packets, fails: Packets, absent: Packets, malformed: Packets, undecided: Packets, doomed: Packets) {
    self.holds = holds
    self.fails = fails
    self.absent = absent
    self.malformed = malformed
    self.undecided = undecided
    self.doomed = doomed
  }

  /// Creates a decision in which all sets are the same.
  @inlinable
  public init(all packets: Packets) {
    self.init(holds: packets, fails: packets, absent: packets, malformed: packets, undecided: packets, doomed: packets)
  }
}

extension Condition {
  /// Decides the condition in an algebra. This defines the meaning of a condition; ``MatchProgram`` computes the same faster.
  ///
  /// Inlined into the module of the algebra: without that each operation of the algebra is called indirectly, and its value is copied.
  @inlinable
  public func decide<Algebra: ConditionAlgebra>(_ algebra: inout Algebra) -> Decision<Algebra.Packets> {
    requirement().decide(&algebra)
  }
}

extension Requirement {
  /// Decides the requirement in an algebra, from left to right.
  @inlinable
  public func decide<Algebra: ConditionAlgebra>(_ algebra: inout Algebra) -> Decision<Algebra.Packets> {
    switch self {
    case .settled(let holds):
      var decision = Decision(all: algebra.none)
      if holds { decision.holds = algebra.all } else { decision.fails = algebra.all }
      return decision
    case .test(let field, let test, let wanted):
      var decision = algebra.decide(field, test)
      if !wanted { swap(&decision.holds, &decision.fails) }
      return decision
    case .every(let parts): return Self.chain(parts, goesOnWhereHolding: true, &algebra)
    case .either(let parts): return Self.chain(parts, goesOnWhereHolding: false, &algebra)
    case .opaque: return algebra.decideOpaque()
    case .unknown(let reason): return algebra.decide(reason)
    }
  }

  /// The results of parts that are tried from left to right. They are combined from the last to the first, so that each intersection is
  /// with one part, not with all parts before.
  @inlinable
  static func chain<Algebra: ConditionAlgebra>(
    _ parts: [Requirement], goesOnWhereHolding isEvery: Bool, _ algebra: inout Algebra
  ) -> Decision<Algebra.Packets> {
    var decisions: [Decision<Algebra.Packets>] = []
    for part in parts {
      let decision = part.decide(&algebra)
      decisions.append(decision)
      if algebra.isNone(isEvery ? decision.holds : decision.fails) { break }
    }
    var result = Decision(all: algebra.none)
    if isEvery { result.holds = algebra.all } else { result.fails = algebra.all }
    for decision in decisions.reversed() {
      let passing = isEvery ? decision.holds : decision.fails
      // The results of the later parts for the packets that pass this one, besides its own.
      func behind(_ own: Algebra.Packets, _ later: Algebra.Packets) -> Algebra.Packets {
        algebra.isNone(later) ? own : algebra.union(own, algebra.intersection(passing, later))
      }
      result = Decision(
        holds: behind(isEvery ? algebra.none : decision.holds, result.holds),
        fails: behind(isEvery ? decision.fails : algebra.none, result.fails),
        absent: behind(decision.absent, result.absent),
        malformed: behind(decision.malformed, result.malformed),
        undecided: behind(decision.undecided, result.undecided),
        doomed: behind(decision.doomed, result.doomed))
    }
    return result
  }
}
