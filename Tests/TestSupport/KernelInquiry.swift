package import Documents
import Glibc
package import Lab
package import Scenarios

/// Asks the running kernel until it is certain whether engine and kernel differ.
///
/// On a busy machine a packet or an event of the kernel's comes too late for the step it belongs to, and the answer is another each time. A
/// difference of the engine comes back the same: only an answer that the kernel has given `wanted` times is held against the engine.
package struct KernelInquiry {
  package let scenario: Scenario
  /// How often the kernel gives one answer before it counts.
  package let wanted: Int
  /// How often the kernel is asked at most.
  package let most: Int

  package init(_ scenario: Scenario, wanted: Int = 3, most: Int = 12) {
    self.scenario = scenario
    self.wanted = wanted
    self.most = most
  }

  /// What differs for certain; empty where an answer agreed. Where the kernel gave no answer often enough, what differed at last.
  ///
  /// - Parameters:
  ///   - limit: how many differences at most.
  ///   - pause: is called between two questions, with the number of the first.
  package func differences(
    _ ours: JSONValue, limit: Int = 1, asking kernel: (Scenario) -> JSONValue, pause: (Int) -> Void = { usleep(UInt32($0) * 50_000) }
  ) -> [LabComparison.Difference] {
    let comparison = LabComparison(scenario)
    var answers: [(answer: JSONValue, count: Int)] = []
    var differences: [LabComparison.Difference] = []
    for attempt in 1...most {
      let theirs = kernel(scenario)
      differences = comparison.differences(ours, theirs, limit: limit)
      if differences.isEmpty { return [] }
      print("attempt \(attempt): \(scenario.name) differs")
      if let known = answers.firstIndex(where: { comparison.firstDifference($0.answer, theirs) == nil }) {
        answers[known].count += 1
        if answers[known].count == wanted { return differences }
      } else {
        answers.append((theirs, 1))
      }
      pause(attempt)
    }
    return differences
  }
}
