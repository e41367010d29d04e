import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds hosts that drop neighbour discovery or `packet too big`.
public enum BlockedICMPv6Check: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE079"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "blocked-icmpv6"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "ICMPv6 messages without which IPv6 does not work are dropped"
  /// The group under which it is listed.
  public static let group = CheckGroup.safety
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Neighbour discovery is what ARP is for IPv4: without neighbour solicitations and advertisements (types 135 and 136) nobody on the \
    link reaches this host. `Packet too big' (type 2) is needed because routers do not fragment (RFC 4890). Accept -p ipv6-icmp, or at \
    least these types.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["the policy of INPUT drops neighbour solicitations: IPv6 does not work"], .ipv6),
    .bad(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT\n↓-A INPUT -p ipv6-icmp -j DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["this rule drops `packet too big' of this host's own connections"], .ipv6),
    .good(
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n",
      .ipv6),
  ]

  private static let discovery: [(type: UInt8, name: String)] = [(135, "neighbour solicitations"), (136, "neighbour advertisements")]

  /// Runs the messages of neighbours and routers.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, probes.ruleset.family == .ipv6, let chain = probes.declared(.input), probes.servesOthers else {
      return []
    }
    var found: [Diagnostic] = []
    var seen: Set<SourceRange> = []
    func report(_ witness: Witness?, _ words: String) {
      guard let witness, let walk = probes.walk(witness), walk.verdict == .drop else { return }
      let rule = walk.decidingRule(in: probes.ruleset)
      guard let place = rule?.source ?? chain.source, seen.insert(place).inserted else { return }
      found.append(proved("\(rule == nil ? "the policy of INPUT" : "this rule") drops \(words)", at: place, by: witness))
    }
    for (type, name) in discovery { report(probes.message(type, 0, state: nil), "\(name): IPv6 does not work") }
    report(probes.message(2, 0, state: ConntrackState.related), "`packet too big' of this host's own connections")
    // The cause is named already where rules are for the ICMP of the other family.
    let isForeign = probes.ruleset[table: .filter]?.chains.contains {
      $0.rules.contains { $0.header.protocolNumber == 1 && $0.header.isProtocolGiven }
    }
    return isForeign == true ? [] : found
  }
}
