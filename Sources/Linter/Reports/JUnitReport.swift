import Diagnostics

/// One test suite. A file without findings is a passed test; each finding is a failed test.
enum JUnitReport {
  static func render(_ files: [FileDiagnostics]) -> String {
    let failures = files.reduce(0) { $0 + $1.shown.count }
    let tests = failures + files.count { $0.diagnostics.isEmpty }
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites>\n<testsuite name=\"ferrule lint\" tests=\"\(tests)\" failures=\"\(failures)\" errors=\"0\">\n"
    for file in files {
      if file.diagnostics.isEmpty {
        text += "  <testcase classname=\"\(Escaping.markup(file.file.name))\" name=\"no findings\"/>\n"
      }
      for diagnostic in file.shown { text += testCase(diagnostic, in: file.file) }
    }
    return text + "</testsuite>\n</testsuites>\n"
  }

  private static func testCase(_ diagnostic: Diagnostic, in file: SourceFile) -> String {
    let region = Region(diagnostic.range, in: file)
    let place = "\(file.name):\(region.line):\(region.column)"
    let body = ([place] + diagnostic.sentences(in: file)).map { Escaping.markup($0) }.joined(separator: "\n")
    return """
        <testcase classname="\(Escaping.markup(file.name))" name="\(Escaping.markup(diagnostic.label)) at line \(region.line)">
          <failure type="\(diagnostic.severity.rawValue)" message="\(Escaping.markup(diagnostic.message))">\(body)</failure>
        </testcase>

      """
  }
}
