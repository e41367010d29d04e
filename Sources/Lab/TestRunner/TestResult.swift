public import Diagnostics
import XTables

/// What became of one test.
public struct TestResult: Sendable {
  public enum Outcome: String, Sendable {
    case passed, failed, skipped
    /// It could not be played.
    case broken
  }

  public let name: String
  public let range: SourceRange
  public internal(set) var outcome: Outcome
  /// Why it was skipped or could not be played.
  public internal(set) var reason: String?
  public internal(set) var steps: [StepResult] = []
  /// What was expected of all packets and did not hold.
  public internal(set) var failures: [TestFailure] = []
  /// How often each rule was hit.
  public internal(set) var hits: [CoveredRule: UInt64] = [:]
  /// The rules the test met.
  public internal(set) var rulesets: [ScenarioRuleset] = []
  /// Seconds it took.
  public internal(set) var duration: Double = 0
  /// Packets that were played, those of the host among them.
  public internal(set) var packets = 0
  /// What every packet led to, for a capture of the test.
  public internal(set) var records: [PacketRecord] = []

  init(_ test: ScenarioTest) {
    name = test.name
    range = test.range
    outcome = .passed
  }

  public var failureCount: Int { failures.count + steps.reduce(0) { $0 + $1.failures.count } }
}

/// What became of one step.
public struct StepResult: Sendable {
  /// From 1.
  public let number: Int
  public let text: String
  public let range: SourceRange
  /// The verdict on its first packet in words; nil where it had none.
  public let verdict: String?
  /// The verdict as a scenario file writes it: `drop INPUT`.
  public let pattern: String?
  public internal(set) var failures: [TestFailure]
  /// The packets' ways through the rules, where something failed.
  public internal(set) var trace: String?
  let form: TestStep.Form
  let isSequence: Bool
  /// What the file expects.
  let expectation: Expectation?

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

/// A rule of a file, as coverage counts it.
public struct CoveredRule: Hashable, Sendable {
  public let file: String
  public let place: RulePlace
}

/// A packet of a test with what became of it.
public struct PacketRecord: Sendable {
  /// Nanoseconds since 1970 on the test's clock.
  public let time: UInt64
  public let interface: String
  /// Whether it came in by the interface or left by it.
  public let isArriving: Bool
  public let bytes: [UInt8]
  /// The verdict and the rule, for a reader.
  public let comment: String
}

/// What became of a file's tests.
public struct SuiteResult: Sendable {
  public let file: SourceFile
  public let name: String
  public let tests: [TestResult]
  /// What was wrong with the file itself.
  public let diagnostics: [Diagnostic]

  public init(file: SourceFile, name: String, tests: [TestResult], diagnostics: [Diagnostic] = []) {
    self.file = file
    self.name = name
    self.tests = tests
    self.diagnostics = diagnostics
  }

  public func count(_ outcome: TestResult.Outcome) -> Int { tests.count { $0.outcome == outcome } }

  /// Every test that was run passed, and the file is sound.
  public var isPassed: Bool { diagnostics.allSatisfy { $0.severity != .error } && count(.failed) == 0 && count(.broken) == 0 }
}
