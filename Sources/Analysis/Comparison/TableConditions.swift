import Wire
import XTables

/// The conditions of a table's rules, with names for chance. Most follow from the rule alone and are not kept.
struct TableConditions {
  /// The condition of a rule, and the fields that stand for chance or state in it.
  typealias Named = (condition: Condition, chances: [Field])

  private let table: Table
  /// Where the condition is not that of the rule alone.
  private var special: [RulePosition: Named] = [:]
  /// Whether chance or state decides in some rule.
  private(set) var hasChance = false

  /// - Parameters:
  ///   - names: gives chance its names.
  ///   - tests: gets the tests of all conditions.
  ///   - resolve: what is known of a condition besides the rule, as on a host; nil if nothing is.
  init(_ table: Table, _ names: inout ChanceNames, _ tests: inout FieldTests, resolve: ((Condition) -> Condition?)? = nil) {
    self.table = table
    for (chain, content) in table.chains.enumerated() {
      for (position, rule) in content.rules.enumerated() {
        tests.add(rule)
        let named = names.condition(of: rule, in: content.name, table.name, table.family)
        let resolved = resolve?(named.condition)
        guard resolved != nil || !named.chances.isEmpty else { continue }
        if !named.chances.isEmpty { hasChance = true }
        tests.add(resolved ?? named.condition)
        special[RulePosition(chain: chain, rule: position)] = (resolved ?? named.condition, named.chances)
      }
    }
  }

  subscript(_ chain: Int, _ rule: Int) -> Named {
    special[RulePosition(chain: chain, rule: rule)] ?? (table.chains[chain].rules[rule].condition(table.family), [])
  }
}
