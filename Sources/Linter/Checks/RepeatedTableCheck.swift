public import Diagnostics
import Syntax
import XTables

/// Finds tables that a file names more than once.
public enum RepeatedTableCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE012"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "repeated-table"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a table stands twice in a file"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Each `*table` line empties the table before it fills it: of two blocks of the same table only the rules of the last remain. \
    (With iptables-restore --noflush both are kept.)
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n↓*filter\n-A INPUT -j DROP\nCOMMIT\n",
      says: ["table filter stands twice: this block empties what the one before it filled"]),
    .good("*filter\n-A INPUT -j DROP\nCOMMIT\n*nat\nCOMMIT\n"),
  ]

  /// Reports each `*table` line whose table an earlier line of the file already named.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    var firsts: [TableName: LineSyntax] = [:]
    var found: [Diagnostic] = []
    for line in context.lines where line.kind == .table {
      guard let name = Linter.tableName(line, context.file) else { continue }
      if let first = firsts[name] {
        found.append(
          finding(
            "table \(name.rawValue) stands twice: this block empties what the one before it filled", at: line.content,
            [Diagnostic.Note("the block before", at: first.content)]))
      }
      firsts[name] = line
    }
    return found
  }
}
