import Analysis
public import Diagnostics
import XTables

/// Finds matches with state or chance that exclude no packet, because the next rules do the same.
public enum IdleMatchCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE024"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "idle-match"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a limit excludes nothing"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Packets beyond the limit, or those that chance does not select, proceed to later rules, and these give them the same verdict. So the \
    match changes nothing. A limit works only if what exceeds it is treated otherwise: drop it in the next rule, or let the policy do so and \
    remove the rule that accepts the rest.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["the match limit excludes no packet: line 4 (ACCEPT) does the same with those that it leaves"]),
    .good(
      "*filter\n-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n"),
  ]

  /// Reports each rule that only chance or state lets packets pass to later rules with the same verdict.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, table in
      guard finding.reason == .idleMatch else { return nil }
      let rule = table[finding.place]
      let names = rule.matches.filter { !$0.condition(table.family).isDecidable }.map(\.descriptor.name)
      let subject = names.count == 1 ? "the match \(names[0]) excludes" : "the matches \(names.joined(separator: " and ")) exclude"
      let verb = finding.blockers.count == 1 ? "does" : "do"
      return "\(subject) no packet: \(context.names(of: finding.blockers, in: table)) \(verb) the same with those that it leaves"
    }
  }
}
