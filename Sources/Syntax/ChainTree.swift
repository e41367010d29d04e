import Conntrack
import Diagnostics
import Wire
public import XTables

/// A table drawn as a tree: each built-in chain with its rules, and under a rule the chain it leads to, drawn out where it
/// first comes.
public struct ChainTree: Sendable {
  public let table: Table
  public let printer: RulePrinter
  /// Shows what each rule has counted.
  public let counters: Bool

  public init(_ table: Table, printer: RulePrinter, counters: Bool = false) {
    self.table = table
    self.printer = printer
    self.counters = counters
  }

  /// The drawing, a newline after each line.
  public var text: String {
    var lines = ["\(table.name.rawValue)\(table.family == .ipv6 ? " (IPv6)" : "")"]
    var drawn = [Bool](repeating: false, count: table.chains.count)
    for index in table.chains.indices where table.chains[index].isBuiltin { draw(index, &drawn, &lines) }
    let rest = table.chains.indices.filter { !drawn[$0] }
    if !rest.isEmpty { lines.append("chains that no rule above leads to") }
    for index in rest where !drawn[index] { draw(index, &drawn, &lines) }
    return lines.map { $0 + "\n" }.joined()
  }

  private struct Level {
    let chain: Int
    var next = 0
    let prefix: String
  }

  /// One chain and all that is first reached from it. Chains may nest as deep as there are chains: no recursion.
  private func draw(_ start: Int, _ drawn: inout [Bool], _ lines: inout [String]) {
    lines.append(headline(table.chains[start]))
    drawn[start] = true
    var levels = [Level(chain: start, prefix: "  ")]
    while let level = levels.last {
      let rules = table.chains[level.chain].rules
      guard level.next < rules.count else {
        levels.removeLast()
        continue
      }
      levels[levels.count - 1].next += 1
      let isLast = level.next + 1 == rules.count
      let rule = rules[level.next]
      var line = level.prefix + (isLast ? "└─ " : "├─ ") + "\(level.next + 1) " + text(of: rule)
      if let target = rule.target.chain.flatMap({ table.index(of: $0) }) {
        let prefix = level.prefix + (isLast ? "   " : "│  ")
        if table.chains[target].rules.isEmpty {
          line += "  (empty)"
        } else if drawn[target] {
          line += "  (shown above)"
        } else {
          drawn[target] = true
          levels.append(Level(chain: target, prefix: prefix))
        }
      }
      lines.append(line)
    }
  }

  private func headline(_ chain: Chain) -> String {
    var notes: [String] = []
    if let policy = chain.policy { notes.append("policy \(policy.rawValue)") }
    if counters, chain.isBuiltin { notes.append("\(chain.counters.packets) packets, \(chain.counters.bytes) bytes") }
    if chain.rules.isEmpty { notes.append("no rules") }
    return chain.name + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
  }

  private func text(of rule: Rule) -> String {
    let count = counters ? "[\(rule.counters.packets):\(rule.counters.bytes)] " : ""
    return count + printer.words(rule)
  }
}

extension RulePrinter {
  /// The rule as one reads it: without its command, and `(every packet)` where nothing is said.
  public func words(_ rule: Rule) -> String {
    var text = RuleText(names: names)
    print(rule, to: &text)
    return text.bytes.isEmpty ? "(every packet)" : text.string
  }
}
