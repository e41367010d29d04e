import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds policies that accept.
public enum DefaultPolicyCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE070"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "default-policy"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets that no rule matches are accepted"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The policy of INPUT or FORWARD is ACCEPT, and no rule at the end drops the rest. So everything is open that no rule names, also \
    services that are installed later. Set the policy to DROP, after rules for what is needed: loopback, established connections, and \
    the services.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 2375 -j DROP\nCOMMIT\n",
      says: ["INPUT accepts what no rule matches, such as tcp to port 48123 from any address"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
    ),
    .good("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"),
  ]

  /// Runs packets of strangers to a port that no rule names.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let stranger = HostProbes.strangers(probes.ruleset.family).first else { return [] }
    return [Hook.input, .forward].compactMap { hook in
      guard let chain = probes.declared(hook), chain.policy == .accept, let input = probes.external.first else { return nil }
      var witness = probes.arriving(.tcp, GuardedService.unusedPort, from: stranger, on: input)
      if hook == .forward {
        witness = Witness(draft: witness.draft, hook: .forward, state: nil)
        witness.draft.output = input == "eth1" ? "eth2" : "eth1"
      }
      guard let walk = probes.walk(witness), walk.verdict == .accept, walk.filterRule(in: probes.ruleset) == nil else { return nil }
      return proved(
        "\(hook.name) accepts what no rule matches, such as tcp to port \(GuardedService.unusedPort) from any address", at: chain.source,
        by: witness)
    }
  }
}
