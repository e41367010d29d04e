import Diagnostics

/// `::warning file=…,line=…,col=…,title=…::message`, which GitHub Actions shows beside the line.
enum GitHubReport {
  static func render(_ files: [FileDiagnostics]) -> String {
    files.map { file in file.diagnostics.map { line($0, in: file.file) }.joined() }.joined()
  }

  private static func line(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    let command = diagnostic.severity == .note ? "notice" : diagnostic.severity.rawValue
    let region = Region(diagnostic.range, in: file)
    let properties = [
      "file=\(property(file.name))", "line=\(region.line)", "col=\(region.column)", "title=\(property(diagnostic.label))",
    ]
    let text = ([diagnostic.message] + diagnostic.notes.map(\.message)).joined(separator: "\n")
    return "::\(command) \(properties.joined(separator: ","))::\(escape(text))\n"
  }

  private static func escape(_ text: String) -> String {
    text.map { character in
      switch character {
      case "%": "%25"
      case "\r": "%0D"
      case "\n", "\r\n": "%0A"
      default: String(character)
      }
    }.joined()
  }

  private static func property(_ text: String) -> String {
    escape(text).map { $0 == ":" ? "%3A" : $0 == "," ? "%2C" : String($0) }.joined()
  }
}
