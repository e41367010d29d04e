public import Diagnostics
import XTables

/// Finds jumps to a chain without rules.
public enum EmptyChainCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE003"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "empty-chain"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule jumps to an empty chain"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A packet returns from an empty chain at once, so the rule has no effect. After -j the packet continues at the next rule; after \
    -g it returns to the calling chain. If a program fills the chain at run time, suppress the finding.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n:web - [0:0]\n↓-A INPUT -p tcp -j web\nCOMMIT\n", says: ["chain `web' is empty: the rule has no effect"]),
    .good("*filter\n:web - [0:0]\n-A INPUT -p tcp -j web\n-A web -j RETURN\nCOMMIT\n"),
  ]

  /// Reports each rule that jumps to a user chain without rules. Skips chains named on unreadable lines.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.indices.filter { isEmpty(facts.table.chains[$0], context) }.flatMap { index in
        facts.callers[index].map { caller in
          let chain = facts.table.chains[index]
          return finding(
            "chain `\(chain.name)' is empty: the rule has no effect",
            at: facts.table.chains[caller.chain].rules[caller.rule].source,
            [Diagnostic.Note("the chain is declared here", at: chain.source)])
        }
      }
    }
  }

  private static func isEmpty(_ chain: Chain, _ context: LintContext) -> Bool {
    !chain.isBuiltin && chain.rules.isEmpty && !context.unreadWords.contains(chain.name)
  }
}
