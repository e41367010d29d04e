import Analysis
import Compiler
import Conntrack
public import Diagnostics
import Netfilter
import XTables

/// Finds rules that no packet at their hooks can match.
public enum ImpossibleRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE020"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "impossible-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "no packet can match a rule where it stands"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Packets lack some properties at some hooks: in PREROUTING and INPUT there is no output interface, in OUTPUT no input interface, and the \
    nat table sees only packets that begin a connection. A rule that tests for such a property never matches there, and what it was meant \
    to allow or forbid is left to other rules. Test the other interface, or move the rule to a chain of another hook.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:in - [0:0]\n-A INPUT -j in\n↓-A in -o eth1 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["no packet can match this rule: chain `in' is entered from INPUT, where packets have no output interface"]),
    .bad(
      "*nat\n↓-A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["no packet in table nat can match this rule: only packets that begin a connection or a related one are passed to it"]),
    .good("*filter\n:in - [0:0]\n-A INPUT -j in\n-A FORWARD -j in\n-A in -o eth1 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each rule that some packet could match, but none at the hooks from which its chain is entered.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, table in
      finding.reason == .impossibleAtHooks ? message(finding.place, table, context) : nil
    }
  }

  private static func message(_ place: RulePosition, _ table: Table, _ context: LintContext) -> String {
    let chain = table.chains[place.chain]
    let header = table[place].header
    let facts = context.tables.first { $0.table.name == table.name }
    let reached = facts?.reach.hooks[place.chain] ?? []
    let hooks = chain.hook.map { [$0] } ?? (reached.isEmpty ? table.name.hookMask : reached).hooks
    let names = hooks.map(\.name).joined(separator: " and ")
    let place = chain.isBuiltin ? "in \(names)" : "chain `\(chain.name)' is entered from \(names), where"
    if !header.output.matchesAll, hooks.allSatisfy({ $0 == .prerouting || $0 == .input }) {
      return "no packet can match this rule: \(place) packets have no output interface"
    }
    if !header.input.matchesAll, hooks.allSatisfy({ $0 == .output }) {
      return "no packet can match this rule: \(place) packets have no input interface"
    }
    if table.name == .nat {
      return "no packet in table nat can match this rule: only packets that begin a connection or a related one are passed to it"
    }
    return "no packet can match this rule: \(place) packets do not have what it tests for"
  }
}
