import Documents
import Lab
import Scenarios
import TestSupport
import Testing

/// When a difference from the kernel counts, and when it is a matter of time.
struct KernelInquiryTests {
  private static let scenario = Result {
    try Scenario(line: #"{"name": "x", "rules": "", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"}]}"#)
  }

  private static func answer(_ verdict: String) -> JSONValue {
    ["name": "x", "steps": [["i": 0, "verdict": ["verdict": .string(verdict)]]]]
  }

  /// The kernel gives these answers in turn, the last again and again.
  private static func ask(_ answers: [String]) throws -> (differs: Bool, asked: Int) {
    var asked = 0
    let differences = KernelInquiry(try scenario.get()).differences(
      { _ in answer("sent") },
      asking: { _ in
        defer { asked += 1 }
        return answer(answers[min(asked, answers.count - 1)])
      }, pause: { _ in })
    return (!differences.isEmpty, asked)
  }

  @Test(arguments: [
    (["sent"], false, 1), (["drop", "sent"], false, 2), (["drop"], true, 3), (["drop", "lost", "local", "queued", "sent"], false, 5),
    (["drop", "lost", "drop", "lost", "drop"], true, 5),
  ]) func tellsTimeFromDifference(_ answers: [String], _ differs: Bool, _ asked: Int) throws {
    let outcome = try Self.ask(answers)
    #expect(outcome.differs == differs)
    #expect(outcome.asked == asked)
  }

  @Test func givesUpAKernelThatNeverSaysTheSame() throws {
    let outcome = try Self.ask((0..<20).map { "verdict \($0)" })
    #expect(outcome.differs && outcome.asked == 12)
  }
}
