public import Diagnostics
import XTables

/// Finds the match `state`.
public enum StateMatchCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE050"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "state-match"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the match state is written as conntrack today"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    -m state is an older form of -m conntrack --ctstate. The kernel translates it, and new distributions warn of it. Both decide about \
    the same packets.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT ↓-m state --state RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["-m state is deprecated: write -m conntrack --ctstate"],
      fixed: "*filter\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each `-m state --state LIST`.
  public static func findings(in line: CommandLine, _ context: LintContext) -> [Diagnostic] {
    let words = line.words
    var found: [Diagnostic] = []
    for index in words.indices.dropLast(3) where (words[index] == "-m" || words[index] == "--match") && words[index + 1] == "state" {
      let isInverted = words[index + 2] == "!"
      let option = index + (isInverted ? 3 : 2)
      guard option + 1 < words.count, words[option] == "--state" else { continue }
      let list = words[option + 1].string
      let range = words[index].range.union(words[option + 1].range)
      // A list with a blank or an empty element is an error, which is reported; there is nothing to write in its place.
      guard list.split(separator: ",", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }) else { continue }
      let text = "-m conntrack \(isInverted ? "! " : "")--ctstate \(list)"
      found.append(
        finding(
          "-m state is deprecated: write -m conntrack --ctstate", at: range,
          fix: [Diagnostic.FixIt("write \(text)", replace: range, with: Array(text.utf8))]))
    }
    return found
  }
}
