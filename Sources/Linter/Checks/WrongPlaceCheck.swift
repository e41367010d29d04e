public import Diagnostics

/// A match or target stands where the kernel does not take it.
public enum WrongPlaceCheck: Check {
  public static let code = "FE006"
  public static let id = "wrong-place"
  public static let title = "a match or target in a table, hook or protocol where the kernel refuses it"
  public static let severity = Severity.error
  public static let rationale = """
    Extensions name the tables, hooks and protocols in which they work. The kernel follows the jumps: a chain reached from INPUT \
    counts as INPUT. It answers EINVAL for the whole table, and iptables-restore says only that the line of COMMIT failed.
    """
  public static let adopts: Set<String> = ["wrong-table", "wrong-hook", "wrong-protocol", "kernel-refuses"]
  public static let examples: [CheckExample] = [
    .bad("*filter\n↓-A INPUT -p tcp -j REDIRECT --to-ports 80\nCOMMIT\n", says: ["REDIRECT: only valid in the nat table, not in filter"]),
    .bad("*nat\n:out - [0:0]\n-A PREROUTING -j out\n↓-A out -j MASQUERADE\nCOMMIT\n", says: ["MASQUERADE: cannot be used from PREROUTING"]),
    .good("*nat\n:out - [0:0]\n-A POSTROUTING -j out\n-A out -j MASQUERADE\nCOMMIT\n"),
  ]
}
