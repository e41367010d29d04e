/// Renders diagnostics for people: `file:line:column: error: message [id]`, the line, and a marker under the range.
public struct TextRenderer: Sendable {
  public let coloured: Bool

  public init(coloured: Bool) {
    self.coloured = coloured
  }

  public func render(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    var text = headline(
      diagnostic.severity, diagnostic.message + " [\(diagnostic.label)]", at: diagnostic.range, in: file)
    text += excerpt(of: diagnostic.range, in: file)
    for note in diagnostic.notes {
      if let range = note.range {
        text += headline(.note, note.message, at: range, in: file) + excerpt(of: range, in: file)
      } else {
        text += "  = \(note.message)\n"
      }
    }
    for fix in diagnostic.fixIts { text += "  = fix: \(fix.message)\n" }
    return text
  }

  private func headline(
    _ severity: Severity, _ message: String, at range: SourceRange, in file: SourceFile
  ) -> String {
    let position = file.position(of: range.range.lowerBound)
    return "\(file.name):\(position.line):\(position.column): "
      + paint(severity.rawValue + ":", severity) + " \(message)\n"
  }

  /// The line around the range, and a marker below.
  private func excerpt(of range: SourceRange, in file: SourceFile) -> String {
    let position = file.position(of: range.range.lowerBound)
    let line = file.line(position.line)
    guard !line.isEmpty else { return "" }
    let (shown, lead) = Quotation.excerpt(of: line, around: position.column - 1)
    let marker = "^" + String(repeating: "~", count: max(1, min(range.range.count, shown.count - lead)) - 1)
    return "  " + printable(shown) + "\n  " + String(repeating: " ", count: lead) + marker + "\n"
  }

  private func printable(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
  }

  private func paint(_ text: String, _ severity: Severity) -> String {
    guard coloured else { return text }
    let code =
      switch severity {
      case .error: "31"
      case .warning: "33"
      case .note: "36"
      }
    return "\u{1B}[1;\(code)m\(text)\u{1B}[0m"
  }
}
