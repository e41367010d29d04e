import FoundationEssentials
import Lab
import Testing

/// The recorded answers of a real kernel: `lab/examples.jsonl` of the shared material, which `FERRULE_SHARED` names, by default
/// `../shared` beside the package.
enum LabRecordings {
  struct Recording: Sendable {
    let scenario: Scenario
    let kernel: JSONValue
  }

  static let lines: [String] = {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let shared = ProcessInfo.processInfo.environment["FERRULE_SHARED"] ?? root + "/../shared"
    guard let text = try? String(contentsOfFile: shared + "/lab/examples.jsonl", encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init)
  }()

  static func all() throws -> [Recording] {
    try lines.map { line in
      let value = try JSONValue(parsing: line)
      return Recording(scenario: try Scenario(value["scenario"] ?? .null), kernel: value["kernel"] ?? .null)
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs only where the recordings are; says so where they are not.
  static var needsLabRecordings: Self {
    .enabled("no recordings found: set FERRULE_SHARED to the directory that has lab/examples.jsonl") {
      !LabRecordings.lines.isEmpty
    }
  }
}
