import KernelLab
import Lab
import Testing

@Suite(.asRoot, .serialized) struct KernelLabTests {
  /// The kernel answers as it did when its answers were recorded.
  @Test func theRecordedAnswersAreGivenAgain() throws {
    guard let lines = Shared.lines("lab/examples.jsonl") else {
      print("recorded answers NOT found: set FERRULE_SHARED")
      return
    }
    for line in lines {
      let recording = try JSONValue(parsing: line)
      let scenario = try Scenario(recording["scenario"] ?? .null)
      let answer = KernelLab().answer(scenario).json
      let differences = LabComparison(scenario).differences(recording["kernel"] ?? .null, answer, limit: 12)
      #expect(differences.isEmpty, "\(scenario.name)")
      print("\(scenario.name): \(differences.isEmpty ? "agrees" : "differs")")
      for difference in differences { print("  \(difference)") }
    }
  }
}
