import Diagnostics

/// Workflow commands: `::warning file=…,line=…,col=…,title=…::message`. GitHub Actions shows them beside the line.
enum GitHubReport {
  static func render(_ files: [FileDiagnostics]) -> String {
    files.map { file in file.shown.map { line($0, in: file.file) }.joined() }.joined()
  }

  private static func line(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    let command = diagnostic.severity == .note ? "notice" : diagnostic.severity.rawValue
    let region = Region(diagnostic.range, in: file)
    let properties = [
      "file=\(Escaping.gitHubProperty(file.name))", "line=\(region.line)", "col=\(region.column)",
      "title=\(Escaping.gitHubProperty(diagnostic.label))",
    ]
    let text = ([diagnostic.message] + diagnostic.sentences(in: file)).joined(separator: "\n")
    return "::\(command) \(properties.joined(separator: ","))::\(Escaping.gitHub(text))\n"
  }
}
