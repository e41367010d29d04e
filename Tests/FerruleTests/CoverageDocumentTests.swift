import Documents
import FoundationEssentials
import TestSupport
import Testing

/// `Docs/ConntrackCoverage.md` names files, scenarios and tests: they must be there.
@Suite struct CoverageDocumentTests {
  struct Row {
    let text: String
    let part, files, scenarios, tests: [String]
  }

  /// What stands between backquotes.
  private static func quoted(_ cell: some StringProtocol) -> [String] {
    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  static func rows() throws -> [Row] {
    try TextFile.lines(PackageFolder.path + "/Docs/ConntrackCoverage.md").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      guard line.hasPrefix("| "), cells.count == 6, cells[1] != " Part " else { return nil }
      return Row(text: line, part: quoted(cells[1]), files: quoted(cells[2]), scenarios: quoted(cells[3]), tests: quoted(cells[4]))
    }
  }

  @Test func everyNameInTheDocumentExists() throws {
    let root = PackageFolder.path
    let scenarios = try Set(
      ["path", "protocol"].flatMap { try PackageFolder.fixture("\($0)-scenarios.jsonl") }.compactMap { $0["name"]?.text })
    let rows = try Self.rows()
    #expect(rows.count > 60)
    for row in rows {
      let sources = row.files.map { (try? TextFile.text("\(root)/Sources/\($0)")) ?? "" }
      for (file, source) in zip(row.files, sources) { #expect(!source.isEmpty, "there is no Sources/\(file)") }
      for name in row.part { #expect(sources.contains { $0.contains(name) }, "\(name) stands in none of \(row.files)") }
      for name in row.scenarios { #expect(scenarios.contains(name), "there is no scenario \(name)") }
      #expect(!row.files.isEmpty && !(row.scenarios.isEmpty && row.tests.isEmpty), "nothing is said in \(row.text)")
      var text = ""
      for name in row.tests {
        if name.hasSuffix(".swift") {
          text = (try? TextFile.text("\(root)/Tests/\(name)")) ?? ""
          #expect(!text.isEmpty, "there is no Tests/\(name)")
        } else {
          #expect(text.contains("func \(name)("), "there is no test \(name)")
        }
      }
    }
  }
}
