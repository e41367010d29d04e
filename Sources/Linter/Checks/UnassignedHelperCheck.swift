public import Diagnostics
import XTables

/// Finds matches for connections of a helper that no rule assigns.
public enum UnassignedHelperCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE026"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.state
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unassigned-helper"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "no rule assigns the helper that a rule asks for"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Since Linux 4.7 the kernel assigns no helper of its own accord, and since 6.0 it cannot be told to. Without a rule such as \
    -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp no connection has the helper, its data connections are not expected, and \
    `-m helper --helper ftp' matches nothing. If another program assigns the helper, suppress the finding.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -m conntrack --ctstate RELATED -m helper ↓--helper ftp -j ACCEPT\nCOMMIT\n",
      says: ["no rule of the file assigns the helper ftp with `-j CT --helper ftp'"]),
    .good(
      "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
        + "*filter\n-A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n-A INPUT -m helper ! --helper ftp -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each `--helper` of a match if no line of the file has a target with the same helper.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    guard let assigned = context.assignedHelpers, has(line, "-m", "helper") || has(line, "--match", "helper") else { return [] }
    // The kernel compares as many bytes as the name of the assigned helper has (`helper_mt`).
    return line.values(of: ["--helper"]).filter { option in
      !option.isInverted && !assigned.contains { option.value.string.hasPrefix($0) || option.value.bytes.isEmpty }
    }.map { option in
      let name = option.value.string
      return finding("no rule of the file assigns the helper \(name) with `-j CT --helper \(name)'", at: option.range)
    }
  }

  private static func has(_ line: CommandLine, _ option: String, _ value: String) -> Bool {
    zip(line.words, line.words.dropFirst()).contains { $0 == option && $1 == value }
  }
}
