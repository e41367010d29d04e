import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that trust loopback addresses on every interface.
public enum LoopbackSourceCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE075"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "loopback-source"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets are accepted because of a source address of this host"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule accepts packets from 127.0.0.0/8 or ::1 on every interface. Who sends them from outside is only stopped by the kernel's \
    routing, which route_localnet turns off. Test the interface instead: -i lo.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -s 127.0.0.1/32 -j ACCEPT\nCOMMIT\n",
      says: ["packets from 127.0.0.1 are accepted on every interface: write -i lo"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs a packet with such a source on an outer interface.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.declared(.input) != nil, let input = probes.external.first,
      let local = IPAddress(probes.ruleset.family == .ipv4 ? "127.0.0.1" : "::1")
    else { return [] }
    let witness = probes.arriving(.tcp, GuardedService.unusedPort, from: local, on: input)
    guard let walk = probes.walk(witness), walk.verdict == .accept, let rule = walk.filterRule(in: probes.ruleset),
      rule.header.source.mask != 0
    else { return [] }
    return [proved("packets from \(local) are accepted on every interface: write -i lo", at: rule.source, by: witness)]
  }
}
