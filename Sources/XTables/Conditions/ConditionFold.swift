/// How a condition is decided: for one packet, for any packet, or for sets of packets in some form.
///
/// ``Condition/decide(_:)`` says how parts make up a whole. What one test of a field comes to, and what a set of packets is, the
/// algebra says: one bit for a packet that is there, one for "some packet may be", a decision diagram, a list of boxes.
public protocol ConditionAlgebra {
  /// A set of packets.
  associatedtype Packets
  var none: Packets { get }
  var all: Packets { get }
  /// Whether a set is known to be empty. What follows a part that lets nothing on is not asked.
  func isNone(_ packets: Packets) -> Bool
  mutating func intersection(_ left: Packets, _ right: Packets) -> Packets
  mutating func union(_ left: Packets, _ right: Packets) -> Packets
  /// For which packets a test of a field holds. Without a test it holds where the field is there, and fails nowhere.
  mutating func decide(_ field: Field, _ test: ValueTest?) -> Decision<Packets>
  /// For which packets a match with memory or chance may hold, and for which it may fail.
  mutating func decideOpaque() -> Decision<Packets>
  /// The same for a part that nothing here can decide.
  mutating func decide(_ reason: UnknownReason) -> Decision<Packets>
}

/// What becomes of packets that a condition, or a part of it, is asked about.
public struct Decision<Packets> {
  /// It holds.
  public var holds: Packets
  /// It does not; a negation would.
  public var fails: Packets
  /// A field is not there: the match fails, inverted or not.
  public var absent: Packets
  /// A header is cut short: the match drops the packet.
  public var malformed: Packets
  /// It cannot be decided.
  public var undecided: Packets
  /// Of the packets above, those that are dropped once the rule has had its way with them; see ``FieldValue/doomed(_:)``.
  public var doomed: Packets

  public init(holds: Packets, fails: Packets, absent: Packets, malformed: Packets, undecided: Packets, doomed: Packets) {
    self.holds = holds
    self.fails = fails
    self.absent = absent
    self.malformed = malformed
    self.undecided = undecided
    self.doomed = doomed
  }

  /// All sets are the same one.
  public init(all packets: Packets) {
    self.init(holds: packets, fails: packets, absent: packets, malformed: packets, undecided: packets, doomed: packets)
  }
}

extension Condition {
  /// Decides the condition in an algebra. This is the meaning of a condition; ``MatchProgram`` is the same, made fast.
  public func decide<Algebra: ConditionAlgebra>(_ algebra: inout Algebra) -> Decision<Algebra.Packets> {
    requirement().decide(&algebra)
  }
}

extension Requirement {
  /// Decides the requirement in an algebra, from left to right.
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

  private static func chain<Algebra: ConditionAlgebra>(
    _ parts: [Requirement], goesOnWhereHolding isEvery: Bool, _ algebra: inout Algebra
  ) -> Decision<Algebra.Packets> {
    var result = Decision(all: algebra.none)
    // Those about which the parts so far have not decided.
    var rest = algebra.all
    for part in parts where !algebra.isNone(rest) {
      let decision = part.decide(&algebra)
      func add(_ packets: Algebra.Packets, to path: WritableKeyPath<Decision<Algebra.Packets>, Algebra.Packets>) {
        result[keyPath: path] = algebra.union(result[keyPath: path], algebra.intersection(rest, packets))
      }
      add(isEvery ? decision.fails : decision.holds, to: isEvery ? \.fails : \.holds)
      add(decision.absent, to: \.absent)
      add(decision.malformed, to: \.malformed)
      add(decision.undecided, to: \.undecided)
      add(decision.doomed, to: \.doomed)
      rest = algebra.intersection(rest, isEvery ? decision.holds : decision.fails)
    }
    if isEvery { result.holds = rest } else { result.fails = rest }
    return result
  }
}
