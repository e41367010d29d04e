package import Documents
package import Scenarios

/// A scenario of the shared material with what a kernel answered.
package struct LabRecording: Sendable {
  package let scenario: Scenario
  /// The scenario as it was written.
  package let source: JSONValue
  package let kernel: JSONValue

  package static func all() throws -> [LabRecording] {
    try SharedFolder.lines("lab/examples.jsonl").map { line in
      let value = try JSONValue(parsing: line)
      let source = value["scenario"] ?? .null
      return LabRecording(scenario: try Scenario(source), source: source, kernel: value["kernel"] ?? .null)
    }
  }
}
