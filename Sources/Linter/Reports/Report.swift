public import Diagnostics

/// The diagnostics of one file, to be rendered.
public struct FileDiagnostics: Sendable {
  /// The file.
  public let file: SourceFile
  /// The file's diagnostics, in the order in which they are rendered.
  public let diagnostics: [Diagnostic]
  /// The findings that comments and a baseline suppress.
  public let suppressed: [SuppressedDiagnostic]
  /// The diagnostics as reports list them: of many equal ones, one with their number.
  public let shown: [Diagnostic]

  /// Combines a file with its diagnostics.
  public init(_ file: SourceFile, _ diagnostics: [Diagnostic], suppressed: [SuppressedDiagnostic] = []) {
    self.file = file
    self.diagnostics = diagnostics
    self.suppressed = suppressed
    shown = diagnostics.condensed
  }

  /// The number of diagnostics of a severity.
  public func count(_ severity: Severity) -> Int { diagnostics.count { $0.severity == severity } }
}

/// The formats of a report.
public enum ReportFormat: String, Sendable, CaseIterable {
  case text, json
  /// Workflow commands of GitHub Actions.
  case github
  /// Static Analysis Results Interchange Format 2.1.0.
  case sarif
  /// JUnit XML: one test case per finding, and one per file without findings.
  case junit

  /// The content of the form ``json``, for a document of which it is a part.
  public static func document(_ files: [FileDiagnostics]) -> some Encodable { JSONReport(files) }

  /// Renders the files' diagnostics as one report.
  ///
  /// - Parameters:
  ///   - files: the files, in the order of the report.
  ///   - coloured: whether the text form contains terminal colours. Other forms ignore it.
  ///   - version: the version of this program for a SARIF log; left out if it is empty.
  public func render(_ files: [FileDiagnostics], coloured: Bool = false, version: String = "") -> String {
    switch self {
    case .text:
      let renderer = TextRenderer(coloured: coloured)
      return files.map { file in file.shown.map { renderer.render($0, in: file.file) }.joined() }.joined()
    case .json: return JSONReport(files).text
    case .github: return GitHubReport.render(files)
    case .sarif: return SARIFReport(files, version: version).text
    case .junit: return JUnitReport.render(files)
    }
  }
}

/// A range as lines and columns, both counted from 1, the end exclusive.
struct Region: Encodable {
  let line: Int
  let column: Int
  let endLine: Int
  let endColumn: Int

  init(_ range: SourceRange, in file: SourceFile) {
    let start = file.position(of: range.range.lowerBound)
    let end = file.position(of: range.range.upperBound)
    (line, column, endLine, endColumn) = (start.line, start.column, end.line, end.column)
  }
}

extension Diagnostic {
  /// The notes as sentences, and where the diagnostic is repeated.
  func sentences(in file: SourceFile) -> [String] { notes.map(\.message) + (repeats.map { [$0.sentence(in: file)] } ?? []) }
}
