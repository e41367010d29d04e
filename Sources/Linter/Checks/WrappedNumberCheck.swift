public import Diagnostics

/// A number that is loaded as another.
public enum WrappedNumberCheck: Check {
  public static let code = "FE017"
  public static let id = "number-wraps"
  public static let title = "a number is loaded as another one"
  public static let rationale = """
    iptables keeps some numbers in fewer bits than it reads, without an error: `--sport 70000' of UDP becomes 4464, `--limit \
    4294967297/hour' becomes 1/hour, a counter that is negative becomes enormous. The rule then does something else than is written. \
    Write the number that is meant.
    """
  public static let severity = Severity.error
  public static let adopts: Set<String> = ["number-wraps"]
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -p udp --sport ↓70000 -j DROP\nCOMMIT\n", says: ["`70000' is kept as 4464"]),
    .bad("*filter\n-A INPUT -m limit --limit ↓4294967297/hour -j ACCEPT\nCOMMIT\n", says: ["`4294967297/hour' is kept as 1"]),
    .bad("*filter\n-A INPUT -c ↓-1 0 -j ACCEPT\nCOMMIT\n", says: ["`-1' is kept as 18446744073709551615"]),
    .good("*filter\n-A INPUT -p udp --sport 4464 -j DROP\n-A INPUT -m limit --limit 1/hour -j ACCEPT\nCOMMIT\n"),
  ]
}
