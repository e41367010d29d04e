import Analysis
public import Diagnostics
import XTables

/// Finds rules whose own tests exclude each other.
public enum ContradictoryRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE019"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "contradictory-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule's tests exclude each other"
  /// The more specific checks; see ``Check/yieldsTo``.
  public static let yieldsTo: Set<String> = ["FE008", "FE010"]
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    No packet can meet all tests of the rule: a port below 20 and above 30, a flag that is set and not set. Most often one of the tests \
    was meant for another rule, or an inversion is missing. The rule never matches; correct it or remove it.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓-A INPUT -p tcp -m tcp --dport 22 -m multiport --dports 80,443 -j DROP\nCOMMIT\n",
      says: ["no packet can match this rule: its tests exclude each other"]),
    .bad(
      "*mangle\n↓-A INPUT -m mark --mark 0x1 -m mark --mark 0x2/0x2 -j DROP\nCOMMIT\n",
      says: ["no packet can match this rule: its tests exclude each other"]),
    .bad(
      "*filter\n↓-A INPUT -m conntrack --ctstate NEW -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["no packet can match this rule: its tests exclude each other"]),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 22:80 -m multiport --dports 80,443 -j DROP\nCOMMIT\n"),
  ]

  /// Reports each rule that no packet can match, at whatever hook.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, _ in
      finding.reason == .contradictory ? "no packet can match this rule: its tests exclude each other" : nil
    }
  }
}
