import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rulesets that lock their administrators out.
public enum LockoutCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE081"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "lockout"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the networks of the administrators cannot reach SSH"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    .ferrule.yml names networks from which this host is administered (management), and the rules drop their connections to port 22. Who \
    loads these rules over SSH from there cannot come back. Add a rule for these networks before those that drop.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["connections to port 22 from the management network 198.51.100.0/24 are dropped here"], given: [.management("198.51.100.0/24")]
    ),
    .good(
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs a packet from each of the networks to port 22, on every interface that rules name.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let chain = probes.declared(.input) else { return [] }
    return context.settings.management.filter { $0.address.family == probes.ruleset.family }.compactMap { network in
      let hosts = network.prefix < (network.address.family == .ipv4 ? 31 : 127) ? network.address.bits | 1 : network.address.bits
      let source = IPAddress(family: network.address.family, bits: hosts)
      var first: (Witness, RulesetWalk)?
      for input in probes.external + Interfaces.names(in: probes.ruleset).filter({ $0 != "lo" }).prefix(16) {
        for address in probes.own {
          let witness = probes.arriving(.tcp, 22, from: source, to: address, on: input)
          guard let walk = probes.walk(witness), walk.verdict == .drop else { return nil }
          first = first ?? (witness, walk)
        }
      }
      guard let (witness, walk) = first else { return nil }
      let rule = walk.decidingRule(in: probes.ruleset)
      return proved(
        "connections to port 22 from the management network \(network.address)/\(network.prefix) are dropped here",
        at: rule?.source ?? chain.source, by: witness)
    }
  }
}
