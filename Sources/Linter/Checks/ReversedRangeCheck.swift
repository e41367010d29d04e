public import Diagnostics
import XTables

/// Finds ranges whose end is below their beginning.
public enum ReversedRangeCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE011"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "reversed-range"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the end of a range is less than its start"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    iptables 1.8.9 accepts such a range without a warning, but no value is in it, so the rule never matches. Newer versions of \
    iptables refuse the file. Exchange the two numbers.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp --dport ↓1023:1 -j ACCEPT\nCOMMIT\n",
      says: ["the end of the range is less than its start: no value is in it"]),
    .good("*filter\n-A INPUT -p tcp --dport 1:1023 -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each range option of the line whose low end is greater than its high end.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: context.ranges.names).compactMap { value in
      guard let (low, high) = context.ranges.bounds(value), low > high else { return nil }
      return finding("the end of the range is less than its start: no value is in it", at: value.value.range)
    }
  }
}
