import Diagnostics

/// One test suite; a file without findings is a passed test, every finding a failed one.
enum JUnitReport {
  static func render(_ files: [FileDiagnostics]) -> String {
    let failures = files.reduce(0) { $0 + $1.diagnostics.count }
    let tests = failures + files.count { $0.diagnostics.isEmpty }
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites>\n<testsuite name=\"ferrule lint\" tests=\"\(tests)\" failures=\"\(failures)\" errors=\"0\">\n"
    for file in files {
      if file.diagnostics.isEmpty {
        text += "  <testcase classname=\"\(escape(file.file.name))\" name=\"no findings\"/>\n"
      }
      for diagnostic in file.diagnostics { text += testCase(diagnostic, in: file.file) }
    }
    return text + "</testsuite>\n</testsuites>\n"
  }

  private static func testCase(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    let region = Region(diagnostic.range, in: file)
    let place = "\(file.name):\(region.line):\(region.column)"
    let body = ([place] + diagnostic.notes.map(\.message)).joined(separator: "\n")
    return """
        <testcase classname="\(escape(file.name))" name="\(escape(diagnostic.label)) at line \(region.line)">
          <failure type="\(diagnostic.severity.rawValue)" message="\(escape(diagnostic.message))">\(escape(body))</failure>
        </testcase>

      """
  }

  private static func escape(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "\n": "&#10;"
      // XML 1.0 has no way to write the other control characters.
      case "\u{0}"..<"\u{20}": "\u{FFFD}"
      default: String(scalar)
      }
    }.joined()
  }
}
