public import Diagnostics
import Lab
import Notation
import XTables

/// The result of one test.
public struct TestResult: Sendable {
  /// The outcome of a test.
  public enum Outcome: String, Sendable {
    case passed, failed, skipped
    /// The test could not be played.
    case broken
  }

  /// The test's name.
  public let name: String
  /// The test's place in its file.
  public let range: SourceRange
  /// The outcome.
  public internal(set) var outcome: Outcome
  /// The reason why it was skipped or could not be played.
  public internal(set) var reason: String?
  /// The results of the steps, in order.
  public internal(set) var steps: [StepResult] = []
  /// Unmet expectations for the whole test.
  public internal(set) var failures: [TestFailure] = []
  /// The hits of each rule.
  public internal(set) var hits: [CoveredRule: UInt64] = [:]
  /// The rules that were loaded.
  public internal(set) var rulesets: [ScenarioRuleset] = []
  /// The duration in seconds.
  public internal(set) var duration: Double = 0
  /// The number of packets, including those made by the host.
  public internal(set) var packets = 0
  /// All packets with their verdicts, for a capture of the test.
  public internal(set) var records: [PacketRecord] = []

  init(_ test: ScenarioTest) {
    name = test.name
    range = test.range
    outcome = .passed
  }

  /// The number of unmet expectations, including those of steps.
  public var failureCount: Int { failures.count + steps.reduce(0) { $0 + $1.failures.count } }
}

/// The result of one step.
public struct StepResult: Sendable {
  /// The step's number, from 1.
  public let number: Int
  /// The step's text in the file.
  public let text: String
  /// The step's place in the file.
  public let range: SourceRange
  /// The verdict of its first packet in words; nil if it had no packet.
  public let verdict: String?
  /// The verdict in the syntax of scenario files: `drop INPUT`.
  public let pattern: String?
  /// The unmet expectations of the step.
  public internal(set) var failures: [TestFailure]
  /// The packets' paths through the rules, if the step failed.
  public internal(set) var trace: String?
  let form: TestStep.Form
  let isSequence: Bool
  /// The expectation in the file.
  let expectation: TestExpectation?

  init(_ step: TestStep, number: Int, verdict: LabVerdict?, pattern: VerdictPattern? = nil, failures: [TestFailure]) {
    self.number = number
    text = step.text
    range = step.range
    self.verdict = verdict.map { "\(VerdictText($0))" }
    self.pattern = pattern.map { "\($0)" }
    self.failures = failures
    form = step.form
    isSequence = step.scope == .sequence
    expectation = step.expectation
  }
}

/// A rule of a file, for coverage.
public struct CoveredRule: Hashable, Sendable {
  /// The name of the file.
  public let file: String
  /// The rule in the file.
  public let place: RulePlace
}

/// A packet of a test with its verdict.
public struct PacketRecord: Sendable {
  /// Nanoseconds since 1970 on the test's clock.
  public let time: UInt64
  /// The interface that it came in or left by.
  public let interface: String
  /// True for an incoming packet, false for an outgoing one.
  public let isArriving: Bool
  /// The packet, from the network header on.
  public let bytes: [UInt8]
  /// The verdict and the deciding rules, for readers of the capture.
  public let comment: String
}

/// The results of a file's tests.
public struct SuiteResult: Sendable {
  /// The scenario file.
  public let file: SourceFile
  /// The name of the suite.
  public let name: String
  /// The results in the order of the file.
  public let tests: [TestResult]
  /// Errors and warnings of the file itself.
  public let diagnostics: [Diagnostic]

  /// Creates a result.
  public init(file: SourceFile, name: String, tests: [TestResult], diagnostics: [Diagnostic] = []) {
    self.file = file
    self.name = name
    self.tests = tests
    self.diagnostics = diagnostics
  }

  /// The number of tests with an outcome.
  public func count(_ outcome: TestResult.Outcome) -> Int { tests.count { $0.outcome == outcome } }

  /// True if no test failed or was broken, and the file has no errors.
  public var isPassed: Bool { diagnostics.allSatisfy { $0.severity != .error } && count(.failed) == 0 && count(.broken) == 0 }
}
