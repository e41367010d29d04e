public import Diagnostics
import Wire
import XTables

/// Finds rules after a rule that always ends the chain.
public enum UnreachableRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE005"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unreachable-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "no packet can reach the rules after an unconditional verdict"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule that matches every packet and has a final verdict (ACCEPT, DROP, RETURN, QUEUE, a goto, REJECT …) ends its chain: no packet \
    reaches the rules after it. Often a rule was appended with -A but should have been inserted with -I before the last rule. The \
    kernel does not check unreachable rules for errors.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -j DROP\n↓-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n",
      says: ["no packet reaches this rule and the next one in chain `INPUT'"]),
    .bad(
      "*filter\n-A INPUT -m comment --comment \"the end\" -j DROP\n↓-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
      says: ["no packet reaches this rule in chain `INPUT'"]),
    .bad(
      "*nat\n-A PREROUTING -j NETMAP --to 192.0.2.0/24\n↓-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1\nCOMMIT\n",
      says: ["no packet reaches this rule in chain `PREROUTING'"]),
    .bad(
      "*filter\n-A INPUT -m mark --mark 0x0/0x0 -j DROP\n↓-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
      says: ["no packet reaches this rule in chain `INPUT'"]),
    .good("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"),
  ]

  /// Reports, in each chain, the first rule after one that always ends the chain.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.compactMap { chain in
        guard let last = chain.rules.firstIndex(where: { ends($0, facts.table.family) }), last + 1 < chain.rules.count else {
          return nil
        }
        let count = chain.rules.count - last - 1
        let subject = count == 1 ? "this rule" : "this rule and the next \(count == 2 ? "one" : "\(count - 1)")"
        return finding(
          "no packet reaches \(subject) in chain `\(chain.name)'", at: chain.rules[last + 1].source,
          [Diagnostic.Note("this rule matches every packet and ends the chain", at: chain.rules[last].source)])
      }
    }
  }

  /// True if every packet that reaches the rule leaves the chain there.
  static func ends(_ rule: Rule, _ family: Family) -> Bool {
    // A header with any test excludes packets; no need to evaluate it.
    rule.target.ending == .always && rule.header.parts(family).isEmpty && rule.condition(family).truth(family) == .always
  }
}
