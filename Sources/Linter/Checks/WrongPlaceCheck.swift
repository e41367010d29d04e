public import Diagnostics

/// Finds matches and targets where the kernel refuses them.
public enum WrongPlaceCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE006"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.kernel
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "wrong-place"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a match or target in a table, hook or protocol where the kernel refuses it"
  /// An error: the kernel refuses the whole table with EINVAL.
  public static let severity = Severity.error
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A match or target can be used only in certain tables, at certain hooks and with certain protocols. The kernel follows jumps: a \
    chain reached from INPUT counts as INPUT. It refuses the whole table with EINVAL, and iptables-restore only reports that the line \
    with COMMIT failed.
    """
  /// The parser and the validator report these; this check only adds its code.
  public static let adopts: Set<String> = ["wrong-table", "wrong-hook", "wrong-protocol", "kernel-refuses"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n↓-A INPUT -p tcp -j REDIRECT --to-ports 80\nCOMMIT\n", says: ["REDIRECT: only valid in the nat table, not in filter"]),
    .bad("*nat\n:out - [0:0]\n-A PREROUTING -j out\n↓-A out -j MASQUERADE\nCOMMIT\n", says: ["MASQUERADE: cannot be used from PREROUTING"]),
    .good("*nat\n:out - [0:0]\n-A POSTROUTING -j out\n-A out -j MASQUERADE\nCOMMIT\n"),
  ]
}
