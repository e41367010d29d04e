public import Diagnostics
import XTables

/// Finds long memories in lists of 100 addresses.
public enum RecentTableCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE042"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "recent-table"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a list of recent addresses cannot count as far as a rule asks"
  /// The group under which it is listed.
  public static let group = CheckGroup.kernel
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A list of -m recent keeps 100 addresses (the module's parameter ip_list_tot); a new address displaces the one that was seen longest \
    ago. Against more than 100 sources in --seconds seconds, the oldest are forgotten and their limit does not hold. Load xt_recent with \
    a greater ip_list_tot, or use -m hashlimit.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -m recent --set --name ssh --mask 255.255.255.255 --rsource\n-A INPUT -p tcp -m recent ↓--update --seconds 86400 --hitcount 4 --name ssh --mask 255.255.255.255 --rsource -j DROP\nCOMMIT\n",
      says: ["the list keeps 100 addresses, and this rule needs them for 86400 seconds: more sources displace the oldest"]),
    .good(
      "*filter\n-A INPUT -p tcp -m recent --update --seconds 60 --hitcount 4 --name ssh --mask 255.255.255.255 --rsource -j DROP\nCOMMIT\n"),
  ]

  /// The greatest age in seconds for which a list of 100 addresses is not remarked.
  private static let usualSeconds: UInt64 = 3600

  /// Reports each rule that compares addresses with those of more than an hour ago.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    let words = line.words
    guard zip(words, words.dropFirst()).contains(where: { ($0 == "-m" || $0 == "--match") && $1 == "recent" }) else { return [] }
    guard let asked = words.first(where: { $0 == "--update" || $0 == "--rcheck" }) else { return [] }
    return line.values(of: ["--seconds"]).prefix(1).compactMap { option in
      guard let seconds = option.value.unsigned, seconds > usualSeconds else { return nil }
      return finding(
        "the list keeps 100 addresses, and this rule needs them for \(seconds) seconds: more sources displace the oldest", at: asked.range)
    }
  }
}
