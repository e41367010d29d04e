import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds hosts that cannot reach themselves.
public enum LoopbackBlockedCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE074"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "loopback-blocked"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "connections of this host to itself are dropped"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Programs of one host speak to each other over lo: resolvers, databases, mail. Without -A INPUT -i lo -j ACCEPT at the beginning they \
    wait until a timeout.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["the policy of INPUT drops connections over lo"]),
    .bad(
      "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n↓-A INPUT -j DROP\nCOMMIT\n",
      says: ["this rule drops connections over lo"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs packets over lo to ports that no rule names. A chain without rules is not remarked: it blocks everything on purpose.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let chain = probes.declared(.input), probes.servesOthers,
      let local = IPAddress(probes.ruleset.family == .ipv4 ? "127.0.0.1" : "::1")
    else { return [] }
    let witness = probes.arriving(.tcp, GuardedService.unusedPort, from: local, to: local, on: "lo")
    guard let walk = probes.walk(witness), walk.verdict == .drop else { return [] }
    let rule = walk.decidingRule(in: probes.ruleset)
    return [
      proved(
        rule == nil ? "the policy of INPUT drops connections over lo" : "this rule drops connections over lo",
        at: rule?.source ?? chain.source,
        by: witness)
    ]
  }
}
