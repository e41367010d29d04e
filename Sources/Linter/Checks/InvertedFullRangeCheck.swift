public import Diagnostics
import XTables

/// Finds `!` before a range that holds every value.
public enum InvertedFullRangeCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE008"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "inverted-full-range"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "`!` before a range that contains every value"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    No value is outside the full range, so the rule never matches. Also, iptables-save up to 1.8.9 omits an option with a full \
    range, together with its `!`: after a save and a restore, the rule matches every packet.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n-A INPUT -p tcp ↓! --sport : -j DROP\nCOMMIT\n", says: ["no value is outside `:': the rule never matches"]),
    .bad(
      "*filter\n-A INPUT -p tcp -m tcp ↓! --dport 0:65535 -j DROP\nCOMMIT\n",
      says: ["no value is outside `0:65535': the rule never matches"]),
    .good("*filter\n-A INPUT -p tcp ! --sport 0:1023 -j DROP\n-A INPUT -p tcp --dport : -j DROP\nCOMMIT\n"),
  ]

  /// Reports each inverted range option of the line whose range is full.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    line.values(of: context.ranges.names).compactMap { value in
      guard value.isInverted, context.ranges.isFull(value) else { return nil }
      return finding(
        "no value is outside `\(value.value.string)': the rule never matches", at: value.range,
        [Diagnostic.Note("iptables-save 1.8.9 omits this option; after a restore the rule matches every packet")])
    }
  }
}
