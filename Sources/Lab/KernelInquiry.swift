package import Documents
package import Scenarios

/// Asks a running kernel until it is certain whether engine and kernel differ.
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

  /// The answer that counts: one that agrees with the engine's, or one that was given `wanted` times. If there is none, the last one.
  ///
  /// - Parameters:
  ///   - ours: the engine's answer beside one of the kernel's.
  ///   - json: the form of an answer that is compared; nil for an answer that cannot change, such as an error.
  ///   - pause: is called between two questions, with the number of the first.
  package func answer<Answer>(
    to ours: (JSONValue) -> JSONValue, asking kernel: (Scenario) -> Answer, json: (Answer) -> JSONValue?, pause: (Int) -> Void
  ) -> Answer {
    let comparison = LabComparison(scenario)
    var known: [(answer: JSONValue, count: Int)] = []
    var attempt = 1
    while true {
      let theirs = kernel(scenario)
      guard let form = json(theirs), comparison.firstDifference(ours(form), form) != nil else { return theirs }
      if let same = known.firstIndex(where: { comparison.firstDifference($0.answer, form) == nil }) {
        known[same].count += 1
        if known[same].count == wanted { return theirs }
      } else {
        known.append((form, 1))
      }
      if attempt == most { return theirs }
      pause(attempt)
      attempt += 1
    }
  }

  /// What differs for certain; empty where an answer agreed. Where the kernel gave no answer often enough, what differed at last.
  ///
  /// - Parameters:
  ///   - ours: the engine's answer beside one of the kernel's.
  ///   - limit: how many differences at most.
  package func differences(
    _ ours: (JSONValue) -> JSONValue, limit: Int = 1, asking kernel: (Scenario) -> JSONValue, pause: (Int) -> Void
  ) -> [LabComparison.Difference] {
    let theirs = answer(to: ours, asking: kernel, json: { $0 }, pause: pause)
    return LabComparison(scenario).differences(ours(theirs), theirs, limit: limit)
  }
}
