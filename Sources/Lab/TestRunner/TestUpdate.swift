import Diagnostics

/// Writes what came of tests into their file as what is expected of them: the values that did not hold, and verdicts of packets of which
/// nothing was expected. All other bytes stay, and so do expectations that no single value can put right.
public struct TestUpdate: Sendable {
  /// The file's new bytes.
  public let bytes: [UInt8]
  /// How many values are others than before.
  public let count: Int

  public init(_ suite: SuiteResult) {
    var edits: [(range: Range<Int>, text: String)] = []
    for test in suite.tests where test.outcome == .passed || test.outcome == .failed {
      for step in test.steps { edits += TestUpdate.edits(step, suite.file) }
      edits += test.failures.compactMap { TestUpdate.edit($0, suite.file) }
    }
    var bytes = suite.file.bytes
    // From the end, so that the places of the others stay what they are.
    for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) where edit.range.upperBound <= bytes.count {
      bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8))
    }
    self.bytes = bytes
    count = edits.count
  }

  private static func edits(_ step: StepResult, _ file: SourceFile) -> [(range: Range<Int>, text: String)] {
    guard case .line(let tail) = step.form else { return step.failures.compactMap { edit($0, file) } }
    guard let pattern = step.pattern, step.expectation == nil || !step.failures.isEmpty else { return [] }
    return [(tail.range, " => \(pattern)")]
  }

  /// A value in quotes has other bytes than it means, and one of several lines has no end here.
  private static func edit(_ failure: TestFailure, _ file: SourceFile) -> (range: Range<Int>, text: String)? {
    let range = failure.range.range
    guard let text = failure.correction, range.upperBound <= file.bytes.count, !range.isEmpty else { return nil }
    guard let first = file.bytes[range].first, !"\"'[{|>".utf8.contains(first) else { return nil }
    return (range, text)
  }
}
