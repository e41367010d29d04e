public import Diagnostics
import XTables

/// Finds rules that need the counters of connections.
public enum ConnbytesAccountingCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE043"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "connbytes-accounting"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "connections that exist already are not counted"
  /// The group under which it is listed.
  public static let group = CheckGroup.kernel
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    -m connbytes reads counters that a connection has only if net.netfilter.nf_conntrack_acct was 1 when it began. The match turns the \
    setting on when the rule is loaded, so older connections count as 0 bytes, and after a restart the setting is off until the rule is \
    loaded. Set it in /etc/sysctl.d.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A FORWARD -m connbytes ↓--connbytes 10000000 --connbytes-mode bytes --connbytes-dir both -j DROP\nCOMMIT\n",
      says: ["connections that began before this rule is loaded have no counters without net.netfilter.nf_conntrack_acct=1"]),
    .good("*filter\n-A FORWARD -m length --length 1000:1500 -j DROP\nCOMMIT\n"),
  ]

  /// Reports each `--connbytes`.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: ["--connbytes"]).map { option in
      finding(
        "connections that began before this rule is loaded have no counters without net.netfilter.nf_conntrack_acct=1", at: option.range)
    }
  }
}
