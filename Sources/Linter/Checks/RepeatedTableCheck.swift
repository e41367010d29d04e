public import Diagnostics
import Syntax
import XTables

/// Finds tables that a file names more than once.
public enum RepeatedTableCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE012"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "repeated-table"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a file contains a table twice"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Each `*table` line empties the table first. If a file has two blocks for the same table, only the rules of the last block remain. \
    (With iptables-restore --noflush, the rules of both remain.)
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n↓*filter\n-A INPUT -j DROP\nCOMMIT\n",
      says: ["table filter appears twice: this block removes the rules of the earlier block"]),
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
            "table \(name.rawValue) appears twice: this block removes the rules of the earlier block", at: line.content,
            [Diagnostic.Note("the earlier block is here", at: first.content)]))
      }
      firsts[name] = line
    }
    return found
  }
}
