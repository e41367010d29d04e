import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that accept everything.
public enum AcceptAllCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE073"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "accept-all"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule accepts everything from everyone"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The rule accepts packets to any port from any address, before or instead of the policy. All rules behind it, and a policy DROP, then \
    protect nothing. Often an interface is missing (-i lo, -i eth1), or a rule of a test was left.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n↓-A INPUT -j ACCEPT\nCOMMIT\n",
      says: ["everyone reaches every port: such as tcp 48123"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -i eth1 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs packets of three strangers to a port that no rule names.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.declared(.input) != nil, let (rule, witness) = probes.acceptingAll() else { return [] }
    return [proved("everyone reaches every port: such as tcp \(GuardedService.unusedPort)", at: rule.source, by: witness)]
  }
}
