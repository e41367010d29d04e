public import Diagnostics

/// One expectation that was not met, or one thing in which an engine and a kernel are not of one mind.
public struct TestFailure: Sendable {
  /// What the two differ in; nil where an author expected something.
  public let subject: String?
  /// What was expected, as the file has it; what the engine says.
  public let expected: String
  /// What happened; what the kernel did.
  public let actual: String
  /// Where it is expected.
  public let range: SourceRange
  /// The rule that should have matched, or decided.
  public let rule: RuleReference?
  /// How the file would have to be changed for it to hold; empty where that cannot be said.
  let changes: [TestChange]
  /// Why that rule did not match, line by line, once it was asked.
  public internal(set) var whyNot: [String] = []

  init(_ expected: String, actual: String, range: SourceRange, rule: RuleReference? = nil, changes: [TestChange] = []) {
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
