import Conntrack
import Diagnostics
import Wire
public import XTables

/// Draws a table as a tree: each built-in chain with its rules, and below a jump the rules of the chain it leads to. A chain is
/// drawn where it is first reached.
public struct ChainTree: Sendable {
  /// The table to draw.
  public let table: Table
  /// Prints the rules.
  public let printer: RulePrinter
  /// Whether the drawing shows the packet and byte counters of each rule.
  public let counters: Bool

  /// Creates a drawing of `table`; ``text`` has its lines.
  public init(_ table: Table, printer: RulePrinter, counters: Bool = false) {
    self.table = table
    self.printer = printer
    self.counters = counters
  }

  /// The deepest level that is drawn in place. Deeper chains are drawn separately, below: the drawing would be wider than any
  /// screen, and its size grows with the square of the depth.
  public static let deepest = 24

  /// The drawing. A newline ends each line, and control characters are escaped.
  public var text: String {
    var drawing = Drawing(table)
    drawing.lines.append("\(table.name.rawValue)\(table.family == .ipv6 ? " (IPv6)" : "")")
    for index in table.chains.indices where table.chains[index].isBuiltin { draw(index, &drawing) }
    drawPostponed(&drawing)
    let rest = table.chains.indices.filter { drawing.states[$0] == .new }
    if !rest.isEmpty { drawing.lines.append("chains to which no rule above jumps") }
    for index in rest where drawing.states[index] == .new {
      draw(index, &drawing)
      drawPostponed(&drawing)
    }
    return drawing.lines.map { Escaping.line($0) + "\n" }.joined()
  }

  private struct Drawing {
    enum State { case new, postponed, drawn }

    var states: [State]
    var postponed: [Int] = []
    var lines: [String] = []

    init(_ table: Table) { states = [State](repeating: .new, count: table.chains.count) }
  }

  private func drawPostponed(_ drawing: inout Drawing) {
    var next = 0
    while next < drawing.postponed.count {
      draw(drawing.postponed[next], &drawing)
      next += 1
    }
    drawing.postponed = []
  }

  private struct Level {
    let chain: Int
    var next = 0
    let prefix: String
  }

  /// Draws one chain and all chains that are first reached from it. No recursion, because chains may be nested as deep as there are
  /// chains.
  private func draw(_ start: Int, _ drawing: inout Drawing) {
    drawing.lines.append(headline(table.chains[start]))
    drawing.states[start] = .drawn
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
        line += enter(target, level.prefix + (isLast ? "   " : "│  "), &levels, &drawing)
      }
      drawing.lines.append(line)
    }
  }

  /// Enters a chain, or returns the reason why it is not drawn here.
  private func enter(_ target: Int, _ prefix: String, _ levels: inout [Level], _ drawing: inout Drawing) -> String {
    if table.chains[target].rules.isEmpty {
      drawing.states[target] = .drawn
      return "  (empty)"
    }
    switch drawing.states[target] {
    case .drawn: return "  (shown above)"
    case .postponed: return "  (shown below)"
    case .new where levels.count >= Self.deepest:
      drawing.states[target] = .postponed
      drawing.postponed.append(target)
      return "  (shown below)"
    case .new:
      drawing.states[target] = .drawn
      levels.append(Level(chain: target, prefix: prefix))
      return ""
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
  /// The rule for a reader: without its command, and `(every packet)` for a rule without matches and target.
  public func words(_ rule: Rule) -> String {
    var text = RuleText(names: names)
    print(rule, to: &text)
    return text.bytes.isEmpty ? "(every packet)" : text.string
  }
}
