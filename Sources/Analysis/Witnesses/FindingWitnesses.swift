import Evaluator
import XTables

/// Finds packets that show what is proved of rules of one table. Each is searched when it is asked for: a search takes longer than the proof.
public struct FindingWitnesses {
  private var reach: TableReach
  private let walker: TableWalker

  /// Nil if the table cannot be compiled.
  ///
  /// - Parameter reach: the analysis that found what is to be shown.
  public init?(_ reach: TableReach) {
    guard let program = try? TableProgram(reach.graph.table) else { return nil }
    self.reach = reach
    walker = TableWalker(program)
  }

  /// A packet that the rule's tests accept and that the blockers decide, as the evaluator shows; nil if none was found.
  public mutating func witness(of finding: RuleFinding) -> Witness? {
    let walker = walker
    return reach.passing { $0.witness(of: finding, walker) }
  }
}

extension TableReach {
  fileprivate mutating func witness(of finding: RuleFinding, _ walker: TableWalker) -> Witness? {
    let place = finding.place
    switch finding.reason {
    case .contradictory, .impossibleAtHooks, .rewritten: return nil
    case .unreached, .shadowed:
      let entering = space.intersection(entries[place.chain], sets(of: place).hit)
      return witness(of: entering, decidedBy: finding.blockers, insteadOf: place, walker)
    case .notLetIn: return witness(of: possible(place), decidedBy: finding.blockers, insteadOf: place, walker)
    case .redundant, .idleMatch:
      let condition = graph.table[place].condition(space.family)
      // Of a flat chain the packets that get to a rule are not known: one that gets there is looked for among those that match.
      let isFlat = flatChains[place.chain] != nil
      let packets = isFlat ? space.intersection(entries[place.chain], sets(of: place).hit) : hits[place.chain][place.rule]
      func find(whereHit isHit: Bool) -> Witness? {
        witness(of: packets, at: hooks[place.chain], in: walker) { context, walk in
          condition.outcome(&context) == .matched
            && (!isHit || walk.hits.contains { $0.chain == place.chain && $0.rule == place.rule })
        }
      }
      return find(whereHit: true) ?? find(whereHit: false)
    }
  }

  /// The greatest number of blockers of which a packet is searched.
  private static let blockersTried = 8

  /// A packet that meets the tests of a rule, and that one of the blockers decides.
  private mutating func witness(
    of packets: PacketSet, decidedBy blockers: [RulePosition], insteadOf place: RulePosition, _ walker: TableWalker
  ) -> Witness? {
    let condition = graph.table[place].condition(space.family)
    func find(_ set: PacketSet) -> Witness? {
      witness(of: set, at: hooks[place.chain], in: walker) { context, walk in
        guard condition.outcome(&context) == .matched else { return false }
        return walk.hits.contains { blockers.contains(RulePosition(chain: $0.chain, rule: $0.rule)) }
          && !walk.hits.contains { $0.chain == place.chain && $0.rule == place.rule }
      }
    }
    // Prefers a packet that gets to the first blocker, so that a differing verdict is shown.
    let first = blockers.prefix(Self.blockersTried)
    for blocker in first {
      if let found = find(hits(of: blocker, in: packets)) { return found }
    }
    for blocker in first {
      if let found = find(space.intersection(packets, sets(of: blocker).hit)) { return found }
    }
    return find(packets)
  }
}
