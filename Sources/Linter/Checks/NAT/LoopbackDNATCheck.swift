import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds translations to 127.0.0.0/8 in PREROUTING.
public enum LoopbackDNATCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE064"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "loopback-dnat"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets from outside are sent to an address of the loopback network"
  /// The group under which it is listed.
  public static let group = CheckGroup.nat
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The kernel drops packets from another host to 127.0.0.0/8, also if the destination was translated, unless \
    net.ipv4.conf.INTERFACE.route_localnet is 1; with 1, services that listen on 127.0.0.1 only are reachable by neighbours. Let the \
    service listen on another address, or use REDIRECT.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*nat\n↓-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:8080\nCOMMIT\n",
      says: ["the kernel drops packets from eth0 to 127.0.0.1 unless route_localnet is 1"]),
    .good("*nat\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"),
    .good("*nat\n-A OUTPUT -p tcp -m tcp --dport 80 -m owner ! --uid-owner 13 -j DNAT --to-destination 127.0.0.1:8080\nCOMMIT\n"),
  ]

  /// Reports each rule of PREROUTING with such a new destination.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let nat = probes.ruleset[table: .nat] else { return [] }
    return Translations(nat, at: .prerouting).all.compactMap { translation in
      guard let address = translation.address, address.family == .ipv4, address.bits >> 24 == 127,
        let input = translation.witness.draft.input, input != "lo"
      else { return nil }
      return proved(
        "the kernel drops packets from \(input) to \(address) unless route_localnet is 1", at: translation.rule.source,
        by: translation.witness)
    }
  }
}
