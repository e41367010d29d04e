public import Diagnostics
import Documents
public import Linter

/// Reads the known findings that `ferrule lint --write-baseline` has written.
public enum BaselineFile {
  /// Reads a baseline.
  ///
  /// - Throws: a diagnostic at the first mistake.
  public static func read(_ file: SourceFile) throws(PolicyError) -> Baseline {
    do throws(ScenarioFileError) {
      return try read(FileObject(FileDocument(file).root(of: .baseline), .baseline))
    } catch {
      throw PolicyError(error, in: file)
    }
  }

  private static func read(_ object: FileObject) throws(ScenarioFileError) -> Baseline {
    guard let version = object["version"] else { throw object.node.error("a baseline needs a version") }
    guard try version.integer(Int.self) == 1 else { throw version.error("the version of the baseline is not 1") }
    var counts: [FindingKey: Int] = [:]
    for element in try object["findings"]?.list() ?? [] {
      let entry = try FileObject(element, .baselineEntry)
      func text(_ name: String) throws(ScenarioFileError) -> String {
        guard let node = entry[name] else { throw element.error("a finding needs `\(name)'") }
        return try node.text()
      }
      let count = try entry["count"].map { (node) throws(ScenarioFileError) in try node.integer(Int.self) } ?? 1
      // The table of a finding outside of tables, and the text of an empty line, are empty.
      let key = FindingKey(code: try text("code"), table: (try? text("table")) ?? "", text: (try? text("text")) ?? "")
      counts[key] = (counts[key] ?? 0).addingReportingOverflow(max(count, 0)).partialValue
    }
    return Baseline(counts)
  }
}

extension FileShape {
  static let baseline = FileShape(
    name: "baseline", title: "a baseline of ferrule lint",
    members: [
      Member("version", .integer(1...1), "the version of the format"),
      Member("findings", .list(.object("finding")), "the known findings"),
    ], required: ["version", "findings"])

  static let baselineEntry = FileShape(
    name: "finding", title: "a finding of a baseline",
    members: [
      Member("code", .text, "the code of the check"), Member("table", .text, "the table, empty outside of tables"),
      Member("text", .text, "the line without counters"), Member("count", .integer(1...Int.max), "how often the finding is known"),
    ], required: ["code", "table", "text"])
}
