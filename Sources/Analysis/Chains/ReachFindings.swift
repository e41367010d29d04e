import Evaluator
import Wire
public import XTables

extension TableReach {
  /// Everything that is proved of rules without effect, in the order of the chains and rules. Empty if the limit of nodes is reached.
  public mutating func findings() -> [RuleFinding] {
    guard let program = try? TableProgram(graph.table) else { return [] }
    let walker = TableWalker(program)
    var found: [RuleFinding] = []
    let later = LaterVerdicts(&self)
    for (index, chain) in graph.table.chains.enumerated() where isEntered(chain: index) {
      for position in chain.rules.indices {
        if space.isExhausted { return found }
        let place = RulePosition(chain: index, rule: position)
        if arriving[index][position].isEmpty {
          found.append(passing { $0.unreached(place, walker) })
          break
        }
        if hits[index][position].isEmpty {
          found.append(passing { $0.dead(place, walker) })
        } else if let finding = redundant(place, later, walker) {
          found.append(finding)
        }
      }
    }
    return space.isExhausted ? [] : found
  }

  /// The chains that some rule leads to, but no packet enters.
  public var unenteredChains: [Int] {
    graph.table.chains.indices.filter { chain in
      guard isAttached[chain], graph.table.chains[chain].hook == nil, entries[chain].isEmpty else { return false }
      return graph.steps.indices.contains { caller in
        isEntered(chain: caller)
          && graph.steps[caller].contains { step in
            switch step {
            case .jump(chain), .goto(chain): true
            default: false
            }
          }
      }
    }
  }

  /// Finds something of which no set is needed afterwards.
  private mutating func passing(_ find: (inout TableReach) -> RuleFinding) -> RuleFinding {
    space.diagram.beginPassing()
    defer { space.diagram.endPassing() }
    return find(&self)
  }

  private func rule(_ place: RulePosition) -> Rule { graph.table.chains[place.chain].rules[place.rule] }

  private mutating func unreached(_ place: RulePosition, _ walker: TableWalker) -> RuleFinding {
    let target = rule(place).target
    let table = graph.table
    let blockers = blockers(of: entries[place.chain], in: place.chain, 0..<place.rule) { table[$0].target != target }
    let packets = space.intersection(entries[place.chain], sets(of: place).hit)
    return RuleFinding(
      place: place, reason: .unreached(behind: table.chains[place.chain].rules.count - place.rule - 1), blockers: blockers,
      witness: witness(of: packets, decidedBy: blockers, insteadOf: place, walker))
  }

  private mutating func dead(_ place: RulePosition, _ walker: TableWalker) -> RuleFinding {
    let matched = sets(of: place).hit
    let target = rule(place).target
    let table = graph.table
    func finding(_ reason: RuleFinding.Reason, _ blockers: [RulePosition] = [], _ witness: Witness? = nil) -> RuleFinding {
      RuleFinding(place: place, reason: reason, blockers: blockers, witness: witness)
    }
    if matched.isEmpty { return finding(.contradictory) }
    var possible = PacketSet.none
    for hook in hooks[place.chain].hooks { possible = space.union(possible, packets(at: hook)) }
    possible = space.intersection(possible, matched)
    if possible.isEmpty { return finding(.impossibleAtHooks) }
    let entering = space.intersection(entries[place.chain], matched)
    if entering.isEmpty {
      let blockers = blockersOfCallers(of: matched, to: place.chain) { table[$0].target != target }
      return finding(.notLetIn, blockers, witness(of: possible, decidedBy: blockers, insteadOf: place, walker))
    }
    let takers = takers[place] ?? Array(0..<place.rule)
    let blockers = blockers(of: entering, in: place.chain, takers) { table[$0].target != target }
    if blockers.isEmpty { return finding(.rewritten, writers(before: place)) }
    return finding(.shadowed, blockers, witness(of: entering, decidedBy: blockers, insteadOf: place, walker))
  }

  /// The rules before a rule of its chain that may change a field that it tests.
  private func writers(before place: RulePosition) -> [RulePosition] {
    let fields = rule(place).condition(space.family).fields
    return (0..<place.rule).filter { position in
      var writes = FieldWrites()
      if let own = graph.writes[place.chain][position] { writes.formUnion(FieldWrites(own.byMatches + own.byTarget)) }
      switch graph.steps[place.chain][position] {
      case .jump(let callee), .goto(let callee): writes.formUnion(graph.chainWrites[callee])
      case .ends, .returns, .proceeds: break
      }
      return fields.contains { writes.changes($0) }
    }.map { RulePosition(chain: place.chain, rule: $0) }
  }

  private mutating func redundant(_ place: RulePosition, _ later: LaterVerdicts, _ walker: TableWalker) -> RuleFinding? {
    // Of a flat chain the packets that get the verdicts of later rules are not known.
    if flatChains[place.chain] != nil { return nil }
    let rule = rule(place)
    let same: PacketSet
    switch rule.target {
    case .verdict(.accept): same = later.accepted[place.chain][place.rule + 1]
    case .verdict(.drop): same = later.dropped[place.chain][place.rule + 1]
    default: return nil
    }
    let hit = hits[place.chain][place.rule]
    guard !same.isEmpty, space.isSubset(hit, of: same), graph.writes[place.chain][place.rule] == nil else { return nil }
    let isDecided = rule.isDecided(space.family)
    // A list or table that other rules may ask for is changed by the match.
    guard isDecided || rule.matches.allSatisfy({ $0.descriptor.objects($0.payload).isEmpty }) else { return nil }
    let table = graph.table
    let dead = hits
    let blockers = blockers(of: hit, in: place.chain, (place.rule + 1)..<table.chains[place.chain].rules.count) {
      !dead[$0.chain][$0.rule].isEmpty
    }
    // A rule that only this one keeps from matching is reported itself.
    guard !blockers.isEmpty, blockers.allSatisfy({ !hits[$0.chain][$0.rule].isEmpty }) else { return nil }
    let witness = witness(of: hit, at: hooks[place.chain], in: walker) { context, _ in
      rule.condition(context.family).outcome(&context) == .matched
    }
    return RuleFinding(place: place, reason: isDecided ? .redundant : .idleMatch, blockers: blockers, witness: witness)
  }

  /// The greatest number of blockers of which a packet is searched.
  private static let blockersTried = 8

  /// A packet that meets the tests of a rule, and that one of the blockers decides.
  private mutating func witness(
    of packets: PacketSet, decidedBy blockers: [RulePosition], insteadOf place: RulePosition, _ walker: TableWalker
  ) -> Witness? {
    let condition = rule(place).condition(space.family)
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

extension Table {
  /// The rule at a place.
  public subscript(place: RulePosition) -> Rule { chains[place.chain].rules[place.rule] }
}
