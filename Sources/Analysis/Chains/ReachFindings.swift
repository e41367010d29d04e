import Netfilter
import Wire
public import XTables

extension TableReach {
  /// Everything that is proved of rules without effect, in the order of the chains and rules. Empty if the limit of nodes is reached.
  public mutating func findings() -> [RuleFinding] {
    var found: [RuleFinding] = []
    let later = LaterVerdicts(&self)
    for (index, chain) in graph.table.chains.enumerated() where isEntered(chain: index) {
      for position in chain.rules.indices {
        if space.isExhausted { return found }
        let place = RulePosition(chain: index, rule: position)
        if arriving[index][position].isEmpty {
          found.append(passing { $0.unreached(place) })
          break
        }
        if hits[index][position].isEmpty {
          found.append(passing { $0.dead(place) })
        } else if let finding = redundant(place, later) {
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
  mutating func passing<Found>(_ find: (inout TableReach) -> Found) -> Found {
    space.diagram.beginPassing()
    defer { space.diagram.endPassing() }
    return find(&self)
  }

  private func rule(_ place: RulePosition) -> Rule { graph.table[place] }

  private mutating func unreached(_ place: RulePosition) -> RuleFinding {
    let target = rule(place).target
    let table = graph.table
    let blockers = blockers(of: entries[place.chain], in: place.chain, 0..<place.rule) { table[$0].target != target }
    return RuleFinding(
      place: place, reason: .unreached(behind: table.chains[place.chain].rules.count - place.rule - 1), blockers: blockers)
  }

  /// The packets at the hooks of a rule's chain that the rule matches.
  mutating func possible(_ place: RulePosition) -> PacketSet {
    var possible = PacketSet.none
    for hook in hooks[place.chain].hooks { possible = space.union(possible, packets(at: hook)) }
    return space.intersection(possible, sets(of: place).hit)
  }

  /// Whether no packet at any hook is in a set: its values exclude each other, such as two states of a connection.
  private mutating func isNowhere(_ packets: PacketSet) -> Bool {
    Hook.allCases.allSatisfy { space.intersection(space.packets(at: $0), packets).isEmpty }
  }

  private mutating func dead(_ place: RulePosition) -> RuleFinding {
    // That one rule takes all packets was proved when it was found.
    if let takers = takers[place], takers.count == 1 {
      return RuleFinding(place: place, reason: .shadowed, blockers: [RulePosition(chain: place.chain, rule: takers[0])])
    }
    let matched = sets(of: place).hit
    let target = rule(place).target
    let table = graph.table
    func finding(_ reason: RuleFinding.Reason, _ blockers: [RulePosition] = []) -> RuleFinding {
      RuleFinding(place: place, reason: reason, blockers: blockers)
    }
    if matched.isEmpty { return finding(.contradictory) }
    let entering = space.intersection(entries[place.chain], matched)
    if entering.isEmpty {
      if possible(place).isEmpty { return finding(isNowhere(matched) ? .contradictory : .impossibleAtHooks) }
      let blockers = blockersOfCallers(of: matched, to: place.chain) { table[$0].target != target }
      return finding(.notLetIn, blockers)
    }
    let takers = takers[place] ?? Array(0..<place.rule)
    let blockers = blockers(of: entering, in: place.chain, takers) { table[$0].target != target }
    if blockers.isEmpty { return finding(.rewritten, writers(before: place)) }
    return finding(.shadowed, blockers)
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

  private mutating func redundant(_ place: RulePosition, _ later: LaterVerdicts) -> RuleFinding? {
    guard graph.writes[place.chain][place.rule] == nil else { return nil }
    let rule = graph.table[place]
    let isDecided = rule.isDecided(space.family)
    // A list or table that other rules may ask for is changed by the match.
    guard isDecided || rule.matches.allSatisfy({ $0.descriptor.objects($0.payload).isEmpty }) else { return nil }
    return passing { reach in
      guard let (packets, rules) = reach.successors(of: place, later) else { return nil }
      let dead = reach.hits
      let blockers = reach.blockers(of: packets, in: place.chain, rules) { !dead[$0.chain][$0.rule].isEmpty }
      // A rule that only this one keeps from matching is reported itself.
      guard !blockers.isEmpty, blockers.allSatisfy({ !dead[$0.chain][$0.rule].isEmpty }) else { return nil }
      return RuleFinding(place: place, reason: isDecided ? .redundant : .idleMatch, blockers: blockers)
    }
  }

  /// The packets of a rule, if later rules of its chain give all of them the verdict that it gives them, and rules among which are all of these.
  private mutating func successors(of place: RulePosition, _ later: LaterVerdicts) -> (packets: PacketSet, rules: [Int])? {
    if let found = flatChains[place.chain]?.successors(of: place.rule, entries[place.chain], &space) { return found }
    if flatChains[place.chain] != nil { return nil }
    let same: PacketSet
    switch graph.table[place].target {
    case .verdict(.accept): same = later.accepted[place.chain][place.rule + 1]
    case .verdict(.drop): same = later.dropped[place.chain][place.rule + 1]
    default: return nil
    }
    let hit = hits[place.chain][place.rule]
    guard !same.isEmpty, space.isSubset(hit, of: same) else { return nil }
    return (hit, Array((place.rule + 1)..<graph.table.chains[place.chain].rules.count))
  }
}

extension Table {
  /// The rule at a place.
  public subscript(place: RulePosition) -> Rule { chains[place.chain].rules[place.rule] }
}
