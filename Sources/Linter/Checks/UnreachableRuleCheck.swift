import Analysis
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
  public static let title = "no packet can reach the rules after rules that end the chain for every packet"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule that matches every packet and has a final verdict (ACCEPT, DROP, RETURN, QUEUE, a goto, REJECT …) ends its chain, and so do several \
    rules that together match every packet: no packet reaches the rules after them. Often a rule was appended with -A but should have been \
    inserted with -I before the last rule. The kernel does not check rules after an unconditional verdict for errors.
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
    .bad(
      "*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT ! -p tcp -j DROP\n↓-A INPUT -p udp -j ACCEPT\nCOMMIT\n",
      says: ["no packet reaches this rule in chain `INPUT'"]),
    .good("*filter\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"),
  ]

  /// Reports, in each chain, the first rule that no packet gets to, whatever it matches.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.reachFindings(self) { finding, table in
      guard case .unreached(let behind) = finding.reason else { return nil }
      let subject = behind == 0 ? "this rule" : "this rule and the next \(behind == 1 ? "one" : "\(behind)")"
      return "no packet reaches \(subject) in chain `\(table.chains[finding.place.chain].name)'"
    }
  }
}
