import Diagnostics
import Extensions
import Kernel
import Syntax
import SystemNames
import Wire
import XTables

/// What will still name the ipsets that a change is to delete: the kernel keeps such a set.
struct SetUses {
  /// Rules of one family as iptables-save text.
  struct Rules {
    let backend: Backend
    let family: Family
    let text: String
  }

  /// Why each set stays: `rule 2 of INPUT in the iptables table nat names it`.
  private(set) var reasons: [String: String] = [:]

  /// - Parameter rules: all rules as they will be.
  init(of change: SetChange?, in rules: [Rules]) {
    guard let change else { return }
    let deleted = AddressSets()
    for step in change.steps where step.after == nil { if let set = step.before { _ = deleted.add(set) } }
    guard !deleted.all.isEmpty else { return }
    for list in change.lists { noteMembers(of: list, deleted) }
    let names = deleted.names(over: .offline)
    for rules in rules where deleted.all.contains(where: { rules.text.contains($0.name) }) {
      let parser = RulesetParser(registry: .installed, names: names, family: rules.family, isForReading: true)
      let variant = rules.backend == .nft ? "" : " of \(rules.backend.rawValue)"
      for table in parser.parse(SourceFile(name: "", bytes: Array(rules.text.utf8))).ruleset.tables {
        for chain in table.chains {
          for (place, rule) in chain.rules.enumerated() {
            for case .needsSet(let number) in rule.objectUses {
              guard let set = deleted[number] else { continue }
              note(
                set.name,
                "rule \(place + 1) of \(chain.name) in the \(rules.family.command) table \(table.name.rawValue)\(variant) names it")
            }
          }
        }
      }
    }
    for list in deleted.all where reasons[list.name] != nil { noteMembers(of: list, deleted) }
  }

  private mutating func noteMembers(of list: AddressSet, _ deleted: AddressSets) {
    for name in list.memberNames where deleted[name] != nil { note(name, "the list:set \(list.name) names it") }
  }

  private mutating func note(_ name: String, _ reason: String) { if reasons[name] == nil { reasons[name] = reason } }
}
