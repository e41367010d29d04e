public import Diagnostics

/// An unmet expectation, or a difference between engine and kernel.
public struct TestFailure: Sendable {
  /// What engine and kernel differ in; nil for an unmet expectation.
  public let subject: String?
  /// The expectation as in the file, or the engine's result.
  public let expected: String
  /// What happened, or the kernel's result.
  public let actual: String
  /// The place of the expectation.
  public let range: SourceRange
  /// The rule that should have matched or decided.
  public let rule: RuleSelector?
  /// The changes with which the expectation would hold; empty if there are none.
  let changes: [TestChange]
  /// Why the rule did not match, line by line; filled in by a second run.
  public internal(set) var whyNot: [String] = []

  init(_ expected: String, actual: String, range: SourceRange, rule: RuleSelector? = nil, changes: [TestChange] = []) {
    subject = nil
    self.changes = changes
    self.expected = expected
    self.actual = actual
    self.range = range
    self.rule = rule
  }

  init(_ subject: String, engine: String, kernel: String, range: SourceRange) {
    self.subject = subject
    expected = engine
    actual = kernel
    self.range = range
    rule = nil
    changes = []
  }
}
