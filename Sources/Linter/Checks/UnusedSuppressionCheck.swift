import Diagnostics

/// Finds suppressions that suppress nothing.
public enum UnusedSuppressionCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE015"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unused-suppression"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a suppression comment has no effect"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    `# ferrule:ignore CODE` suppresses a finding on the next line that is not a comment, `# ferrule:ignore-file CODE` in the whole \
    file. If there is no such finding, remove the comment: it would hide a later mistake. Errors cannot be suppressed.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n# ferrule:ignore ↓FE003\n-A INPUT -j DROP\nCOMMIT\n", says: ["there is no finding `FE003' to suppress"]),
    .bad("*filter\n# ferrule:ignore ↓FE999\n-A INPUT -j DROP\nCOMMIT\n", says: ["there is no check `FE999'"]),
    .good("*filter\n# filled by fail2ban\n# ferrule:ignore unreferenced-chain\n:f2b - [0:0]\n-A INPUT -j DROP\nCOMMIT\n"),
  ]

  static func finding(_ name: String, at range: SourceRange, _ checks: [any Check.Type]) -> Diagnostic {
    if checks.contains(where: { $0.code == name || $0.id == name || $0.adopts.contains(name) }) {
      return finding("there is no finding `\(name)' to suppress", at: range)
    }
    let known = Spelling.nearest(to: name, in: checks.flatMap { [$0.code, $0.id] })
    return finding(
      "there is no check `\(name)'", at: range, known.map { [Diagnostic.Note("did you mean \($0)?")] } ?? [])
  }
}
