public import Diagnostics

/// Finds numbers that wrap when they are loaded.
public enum WrappedNumberCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE017"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "number-wraps"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a number is out of range and is loaded as another number"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables stores some numbers in fewer bits than it reads, without an error: `--sport 70000' for UDP becomes 4464, `--limit \
    4294967297/hour' becomes 1/hour, a negative counter becomes a very large one. The loaded rule then differs from the written \
    rule. Write a number in the valid range.
    """
  /// An error: the loaded rule tests another number than the file contains.
  public static let severity = Severity.error
  /// The parser reports it; this check adds its code and raises the severity.
  public static let adopts: Set<String> = ["number-wraps"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -p udp --sport ↓70000 -j DROP\nCOMMIT\n", says: ["`70000' is loaded as 4464"]),
    .bad("*filter\n-A INPUT -m limit --limit ↓4294967297/hour -j ACCEPT\nCOMMIT\n", says: ["`4294967297/hour' is loaded as 1"]),
    .bad("*filter\n-A INPUT -c ↓-1 0 -j ACCEPT\nCOMMIT\n", says: ["`-1' is loaded as 18446744073709551615"]),
    .bad(
      "*filter\n-A INPUT -m statistic --mode random --probability ↓nan -j ACCEPT\nCOMMIT\n", says: ["`nan' is loaded as 0"]),
    .good("*filter\n-A INPUT -p udp --sport 4464 -j DROP\n-A INPUT -m limit --limit 1/hour -j ACCEPT\nCOMMIT\n"),
  ]
}
