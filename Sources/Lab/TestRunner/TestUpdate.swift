import Diagnostics

/// Writes what came of tests into their file as what is expected of them. Only verdicts are written; all other bytes stay.
public struct TestUpdate: Sendable {
  /// The file's new bytes.
  public let bytes: [UInt8]
  /// How many verdicts are others than before.
  public let count: Int

  public init(_ suite: SuiteResult) {
    var edits: [(range: Range<Int>, text: String)] = []
    for test in suite.tests where test.outcome == .passed || test.outcome == .failed {
      for step in test.steps { if let edit = TestUpdate.edit(step, suite.file) { edits.append(edit) } }
    }
    var bytes = suite.file.bytes
    // From the end, so that the places of the others stay what they are.
    for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) where edit.range.upperBound <= bytes.count {
      bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8))
    }
    self.bytes = bytes
    count = edits.count
  }

  private static func edit(_ step: StepResult, _ file: SourceFile) -> (range: Range<Int>, text: String)? {
    guard let pattern = step.pattern else { return nil }
    switch step.form {
    case .line(let tail):
      guard step.expectation == nil || isWrong(step) else { return nil }
      return (tail.range, " => \(pattern)")
    case .mapping:
      // The verdict of a sequence is no packet's alone, and one in quotes has other bytes than it means.
      guard let item = step.expectation?.items.first(where: \.isVerdict), isWrong(step), !step.isSequence else { return nil }
      let old = String(decoding: file.bytes[item.range.range.clamped(to: 0..<file.bytes.count)], as: UTF8.self)
      guard !old.hasPrefix("\""), !old.hasPrefix("'") else { return nil }
      return (item.range.range, pattern)
    }
  }

  private static func isWrong(_ step: StepResult) -> Bool {
    guard let item = step.expectation?.items.first(where: \.isVerdict) else { return false }
    return step.failures.contains { $0.range == item.range }
  }
}

extension Expectation.Item {
  fileprivate var isVerdict: Bool { if case .verdict = claim { true } else { false } }
}
