import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds hosts that do not hear that their packets are too big.
public enum BlockedICMPCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE078"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "blocked-icmp"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "ICMP messages that connections need are dropped"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Routers tell a sender with `fragmentation needed' that its packets are too big (RFC 1191). If the message is dropped, connections \
    hang as soon as they send much over a path with a smaller MTU. Accept RELATED packets, or ICMP of type 3.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n↓-A INPUT -p icmp -j DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["this rule drops `fragmentation needed' of this host's own connections"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p icmp -j DROP\nCOMMIT\n"
    ),
  ]

  /// Runs the message for a connection of this host.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.ruleset.family == .ipv4, let chain = probes.declared(.input), probes.servesOthers else {
      return []
    }
    guard let witness = probes.message(3, 4, state: ConntrackState.related), let walk = probes.walk(witness), walk.verdict == .drop else {
      return []
    }
    // Without any answers there are no connections either: another check says so.
    let answer = probes.arriving(
      .tcp, 41_234, from: witness.draft.fields.source, on: witness.draft.input ?? "", state: ConntrackState.established)
    guard probes.walk(answer)?.verdict == .accept else { return [] }
    let rule = walk.decidingRule(in: probes.ruleset)
    return [
      proved(
        "\(rule == nil ? "the policy of INPUT" : "this rule") drops `fragmentation needed' of this host's own connections",
        at: rule?.source ?? chain.source, by: witness)
    ]
  }
}
