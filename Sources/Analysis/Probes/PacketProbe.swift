public import Netfilter
public import Wire
public import XTables

/// Runs single packets through the tables of a ruleset, which are compiled once.
///
/// The corresponding kernel function is `ipt_do_table` at each hook on the way to the packet's hook, and at those behind it.
public struct PacketProbe: Sendable {
  private let programs: RulesetPrograms
  private let family: Family

  /// Compiles the tables; nil if that is not possible, such as with a loop of chains.
  public init?(_ ruleset: Ruleset) {
    guard let programs = RulesetPrograms(ruleset) else { return nil }
    self.programs = programs
    family = ruleset.family
  }

  /// What the tables do with a packet; nil if it cannot be built.
  public func walk(_ witness: Witness) -> RulesetWalk? { programs.walk(witness) }

  /// The packet with as few facts stated besides it as it needs to go a way; nil if it goes it with none.
  public func shown(_ witness: Witness, where goes: (RulesetWalk) -> Bool) -> Witness? {
    witness.statements.first { stated in programs.walk(stated).map { $0.verdict != .unknown && goes($0) } ?? false }
  }

  /// What the tables do with a packet, with as few facts stated besides it as the verdict needs; nil if none decides it.
  public func decidedWalk(_ witness: Witness) -> RulesetWalk? {
    witness.statements.lazy.compactMap { programs.walk($0) }.first { $0.verdict != .unknown }
  }
}

extension Condition {
  /// A packet for which a condition holds at a hook, as ordinary as the condition allows; nil if none is found.
  public func witness(_ family: Family, at hook: Hook) -> Witness? {
    var space = space(family)
    guard !space.isExhausted else { return nil }
    let decision = decide(&space)
    return space.witness(of: decision.holds, at: hook)
  }

  /// Whether it is proved that the condition holds for no packet at a hook. False also where nothing is proved.
  public func isImpossible(_ family: Family, at hook: Hook) -> Bool {
    var space = space(family)
    let decision = decide(&space)
    let packets = space.intersection(space.union(decision.holds, decision.undecided), space.packets(at: hook))
    return packets.isEmpty && !space.isExhausted
  }

  private func space(_ family: Family) -> PacketSpace {
    var tests = FieldTests(family)
    tests.add(self)
    return PacketSpace(tests, limit: 1 << 16)
  }
}
