import Compiler
public import Diagnostics
import XTables

/// Finds loops of chains.
public enum LoopCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE004"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.kernel
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "chain-loop"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the jumps between chains form a loop"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The kernel refuses a table with a loop that a packet can reach (ELOOP); iptables-restore then only reports that the line with \
    COMMIT failed. The kernel accepts a loop that no packet can reach. This is a warning, because the kernel will refuse the table as \
    soon as a rule jumps into the loop.
    """
  /// The validator reports loops that a packet can reach; the kernel refuses those.
  public static let adopts: Set<String> = ["chain-loop"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n↓-A b -j a\nCOMMIT\n",
      says: ["the jumps between chains form a loop: a → b → a"]),
    .bad("*filter\n:a - [0:0]\n↓-A a -j a\nCOMMIT\n", says: ["the jumps between chains form a loop that no packet reaches: a → a"]),
    .good("*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A INPUT -j b\n-A a -j b\n-A b -j DROP\nCOMMIT\n"),
  ]

  /// Reports loops that no packet reaches, in tables without a reachable loop.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.reach.loop == nil ? circles(facts) : []
    }
  }

  /// The jumps that close a loop, by depth-first search from every chain not yet visited.
  private static func circles(_ facts: TableFacts) -> [Diagnostic] {
    let table = facts.table
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: table.chains.count)
    // The position of each open chain on the stack.
    var depths = [Int](repeating: 0, count: table.chains.count)
    var found: [Diagnostic] = []
    for start in table.chains.indices where states[start] == .new {
      var stack = [(chain: start, next: 0)]
      states[start] = .open
      depths[start] = 0
      while let top = stack.last {
        let rules = table.chains[top.chain].rules
        guard top.next < rules.count else {
          states[top.chain] = .done
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        guard let next = rules[top.next].target.chain.flatMap({ table.index(of: $0) }) else { continue }
        switch states[next] {
        case .new:
          states[next] = .open
          depths[next] = stack.count
          stack.append((next, 0))
        case .open:
          found.append(
            finding(
              "the jumps between chains form a loop that no packet reaches: \(circle(stack[depths[next]...].lazy.map(\.chain), table))",
              at: rules[top.next].source))
        case .done: break
        }
      }
    }
    return found
  }

  /// The loop as `a → b → a`; a long loop is shortened to its ends.
  private static func circle(_ chains: some BidirectionalCollection<Int>, _ table: Table) -> String {
    let count = chains.count
    var shown = chains.prefix(count <= 8 ? count : 4).map { table.chains[$0].name }
    if count > 8 { shown += ["… \(count - 6) more …"] + chains.suffix(2).map { table.chains[$0].name } }
    return (shown + shown.prefix(1)).joined(separator: " → ")
  }
}
