import Wire
import XTables

/// The packets that certainly get a verdict from the rest of a chain, without any effect before it.
struct LaterVerdicts {
  /// By chain and rule: the packets that ACCEPT gets if they are at the rule. One more than there are rules.
  let accepted: [[PacketSet]]
  /// The same for DROP.
  let dropped: [[PacketSet]]

  init(_ reach: inout TableReach) {
    let chains = reach.graph.table.chains.count
    var accepted = [[PacketSet]](repeating: [], count: chains)
    var dropped = accepted
    for chain in reach.graph.order.reversed() {
      if reach.flatChains[chain] != nil { continue }
      accepted[chain] = Self.backwards(chain, .accept, accepted, &reach)
      dropped[chain] = Self.backwards(chain, .drop, dropped, &reach)
    }
    self.accepted = accepted
    self.dropped = dropped
  }

  private static func backwards(
    _ chain: Int, _ wanted: StandardVerdict, _ known: [[PacketSet]], _ reach: inout TableReach
  ) -> [PacketSet] {
    let rules = reach.graph.table.chains[chain].rules
    var result = [PacketSet](repeating: .none, count: rules.count + 1)
    for position in rules.indices.reversed() {
      let set = reach.sets(of: RulePosition(chain: chain, rule: position))
      let next = result[position + 1]
      var matched: PacketSet
      switch rules[position].target {
      case .verdict(wanted): matched = .all
      case .verdict, .none, .use: matched = .none
      case .jump, .goto:
        switch reach.graph.steps[chain][position] {
        case .jump(let callee), .goto(let callee): matched = known[callee].first ?? .none
        case .ends, .returns, .proceeds: matched = .none
        }
      }
      // Chance and state are changed by asking for them: packets that may do so are left out.
      if !rules[position].isDecided(reach.space.family) {
        let header = rules[position].header.condition(reach.space.family).decide(&reach.space)
        result[position] = reach.space.intersection(header.fails, next)
        continue
      }
      if next.isEmpty, matched.isEmpty { continue }
      if reach.graph.writes[chain][position]?.byMatches.isEmpty == false { continue }
      matched = reach.space.intersection(set.hit, matched)
      result[position] = reach.space.union(matched, reach.space.intersection(set.miss, next))
    }
    return result
  }
}

extension Rule {
  /// Whether packet and context alone decide which packets the rule matches, and do so at any time.
  func isDecided(_ family: Family) -> Bool {
    matches.allSatisfy { $0.condition(family).isDecided }
  }
}

extension Condition {
  /// Whether packet and context alone decide the condition, and do so at any time.
  var isDecided: Bool {
    switch self {
    case .always, .never: true
    case .test(let field, _), .has(let field): field.isSteady
    case .not(let inner): inner.isDecided
    case .all(let parts), .any(let parts): parts.allSatisfy(\.isDecided)
    case .opaque, .unknown: false
    }
  }
}
