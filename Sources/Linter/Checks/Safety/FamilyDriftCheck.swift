import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rulesets of IPv6 that are wider than those of IPv4.
public enum FamilyDriftCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE080"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "family-drift"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "IPv6 is open where IPv4 is closed"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Both families reach the same services. What the IPv4 rules drop, and the IPv6 rules accept, is open to everyone with IPv6. Give both \
    rulesets the same rules. The check needs both files on one command line.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\nCOMMIT\n",
      says: ["IPv6 accepts tcp 48123, tcp 22, tcp 80 and 35 other ports from any address, which IPv4 drops"], .ipv6,
      given: [.otherFamily("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n")]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n",
      .ipv6),
  ]

  /// Runs packets of strangers through the rules of both families.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.ruleset.family == .ipv6, let chain = probes.declared(.input), let other = probes.counterpart,
      let four = HostProbes(other, context.settings, nil), four.declared(.input) != nil
    else { return [] }
    var first: HostProbes.Opening?
    var ports: [String] = []
    let asked =
      [(IPProtocol.tcp, GuardedService.unusedPort), (.tcp, 22), (.tcp, 80), (.tcp, 443)] + GuardedService.all.map { ($0.proto, $0.port) }
    for (proto, port) in asked {
      guard let opening = probes.opening(proto, port), four.opening(proto, port) == nil else { continue }
      first = first ?? opening
      ports.append("\(proto == .tcp ? "tcp" : "udp") \(port)")
    }
    guard let first else { return [] }
    let names = ports.prefix(3).joined(separator: ", ") + (ports.count > 3 ? " and \(ports.count - 3) other ports" : "")
    return [
      proved(
        "IPv6 accepts \(names) from any address, which IPv4 drops", at: first.rule(in: probes.ruleset)?.source ?? chain.source,
        by: first.witness)
    ]
  }
}
