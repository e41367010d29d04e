public import Diagnostics

/// Finds numbers that wrap when they are loaded.
public enum WrappedNumberCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE017"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "number-wraps"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a number is loaded as another one"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables keeps some numbers in fewer bits than it reads, without an error: `--sport 70000' of UDP becomes 4464, `--limit \
    4294967297/hour' becomes 1/hour, a counter that is negative becomes enormous. The rule then does something else than is written. \
    Write the number that is meant.
    """
  /// An error: the loaded rule tests another number than the file contains.
  public static let severity = Severity.error
  /// The parser reports it; this check adds its code and raises the severity.
  public static let adopts: Set<String> = ["number-wraps"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -p udp --sport ↓70000 -j DROP\nCOMMIT\n", says: ["`70000' is kept as 4464"]),
    .bad("*filter\n-A INPUT -m limit --limit ↓4294967297/hour -j ACCEPT\nCOMMIT\n", says: ["`4294967297/hour' is kept as 1"]),
    .bad("*filter\n-A INPUT -c ↓-1 0 -j ACCEPT\nCOMMIT\n", says: ["`-1' is kept as 18446744073709551615"]),
    .good("*filter\n-A INPUT -p udp --sport 4464 -j DROP\n-A INPUT -m limit --limit 1/hour -j ACCEPT\nCOMMIT\n"),
  ]
}
