import Analysis
public import Diagnostics
import XTables

/// Finds rules without which every packet would get the same verdict.
public enum RedundantRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE022"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "redundant-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "other rules do the same with all packets of a rule"
  /// The severity of its diagnostics; see ``Check/severity``.
  public static let severity = Severity.note
  /// The more specific checks; see ``Check/yieldsTo``.
  public static let yieldsTo: Set<String> = ["FE007"]
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Every packet that the rule matches gets the same from other rules: from earlier ones, so that the rule never sees it, or from later ones \
    in the same chain. The rule can be removed without effect, unless it stands there for its counters or for speed. Often it is what is \
    left of a narrower rule that was widened elsewhere. In a chain of more than 1,000 rules later rules are searched with a limit of work: that \
    nothing is reported proves nothing there.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -j DROP\n↓-A INPUT -p tcp -m tcp --tcp-flags SYN,FIN SYN,FIN -j DROP\nCOMMIT\n",
      says: ["no packet reaches this rule: line 2 (DROP) takes all that it matches"]),
    .bad(
      "*filter\n↓-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
      says: ["line 3 (ACCEPT) does the same with all packets that this rule matches"]),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -j LOG\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each rule that matches no packet because of rules with the same target, and each that later rules make superfluous.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, table in
      guard !finding.isDecidedOtherwise(in: table) else { return nil }
      guard finding.reason == .redundant else { return ShadowedRuleCheck.message(finding, table, context) }
      let verb = finding.blockers.count == 1 ? "does" : "do"
      return "\(context.names(of: finding.blockers, in: table)) \(verb) the same with all packets that this rule matches"
    }
  }
}
