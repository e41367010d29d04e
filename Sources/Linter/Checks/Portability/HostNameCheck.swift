public import Diagnostics
import XTables

/// Finds names of hosts in rules.
public enum HostNameCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE093"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "host-name"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule names a host instead of an address"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables-restore asks the resolver when the rule is loaded: at boot, often before the network is up, so that the whole file is \
    refused. The loaded rule keeps the addresses of that moment, also when the name gets others, and whoever controls the name controls \
    the rule. Write addresses, or fill an ipset from a script.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -s ↓www.example.com -j ACCEPT\nCOMMIT\n", says: ["host/network `www.example.com' not found"]),
    .good("*filter\n-A INPUT -s 192.0.2.7/32 -j ACCEPT\nCOMMIT\n"),
  ]

  /// The parser reports both; this check only adds its code.
  public static let adopts: Set<String> = ["unresolved-host", "resolved-host"]
}
