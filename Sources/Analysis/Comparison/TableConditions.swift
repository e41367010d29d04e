import Wire
import XTables

/// The conditions of a table's rules, with names for chance. Most follow from the rule alone and are not kept.
struct TableConditions {
  /// The condition of a rule, the fields that stand for chance or state in it, and the condition of its header if there are any.
  typealias Named = (condition: Condition, chances: [Field], header: Condition)

  private let table: Table
  /// By chain and rule: the conditions, if they are not those of the rules alone.
  private let known: [[Condition]]?
  /// The conditions with names.
  private var named: [RulePosition: Named] = [:]
  /// Whether chance or state decides in some rule.
  var hasChance: Bool { !named.isEmpty }

  /// The conditions of a table.
  ///
  /// - Parameters:
  ///   - names: gives chance its names.
  ///   - tests: gets the tests of all conditions.
  init(_ table: Table, _ names: inout ChanceNames, _ tests: inout FieldTests) {
    (self.table, known) = (table, nil)
    name(&names, &tests) { $0 }
  }

  /// The same for the packets of a question.
  init(_ met: MetRules, _ names: inout ChanceNames, _ tests: inout FieldTests) {
    (table, known) = (met.table, met.conditions)
    name(&names, &tests) { met.packets.settling($0) }
  }

  private mutating func name(_ names: inout ChanceNames, _ tests: inout FieldTests, settling: (Condition) -> Condition) {
    for (chain, content) in table.chains.enumerated() {
      for (position, rule) in content.rules.enumerated() {
        tests.addWrites(of: rule)
        let condition = known?[chain][position] ?? rule.condition(table.family)
        let named = names.naming(condition, of: rule, in: content.name, table.name)
        tests.add(named.condition)
        guard !named.chances.isEmpty else { continue }
        let header = settling(rule.header.condition(table.family))
        self.named[RulePosition(chain: chain, rule: position)] = (named.condition, named.chances, header)
      }
    }
  }

  subscript(_ chain: Int, _ rule: Int) -> Named {
    if let known = named[RulePosition(chain: chain, rule: rule)] { return known }
    return (known?[chain][rule] ?? table.chains[chain].rules[rule].condition(table.family), [], .always)
  }
}
