import Diagnostics
public import Lab
import Notation
public import Scenarios
import XTables

/// Plays tests in the engine and in a kernel, and reports the differences.
///
/// A test that a kernel cannot play, or whose result the engine cannot determine, is `broken` with the reason. It never counts as agreement.
public struct Verifier: Sendable {
  private let runner: TestRunner
  private let kernel: @Sendable (Scenario) -> LabResult
  /// The limit for the time that a test may let pass, in seconds; in a kernel it is real time.
  public var patience = 10.0
  /// Whether the rules are loaded into nf_tables; nil if the host of each test says it.
  public var usesNfTables: Bool?
  /// The start time of tests that do not set their clock, in seconds since 1970.
  public var now: (@Sendable () -> Double)?
  /// Waits this many seconds before the kernel is asked again; nil to ask at once.
  public var pause: (@Sendable (Double) -> Void)?
  /// A clock in seconds, to measure durations; without it, durations are 0.
  public var seconds: (@Sendable () -> Double)?

  /// - Parameter kernel: plays a scenario in a kernel; called from one thread at a time.
  public init(runner: TestRunner, kernel: @escaping @Sendable (Scenario) -> LabResult) {
    self.runner = runner
    self.kernel = kernel
  }

  /// Verifies the tests of files in order.
  ///
  /// - Parameter progress: called after each test with the number of finished tests and the total.
  public func verify(
    _ readings: [ScenarioFile.Reading], only filter: @Sendable (ScenarioTest) -> Bool = { _ in true },
    progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) -> [SuiteResult] {
    TestRunner.each(readings, workers: 1, only: filter, progress: progress) { verify($0) }
  }

  /// Verifies one test.
  public func verify(_ test: ScenarioTest) -> TestResult {
    TestRunner.result(of: test, seconds: seconds) { result throws(Impossible) in try verify(test, into: &result) }
  }

  /// The reason why a test cannot be verified.
  private struct Impossible: Error, CustomStringConvertible {
    let description: String
  }

  private func verify(_ test: ScenarioTest, into result: inout TestResult) throws(Impossible) {
    let resolved = try resolve(complete(test))
    if let reason = obstacle(test, resolved) { throw Impossible(description: reason) }
    let comparison = LabComparison(resolved.scenario)
    let answer = KernelInquiry(resolved.scenario).answer(
      to: { _ in resolved.answer.json }, asking: kernel, json: { $0.error == nil ? $0.json : nil }, pause: { pause?(Double($0) * 0.05) })
    if let error = answer.error { throw Impossible(description: "the test cannot run in the kernel: \(error)") }
    let both = SideBySide(comparison, engine: resolved.answer, kernel: answer)
    result.packets = answer.steps.reduce(0) { $0 + $1.packets.count }
    for (number, step) in test.steps.enumerated() {
      let record = resolved.answer.steps.first { resolved.origin(of: $0.index) == number && !$0.packets.isEmpty }
      let own = both.items.filter { $0.step.flatMap(resolved.origin) == number }
      result.steps.append(
        StepResult(
          step, number: number + 1, verdict: record?.verdict, failures: own.map { TestFailure($0, at: step.range) }))
    }
    let others = both.items.filter { $0.step.flatMap(resolved.origin) == nil }
    result.failures = others.map { TestFailure($0, at: test.range) }
    if result.failureCount > 0 { result.outcome = .failed }
  }

  /// The test with everything recorded that can be compared, at the time that a kernel has.
  private func complete(_ test: ScenarioTest) -> ScenarioTest {
    var test = test
    if let usesNfTables { test.base.usesNfTables = usesNfTables }
    test.base.recordsTrace = true
    test.base.recordsHits = true
    test.base.recordsConntrack = true
    test.base.listsConntrackEachStep = true
    if test.base.clock == nil { test.base.clock = now?() }
    return test
  }

  private func resolve(_ test: ScenarioTest) throws(Impossible) -> ResolvedTest {
    do throws(ScenarioError) {
      return try runner.resolve(test)
    } catch {
      throw Impossible(description: error.description)
    }
  }

  private func obstacle(_ test: ScenarioTest, _ resolved: ResolvedTest) -> String? {
    let scenario = resolved.scenario
    if let reason = LabComparison(scenario).undetermined { return reason }
    let clocks = runner.registry.names(with: .readsClock).map { "-m \($0)" }
    if test.base.clock != nil, let clock = clocks.first(where: { name in scenario.ruleTexts.contains { $0.contains(name) } }) {
      return "the rules have \(clock), but the kernel's clock cannot be set for a test"
    }
    let wait = scenario.duration
    if wait > patience { return "the test waits \(Decimals.three(wait)) seconds, more than the \(Decimals.three(patience)) of --patience" }
    return resolved.unknown.first.map { step, reason in
      let place = resolved.origin(of: step).map { "`\(test.steps[$0].text)': " } ?? ""
      return "\(place)Ferrule's verdict is unknown: \(reason ?? "no reason is given")"
    }
  }
}

extension TestFailure {
  fileprivate init(_ item: SideBySide.Item, at range: SourceRange) {
    self.init(item.subject, engine: item.engine, kernel: item.kernel, range: range)
  }
}

extension Scenario {
  /// The time that the steps let pass, in seconds.
  var duration: Double {
    var passed = 0.0
    for step in steps { passed = max(passed, step.at ?? 0) + step.sleep }
    return passed
  }
}
