public import Diagnostics
import Netfilter
import XTables

/// Finds rules that log without a limit.
public enum UnlimitedLogCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE077"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unlimited-log"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "every packet of a stranger writes a line to the log"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Without a limit, whoever sends packets fills the log and the disk, and hides among the lines; the kernel writes them while it \
    handles the packet. Add -m limit --limit 5/min, or -m hashlimit to count by source.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -j LOG --log-prefix \"drop: \"\nCOMMIT\n",
      says: ["nothing limits how often this rule writes to the log"]),
    .good("*filter\n:INPUT DROP [0:0]\n-A INPUT -m limit --limit 5/min -j LOG --log-prefix \"drop: \"\nCOMMIT\n"),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:log - [0:0]\n-A INPUT -m limit --limit 5/min -j log\n-A log -j LOG --log-prefix \"drop: \"\nCOMMIT\n"),
  ]

  /// Reports each such rule in chains to which packets come without a match with state or chance.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts -> [Diagnostic] in
      let table = facts.table
      let reach = facts.reach
      func isLimited(_ rule: Rule) -> Bool { !rule.condition(table.family).isDecidable }
      return table.chains.indices.flatMap { index -> [Diagnostic] in
        guard !reach.hooks[index].intersection([.input, .forward, .prerouting]).isEmpty else { return [] }
        let callers = facts.callers[index]
        let isCalledLimited =
          !callers.isEmpty && table.chains[index].hook == nil && callers.allSatisfy { isLimited(table.chains[$0.chain].rules[$0.rule]) }
        guard !isCalledLimited else { return [] }
        return table.chains[index].rules.filter { rule in
          guard case .use(let use) = rule.target, ["LOG", "NFLOG", "ULOG"].contains(use.descriptor.name) else { return false }
          return !isLimited(rule) && rule.header.input != InterfacePattern(ArraySlice("lo".utf8))
        }.map { finding("nothing limits how often this rule writes to the log", at: $0.source) }
      }
    }
  }
}
