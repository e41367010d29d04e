public import Diagnostics
import XTables

/// Finds user chains that no packet can reach.
public enum UnreferencedChainCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE002"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unreferenced-chain"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "no packet can reach a chain"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    If no rule jumps to a chain, the rules of the chain have no effect. Often the jump was deleted by mistake, and with it the \
    protection that these rules gave. The same is true for a chain to which only unreachable chains jump. If a program adds the jump \
    at run time, suppress the finding.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n:↓web - [0:0]\n-A INPUT -j ACCEPT\n-A web -j DROP\nCOMMIT\n", says: ["no rule jumps to chain `web'"]),
    .bad(
      "*filter\n:↓a - [0:0]\n:↓b - [0:0]\n-A a -j b\n-A b -j DROP\nCOMMIT\n",
      says: ["no rule jumps to chain `a'", "only chains that no packet reaches jump to chain `b'"]),
    .good("*filter\n:web - [0:0]\n-A INPUT -j web\n-A web -j DROP\nCOMMIT\n"),
  ]

  /// Reports each user chain that no sequence of jumps from a built-in chain reaches. Skips chains named on unreadable lines.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      let reached = reachable(facts)
      return facts.table.chains.indices.filter {
        !reached[$0] && !context.unreadWords.contains(facts.table.chains[$0].name)
      }.map { index in
        let chain = facts.table.chains[index]
        let message =
          facts.callers[index].isEmpty
          ? "no rule jumps to chain `\(chain.name)'" : "only chains that no packet reaches jump to chain `\(chain.name)'"
        return finding(message, at: chain.source)
      }
    }
  }

  /// The chains reachable from the built-in chains along every jump, including jumps after a final verdict, which another check reports.
  private static func reachable(_ facts: TableFacts) -> [Bool] {
    let table = facts.table
    var reached = table.chains.map(\.isBuiltin)
    var open = table.chains.indices.filter { reached[$0] }
    while let index = open.popLast() {
      for rule in table.chains[index].rules {
        guard let next = rule.target.chain.flatMap({ table.index(of: $0) }), !reached[next] else { continue }
        reached[next] = true
        open.append(next)
      }
    }
    return reached
  }
}
