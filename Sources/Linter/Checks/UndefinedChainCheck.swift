public import Diagnostics

/// Finds jumps to a chain or target that does not exist.
public enum UndefinedChainCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE001"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "undefined-chain"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule jumps to a chain or target that does not exist"
  /// An error: iptables-restore refuses the whole file.
  public static let severity = Severity.error
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The name after -j must be a chain of this table that is declared on an earlier line, or a target. Otherwise iptables-restore \
    refuses the whole file with "Couldn't load target". Declare the chain with `:NAME - [0:0]` before the first rule that jumps to it.
    """
  /// The parser reports both; this check only adds its code.
  public static let adopts: Set<String> = ["unknown-target", "goto-no-chain"]
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n:web - [0:0]\n-A INPUT -p tcp -j ↓wbe\nCOMMIT\n", says: ["Couldn't load target `wbe':No such file or directory"]),
    .bad("*filter\n-A INPUT -g ↓ACCEPT\nCOMMIT\n", says: ["goto 'ACCEPT' is not a chain"]),
    .good("*filter\n:web - [0:0]\n-A INPUT -p tcp -j web\n-A web -j ACCEPT\nCOMMIT\n"),
  ]
}
