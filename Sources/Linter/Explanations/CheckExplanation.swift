import Diagnostics

/// The page of a check: title, rationale and examples.
public struct CheckExplanation: Encodable, Sendable {
  struct Example: Encodable, Sendable {
    let text: String
    /// Options and settings that the example needs.
    let given: [String]?
    let findings: [Finding]
    let fixed: String?
  }

  struct Finding: Encodable, Sendable {
    let line: Int
    let column: Int
    let message: String
  }

  let code: String
  let id: String
  let title: String
  let group: String
  let severity: String
  let rationale: String
  let examples: [Example]

  /// Creates the page of a check.
  public init(_ check: any Check.Type) {
    code = check.code
    id = check.id
    title = check.title
    group = check.group.rawValue
    severity = check.severity.rawValue
    rationale = check.rationale
    examples = check.examples.map { example in
      let file = SourceFile(name: "", bytes: Array(example.text.utf8))
      let findings = example.marks.map { mark in
        let place = file.position(of: mark.offset)
        return Finding(line: place.line, column: place.column, message: mark.message)
      }
      let given = example.given.map(\.words)
      return Example(text: example.text, given: given.isEmpty ? nil : given, findings: findings, fixed: example.fixed)
    }
  }

  /// The page as text for a terminal, with the first example that has a finding and the first that has none.
  public var text: String {
    var text = "\(code) \(id) (\(severity)): \(title)\n\n" + Paragraph.wrap(rationale) + "\n"
    if let bad = examples.first(where: { !$0.findings.isEmpty }) {
      text += "\nExample with a finding\n\n" + Paragraph.indent(bad.text) + "\n"
      text += (bad.given ?? []).map { "    \($0)\n" }.joined()
      text += bad.findings.map { "    line \($0.line), column \($0.column): \($0.message)\n" }.joined()
      if let fixed = bad.fixed { text += "\nAfter `ferrule lint --fix`\n\n" + Paragraph.indent(fixed) }
    }
    if let good = examples.first(where: { $0.findings.isEmpty }) {
      text += "\nExample without a finding\n\n" + Paragraph.indent(good.text)
    }
    if severity != Severity.error.rawValue {
      text += "\nTo suppress it for one line, add this comment before the line\n\n    # ferrule:ignore \(code)\n"
    }
    return text
  }

  /// The list of all checks, one line each, by group.
  public static var index: String {
    CheckGroup.allCases.map { index(of: $0) }.joined(separator: "\n")
  }

  /// The list of the checks of a group, one line each.
  public static func index(of group: CheckGroup) -> String {
    let lines = CheckList.all.filter { $0.group == group }.map { check in
      let severity = check.severity.rawValue
      let blanks = String(repeating: " ", count: max(0, "warning".count - severity.count))
      return "\(check.code)  \(severity)\(blanks)  \(check.title)\n"
    }
    return "\(group.rawValue): \(group.title)\n" + lines.joined()
  }
}

/// Wraps and indents text for a terminal.
enum Paragraph {
  static func wrap(_ text: String, width: Int = 80) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if line.isEmpty {
        line = String(word)
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = String(word)
      }
    }
    return (lines + [line]).joined(separator: "\n")
  }

  static func indent(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(text.hasSuffix("\n") ? 1 : 0)
      .map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined()
  }
}
