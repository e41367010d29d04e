import Diagnostics
import FoundationEssentials

/// `{"diagnostics": […], "summary": {…}}`, members sorted by name.
struct JSONReport: Encodable {
  struct Finding: Encodable {
    let file: String
    let range: Region
    let severity: String
    let id: String
    let code: String?
    let message: String
    let notes: [Note]
    let fixes: [Fix]
    /// The line on which the range begins, counted from 1.
    let line: Int
    /// A packet that shows a finding about reachability, in the notation of `ferrule run`.
    let witness: String?
    /// The lines of the rules that decide about the packets of such a finding.
    let blockers: [Int]?
    /// The number of equal findings for which this one stands; nil if it stands for itself.
    let count: Int?
    /// The lines of the first of them.
    let lines: [Int]?
  }

  struct Note: Encodable {
    let message: String
    let range: Region?
  }

  struct Fix: Encodable {
    let message: String
    let range: Region
    let replacement: String
    /// True if the replacement may change what the ruleset does.
    let unsafe: Bool?
  }

  let diagnostics: [Finding]
  let summary: [String: Int]

  init(_ files: [FileDiagnostics]) {
    diagnostics = files.flatMap { file in file.shown.map { Finding($0, in: file.file) } }
    summary = Dictionary(
      uniqueKeysWithValues: Severity.allCases.map { severity in
        ("\(severity.rawValue)s", files.reduce(0) { $0 + $1.count(severity) })
      })
  }

  var text: String { JSONText.encode(self) }
}

extension JSONReport.Finding {
  init(_ diagnostic: Diagnostic, in source: SourceFile) {
    file = source.name
    range = Region(diagnostic.range, in: source)
    severity = diagnostic.severity.rawValue
    id = diagnostic.id
    code = diagnostic.code
    message = diagnostic.message
    notes = diagnostic.notes.map { note in
      JSONReport.Note(message: note.message, range: note.range.map { Region($0, in: source) })
    }
    fixes = diagnostic.fixIts.map { fix in
      JSONReport.Fix(
        message: fix.message, range: Region(fix.range, in: source),
        replacement: String(decoding: fix.replacement, as: UTF8.self), unsafe: fix.isUnsafe ? true : nil)
    }
    line = range.line
    witness = diagnostic.evidence?.witness
    blockers = diagnostic.evidence?.blockers.map { source.position(of: $0.range.lowerBound).line }
    count = diagnostic.repeats?.count
    let first = range.line
    lines = diagnostic.repeats.map { [first] + $0.places.map { source.position(of: $0.range.lowerBound).line } }
  }
}

/// JSON in Ferrule's style: members sorted, slashes not escaped, control and invisible characters escaped.
public enum JSONText {
  /// Encodes a value as indented JSON, with a newline at the end.
  public static func encode(_ value: some Encodable) -> String {
    text(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + "\n"
  }

  /// Encodes a value on one line, with a newline at the end.
  public static func line(_ value: some Encodable) -> String { text(value, [.sortedKeys, .withoutEscapingSlashes]) + "\n" }

  /// Encodes a value that is embedded in another: each line is indented by `blanks` spaces; no newline at the end.
  public static func indented(_ value: some Encodable, by blanks: Int) -> String {
    let lead = [UInt8](repeating: UInt8(ascii: " "), count: blanks)
    var bytes = lead
    // By bytes: searching characters would take longer than the encoding.
    for byte in text(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]).utf8 {
      bytes.append(byte)
      if byte == UInt8(ascii: "\n") { bytes += lead }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func text(_ value: some Encodable, _ form: JSONEncoder.OutputFormatting) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = form
    do {
      return Escaping.json(String(decoding: try encoder.encode(value), as: UTF8.self))
    } catch {
      preconditionFailure("a report holds what JSON has no form for: \(error)")
    }
  }
}
