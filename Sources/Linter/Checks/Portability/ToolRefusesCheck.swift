public import Diagnostics
import XTables

/// Finds lines that the intended version of iptables refuses.
public enum ToolRefusesCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE090"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "tool-refuses"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the version of iptables for which the ruleset is meant refuses a line"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Newer versions of iptables check more: 1.8.11 refuses ranges whose first number is the greater one, and protocol 0 in --ctproto, \
    which 1.8.9 loads as rules that match nothing. The check needs the version: --tool 1.8.11, or --target debian13.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -m tcp --sport 5 -m length ↓--length 80:20 -j ACCEPT\nCOMMIT\n",
      says: ["iptables 1.8.11 refuses the range 80:20: write 20:80"], given: [.tool("1.8.11")]),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 20:80 -j ACCEPT\nCOMMIT\n"),
  ]

  /// The options whose range iptables 1.8.11 checks.
  private static let ranges: Set<String> = [
    "--ahspi", "--espspi", "--fragid", "--rt-segsleft", "--ctexpire", "--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport",
    "--ctrepldstport",
    "--sport", "--dport", "--source-port", "--destination-port", "--length",
  ]
  private static let version = ProgramVersion("1.8.11")

  /// Reports, for a version from 1.8.11 on, each range in the wrong order and each protocol 0.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    guard let tool = context.settings.target.tool, let version, tool >= version else { return [] }
    return line.values(of: ranges.union(["--ctproto"])).compactMap { option in
      if option.name == "--ctproto" {
        return option.value == "0" ? finding("iptables \(tool) refuses protocol 0", at: option.range) : nil
      }
      guard let (low, high) = option.value.cut(at: ":"), let first = low.unsigned, let last = high.unsigned, first > last else {
        return nil
      }
      return finding("iptables \(tool) refuses the range \(option.value.string): write \(last):\(first)", at: option.range)
    }
  }
}
