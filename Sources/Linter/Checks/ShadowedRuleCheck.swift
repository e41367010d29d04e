import Analysis
public import Diagnostics
import XTables

/// Finds rules whose packets earlier rules treat otherwise.
public enum ShadowedRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE021"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "shadowed-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "earlier rules take all packets of a rule, and do something else"
  /// The more specific checks; see ``Check/yieldsTo``.
  public static let yieldsTo: Set<String> = ["FE007"]
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Every packet that the rule matches is decided by earlier rules, at least one of which has another target: the rule never has the effect \
    that was wanted. One rule may do that, or several together, in the chain itself or on the way to it. Move the rule before them, or make \
    them narrower. The proof is exact over all tests of the rules; where it would take too much memory, nothing is reported.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -j ACCEPT\n↓-A INPUT -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n",
      says: ["no packet reaches this rule: line 2 (ACCEPT) takes all that it matches"]),
    .bad(
      "*filter\n-A INPUT -s 10.0.0.0/9 -j ACCEPT\n-A INPUT -s 10.128.0.0/9 -j ACCEPT\n↓-A INPUT -s 10.0.0.0/8 -p udp -j DROP\nCOMMIT\n",
      says: ["no packet reaches this rule: line 2 (ACCEPT) and line 3 (ACCEPT) take all that it matches"]),
    .bad(
      "*filter\n:lan - [0:0]\n-A INPUT -i eth0 -j ACCEPT\n-A INPUT -j lan\n↓-A lan -i eth0 -p tcp -j DROP\n-A lan -p tcp -j DROP\nCOMMIT\n",
      says: ["no packet that this rule matches enters chain `lan': line 3 (ACCEPT) keeps them out"]),
    .bad(
      "*mangle\n-A PREROUTING -p tcp -m tcp --dport 443 -j NFQUEUE --queue-num 100\n↓-A PREROUTING -p tcp -m tcp --dport 443 -m mark --mark 0x2 -j CONNMARK --save-mark\nCOMMIT\n",
      says: ["no packet reaches this rule: line 2 (NFQUEUE) takes all that it matches"]),
    .bad(
      "*mangle\n-A INPUT -j MARK --set-mark 0x1\n↓-A INPUT -m mark --mark 0x2 -j DROP\nCOMMIT\n",
      says: ["no packet matches this rule: line 2 (MARK) changes what it tests for"]),
    .bad(
      "*filter\n:a - [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j NFQUEUE --queue-num 1 --queue-bypass\n-A INPUT -p tcp -m tcp --dport 2222 -g a\n↓-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT\n-A a -s 192.168.0.0/16 -j ACCEPT\nCOMMIT\n",
      says: ["no packet reaches this rule: line 4 (a) takes all that it matches"]),
    .good("*filter\n-A INPUT -p tcp -m limit --limit 1/sec -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n"),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each rule that matches no packet because of rules of which one has another target.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, table in
      finding.isDecidedOtherwise(in: table) ? message(finding, table, context) : nil
    }
  }

  /// The message for a rule whose packets other rules take; nil for other findings.
  static func message(_ finding: RuleFinding, _ table: Table, _ context: LintContext) -> String? {
    let names = context.names(of: finding.blockers, in: table)
    let verb = finding.blockers.count == 1 ? "takes" : "take"
    switch finding.reason {
    case .rewritten: return "no packet matches this rule: \(names) \(finding.blockers.count == 1 ? "changes" : "change") what it tests for"
    case .shadowed: return "no packet reaches this rule: \(names) \(verb) all that it matches"
    case .notLetIn:
      let chain = table.chains[finding.place.chain].name
      return "no packet that this rule matches enters chain `\(chain)'"
        + (finding.blockers.isEmpty ? "" : ": \(names) \(finding.blockers.count == 1 ? "keeps" : "keep") them out")
    default: return nil
    }
  }
}
