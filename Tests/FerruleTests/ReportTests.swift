import Diagnostics
import FoundationEssentials
import Linter
import Testing

/// What the machine-readable reports say of one finding with a note and a fix.
@Suite struct ReportTests {
  static func report(_ format: ReportFormat) -> String {
    let text = "*filter\n-A INPUT -p tcp -j DROP\n-A INPUT -p tcp -j DROP\nCOMMIT\n"
    let (_, found) = CheckTests.lint(text)
    let file = SourceFile(name: "a b,\"<é>\".rules", bytes: Array(text.utf8))
    return format.render([FileDiagnostics(file, found), FileDiagnostics(SourceFile(name: "fine", bytes: []), [])])
  }

  @Test func theTextReportShowsPlaceAndFix() {
    #expect(
      Self.report(.text) == """
        a b,"<é>".rules:3:1: warning: this rule is equal to the rule on line 2 [FE007 duplicate-rule]
          -A INPUT -p tcp -j DROP
          ^~~~~~~~~~~~~~~~~~~~~~~
        a b,"<é>".rules:2:1: note: the first rule is here
          -A INPUT -p tcp -j DROP
          ^~~~~~~~~~~~~~~~~~~~~~~
          = fix: remove the line

        """)
  }

  @Test func theJSONReportHasRangesAndFixes() throws {
    let shape = try JSONDecoder().decode(Shape.self, from: Data(Self.report(.json).utf8))
    let finding = try #require(shape.diagnostics.first)
    #expect(finding.file == "a b,\"<é>\".rules")
    #expect((finding.range.line, finding.range.column, finding.range.endColumn) == (3, 1, 24))
    #expect((finding.fixes[0].range.endLine, finding.fixes[0].range.endColumn) == (4, 1))
    #expect(shape.summary == ["errors": 0, "warnings": 1, "notes": 0])
  }

  @Test func theGitHubReportEscapesNamesAndMessages() {
    #expect(
      Self.report(.github)
        == "::warning file=a b%2C\"<é>\".rules,line=3,col=1,title=FE007 duplicate-rule::"
        + "this rule is equal to the rule on line 2%0Athe first rule is here\n")
  }

  @Test func theJUnitReportCountsFilesAndFailures() {
    let text = Self.report(.junit)
    #expect(text.contains("<testsuite name=\"ferrule lint\" tests=\"2\" failures=\"1\" errors=\"0\">"))
    #expect(text.contains("classname=\"a b,&quot;&lt;é&gt;&quot;.rules\""))
    #expect(text.contains("<testcase classname=\"fine\" name=\"no findings\"/>"))
  }

  @Test func theSARIFReportHasRulesAndResults() throws {
    let log = try JSONDecoder().decode(Log.self, from: Data(Self.report(.sarif).utf8))
    #expect(log.version == "2.1.0")
    let run = try #require(log.runs.first)
    #expect(run.tool.driver.rules.map(\.id) == CheckList.all.map { $0.code })
    #expect(run.results.map(\.ruleId) == ["FE007"])
    #expect(run.results[0].locations[0].physicalLocation.artifactLocation.uri == "a%20b%2C%22%3C%C3%A9%3E%22.rules")
    #expect(run.results[0].relatedLocations[0].physicalLocation.region.startLine == 2)
  }
}

/// The part of the JSON report that the tests read.
private struct Shape: Decodable {
  struct Finding: Decodable {
    struct Region: Decodable { let line: Int, column: Int, endLine: Int, endColumn: Int }
    struct Fix: Decodable { let replacement: String, range: Region }
    let file: String, id: String, code: String, severity: String, range: Region, fixes: [Fix]
  }
  let diagnostics: [Finding]
  let summary: [String: Int]
}

/// The part of a SARIF log that the tests read.
private struct Log: Decodable {
  struct Run: Decodable {
    struct Tool: Decodable { let driver: Driver }
    struct Driver: Decodable { let rules: [Rule] }
    struct Rule: Decodable { let id: String }
    struct Result: Decodable { let ruleId: String, level: String, locations: [Location], relatedLocations: [Location] }
    struct Location: Decodable { let physicalLocation: Physical }
    struct Physical: Decodable { let artifactLocation: Artifact, region: Region }
    struct Artifact: Decodable { let uri: String }
    struct Region: Decodable { let startLine: Int }
    let tool: Tool
    let results: [Result]
  }
  let version: String
  let runs: [Run]
}
