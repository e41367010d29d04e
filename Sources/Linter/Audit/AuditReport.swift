public import Diagnostics

extension Audit {
  private struct Document: Encodable {
    let profile: String
    let title: String
    let summary: [String: Int]
    let controls: [Outcome]
  }

  private var counts: [(status: Status, count: Int)] { Status.allCases.map { ($0, count($0)) } }

  /// The report as JSON: `{"profile": …, "title": …, "summary": {…}, "controls": […]}`.
  public var json: String { JSONText.encode(document) }

  /// The content of ``json``, for a document of which it is a part.
  public var document: some Encodable {
    Document(
      profile: profile.name, title: profile.title,
      summary: Dictionary(uniqueKeysWithValues: counts.map { ($0.status.rawValue, $0.count) }),
      controls: outcomes)
  }

  /// The report as text: for each control its outcome, and what shows it.
  public var text: TerminalText {
    var text: TerminalText = "\(profile.title)\n"
    for outcome in outcomes {
      let blanks = String(repeating: " ", count: 9 - outcome.status.count)
      text += "\(outcome.status)\(blanks) \(outcome.control) \(outcome.family): \(outcome.title)\n"
      text += "          \(outcome.reason)\n"
      if let rule = outcome.rule, let line = outcome.line { text += "          line \(line): \(rule)\n" }
      if let witness = outcome.witness { text += "          such a packet: \(witness)\n" }
    }
    return "\(text)\(summary)\n"
  }

  private var summary: String { counts.map { "\($0.count) \($0.status.rawValue)" }.joined(separator: ", ") }

  /// The report as a SARIF log: failures are warnings, and what a person must look at is a note.
  ///
  /// - Parameters:
  ///   - files: the texts of the audited rulesets.
  ///   - version: the version of this program.
  public func sarif(_ files: [SourceFile], version: String) -> String {
    let found = files.map { file in
      let diagnostics = outcomes.filter { $0.file == file.name && $0.status != Status.pass.rawValue }.map { outcome in
        let range = outcome.line.map { SourceRange(file.lineRange($0)) } ?? SourceRange(0..<0)
        let notes = outcome.witness.map { [Diagnostic.Note("such a packet: \($0)")] } ?? []
        return Diagnostic(
          outcome.control, outcome.status == Status.fail.rawValue ? .warning : .note, "\(outcome.title): \(outcome.reason)", at: range,
          notes: notes)
      }
      return FileDiagnostics(file, diagnostics)
    }
    var seen: Set<String> = []
    let rules = profile.controls.filter { seen.insert($0.id).inserted }.map { control in
      SARIFReport.Rule(control: control.id, title: control.title, manual: control.manual ?? control.title, profile: profile.name)
    }
    return SARIFReport(found, version: version, rules: rules).text
  }

  /// The report as one HTML file that can be filed.
  ///
  /// - Parameter subject: what was audited, for the title.
  public func page(of subject: String) -> String {
    let title = "\(profile.title): \(subject)"
    var page = HTMLPage.head(title)
    page += "<h1>\(Escaping.markup(profile.title))</h1>\n<p>\(Escaping.markup(subject)): \(Escaping.markup(summary))</p>\n"
    page += "<table>\n<tr><th>Control</th><th>Family</th><th>Outcome</th><th>Evidence</th></tr>\n"
    for outcome in outcomes {
      var evidence = Escaping.markup(outcome.reason)
      if let rule = outcome.rule, let line = outcome.line {
        evidence += "<br><code>\(Escaping.markup("\(outcome.file ?? ""):\(line): \(rule)"))</code>"
      }
      if let witness = outcome.witness { evidence += "<br><small>such a packet: <code>\(Escaping.markup(witness))</code></small>" }
      page += "<tr class=\"\(outcome.status)\"><td>\(Escaping.markup(outcome.control)) \(Escaping.markup(outcome.title))</td>"
      page += "<td>\(outcome.family)</td><td>\(outcome.status)</td><td>\(evidence)</td></tr>\n"
    }
    return page + "</table>\n" + HTMLPage.end
  }
}
