/// Renders diagnostics for people: `file:line:column: error: message [id]`, the source line, and a marker under the range.
public struct TextRenderer: Sendable {
  /// Whether the text has ANSI colours.
  public let coloured: Bool

  /// Creates a renderer. `coloured` should be true for a terminal only.
  public init(coloured: Bool) {
    self.coloured = coloured
  }

  /// The diagnostic as lines of text: place and message, the source line with the range underlined, the notes, the fixes. Input
  /// text is escaped.
  public func render(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    var text = headline(
      diagnostic.severity, diagnostic.message + " [\(diagnostic.label)]", at: diagnostic.range, in: file)
    text += excerpt(of: diagnostic.range, in: file)
    for note in diagnostic.notes {
      if let range = note.range {
        text += headline(.note, note.message, at: range, in: file) + excerpt(of: range, in: file)
      } else {
        text += "  = \(Escaping.line(note.message))\n"
      }
    }
    if let repeats = diagnostic.repeats { text += "  = \(repeats.sentence(in: file))\n" }
    for fix in diagnostic.fixIts { text += "  = fix: \(Escaping.line(fix.message))\n" }
    return text
  }

  private func headline(
    _ severity: Severity, _ message: String, at range: SourceRange, in file: SourceFile
  ) -> String {
    let position = file.position(of: range.range.lowerBound)
    return "\(Escaping.line(file.name)):\(position.line):\(position.column): "
      + paint(severity.rawValue + ":", severity) + " \(Escaping.line(message))\n"
  }

  /// The source line around the range, and a marker below it.
  private func excerpt(of range: SourceRange, in file: SourceFile) -> String {
    let position = file.position(of: range.range.lowerBound)
    let line = file.line(position.line)
    guard file.showsText, !line.isEmpty else { return "" }
    let (shown, place) = Quotation.excerpt(of: line, around: position.column - 1)
    // Escaped text is wider than its bytes. The marker's place counts the escaped characters.
    let before = Escaping.line(shown.prefix(place))
    let marked = Escaping.line(shown.dropFirst(place).prefix(range.range.count))
    let lead = String(repeating: " ", count: before.unicodeScalars.count)
    let marker = "^" + String(repeating: "~", count: max(1, marked.unicodeScalars.count) - 1)
    return "  " + Escaping.line(shown) + "\n  " + lead + marker + "\n"
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
