import Extensions
import Lab
import Scenarios
import TestSupport
import Testing
import XTables

@Suite("The engine's answers to the lab's scenarios")
struct LabEngineTests {
  @Test("the engine gives the answers that were recorded from a kernel", .needsSharedFolder)
  func theEngineGivesTheRecordedAnswers() throws {
    let engine = LabEngine(registry: .ferrule)
    var lines: [String] = []
    var agreed = 0
    for recording in try LabRecording.all() {
      let answer = engine.play(recording.scenario).json
      if let difference = LabComparison(recording.scenario).firstDifference(answer, recording.kernel) {
        lines.append("differs  \(recording.scenario.name): \(String("\(difference)".prefix(400)))")
      } else {
        agreed += 1
        lines.append("agrees   \(recording.scenario.name)")
      }
    }
    print(lines.joined(separator: "\n"))
    print("\(agreed) of \(lines.count) scenarios agree with the kernel")
    #expect(agreed == lines.count)
  }
}
