import Wire
import XTables

extension IPAddress {
  /// Whether the address is one of a group, or of all hosts of a link.
  var isForMany: Bool { family == .ipv4 ? bits >> 28 == 0xe || bits == 0xffff_ffff : bits >> 120 == 0xff }
}

extension Ruleset {
  /// The ruleset for packets whose destination is an address of this host: a match that asks only for the type of the destination is decided.
  /// Nil if no rule asks for it.
  ///
  /// The places of all rules stay the same.
  var decidingDestinationsAsLocal: Ruleset? {
    var result = self
    var isChanged = false
    for table in result.tables.indices {
      for chain in result.tables[table].chains.indices {
        let rules = result.tables[table].chains[chain].rules
        for place in rules.indices {
          guard let decided = rules[place].decidingDestinationAsLocal(family) else { continue }
          isChanged = true
          result.tables[table].update(at: chain) { $0.rules[place] = decided }
        }
      }
    }
    return isChanged ? result : nil
  }
}

extension Rule {
  /// The rule without its matches for the type of the destination; without any effect if they exclude addresses of this host. Nil if it has
  /// no such match.
  fileprivate func decidingDestinationAsLocal(_ family: Family) -> Rule? {
    var rule = self
    var isFound = false
    rule.matches.removeAll { use in
      let condition = use.condition(family)
      guard !condition.fields.isEmpty, condition.fields.allSatisfy({ $0.name.hasPrefix("addrtype.dst") }) else { return false }
      isFound = true
      if !condition.holdsForLocal { rule.target = .none }
      return true
    }
    return isFound ? rule : nil
  }
}

extension Condition {
  /// Whether a condition on the type of an address holds for an address of this host.
  fileprivate var holdsForLocal: Bool {
    switch self {
    case .test(_, let test): test.holds(for: Condition.localType)
    case .not(let inner): !inner.holdsForLocal
    case .all(let parts): parts.allSatisfy(\.holdsForLocal)
    case .any(let parts): parts.contains(where: \.holdsForLocal)
    case .always, .has: true
    case .never, .opaque, .unknown: false
    }
  }

  /// `RTN_LOCAL`.
  private static let localType: UInt128 = 2
}
