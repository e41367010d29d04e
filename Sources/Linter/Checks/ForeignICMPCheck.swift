public import Diagnostics
import Wire
import XTables

/// Finds rules for the ICMP of the other family.
public enum ForeignICMPCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE025"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "foreign-icmp"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule is for the ICMP of the other IP version"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    ICMP and ICMPv6 are different protocols with the numbers 1 and 58. Hosts send ICMP only in IPv4 and ICMPv6 only in IPv6, so a rule for \
    the other one matches nothing that they send. IPv6 without ICMPv6 does not work: neighbours are not found, and packets that are too big \
    are lost. Most often the rules were copied from the other family.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -p icmp -j ACCEPT\nCOMMIT\n",
      says: ["no host sends icmp in IPv6: the protocol is ipv6-icmp"], .ipv6),
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n",
      says: ["no host sends ipv6-icmp in IPv4: the protocol is icmp"]),
    .bad(
      "*filter\n:INPUT ACCEPT [0:0]\n↓-A INPUT -p icmp -j DROP\nCOMMIT\n",
      says: ["no host sends icmp in IPv6: the protocol is ipv6-icmp"], .ipv6),
    .good("*filter\n:INPUT DROP [0:0]\n-A INPUT -p ipv6-icmp -j ACCEPT\n-A INPUT -p icmp -j DROP\nCOMMIT\n", .ipv6),
    .good("*filter\n:INPUT DROP [0:0]\n-A INPUT -p icmp -j DROP\n-A INPUT ! -p ipv6-icmp -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each rule that accepts, or jumps for, only the other protocol. A rule that drops it does what it is meant to do, unless it
  /// drops ICMP in an IPv6 table that has no rule for ICMPv6: that one was meant.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      let isFour = facts.table.family == .ipv4
      let foreign: UInt8 = isFour ? 58 : 1
      let rules = facts.table.chains.flatMap(\.rules)
      let namesOwn = rules.contains { $0.header.protocolNumber == (isFour ? 1 : 58) }
      return rules.filter { rule in
        rule.header.protocolNumber == foreign && (isFour || rule.header.isProtocolGiven) && !rule.header.inverted.contains(.protocol)
          && (rule.target != .verdict(.drop) || !isFour && !namesOwn)
      }.map { rule in
        let names = isFour ? ("ipv6-icmp in IPv4", "icmp") : ("icmp in IPv6", "ipv6-icmp")
        return finding("no host sends \(names.0): the protocol is \(names.1)", at: rule.source)
      }
    }
  }
}
