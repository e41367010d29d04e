import Diagnostics
internal import Dispatch
import Evaluator
public import Lab
import Notation
public import Scenarios
internal import Synchronization
import Wire
public import XTables

/// Runs the tests of scenario files.
public struct TestRunner: Sendable {
  private let engine: LabEngine
  /// The matches and targets that the runner knows.
  var registry: Registry { engine.registry }
  /// Keeps every packet for a capture.
  public var recordsPackets = false
  /// A clock in seconds, to measure durations; without it, durations are 0.
  public var seconds: (@Sendable () -> Double)?
  /// Called before each test. Once it returns true, no further test runs, and the results omit the tests that did not run.
  public var isOver: @Sendable () -> Bool = { false }

  /// Creates a runner that uses the engine.
  public init(registry: Registry, names: NameDatabase = .builtin) {
    engine = LabEngine(registry: registry, names: names)
  }

  /// Runs the tests of several files concurrently. The results are in the order of the files.
  ///
  /// - Parameters:
  ///   - workers: how many tests run at the same time.
  ///   - progress: called after each test, on any thread, with the number of finished tests and the total.
  public func run(
    _ readings: [ScenarioFile.Reading], workers: Int = 2, only filter: @Sendable (ScenarioTest) -> Bool = { _ in true },
    progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) -> [SuiteResult] {
    TestRunner.each(readings, workers: workers, only: filter, isOver: isOver, progress: progress) { run($0) }
  }

  /// Calls a function for the tests of several files concurrently.
  static func each(
    _ readings: [ScenarioFile.Reading], workers: Int, only filter: @Sendable (ScenarioTest) -> Bool,
    isOver: @Sendable () -> Bool = { false }, progress: @Sendable (Int, Int) -> Void, _ body: @Sendable (ScenarioTest) -> TestResult
  ) -> [SuiteResult] {
    let tests = readings.enumerated().flatMap { index, reading in
      (reading.suite?.tests ?? []).filter(filter).map { (suite: index, test: $0) }
    }
    let next = Atomic(0)
    let done = Mutex(0)
    let results = Mutex([TestResult?](repeating: nil, count: tests.count))
    DispatchQueue.concurrentPerform(iterations: max(1, min(workers, tests.count))) { _ in
      while !isOver() {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < tests.count else { return }
        let result = body(tests[index].test)
        results.withLock { $0[index] = result }
        let count = done.withLock { count in
          count += 1
          return count
        }
        progress(count, tests.count)
      }
    }
    let all = results.withLock { $0 }
    return readings.enumerated().map { index, reading in
      SuiteResult(
        file: reading.file, name: reading.suite?.name ?? reading.file.name,
        tests: zip(tests, all).filter { $0.0.suite == index }.compactMap(\.1), diagnostics: reading.diagnostics)
    }
  }

  /// Runs one test.
  public func run(_ test: ScenarioTest) -> TestResult {
    TestRunner.result(of: test, seconds: seconds) { result throws(ScenarioError) in
      var run = TestRun(test, player: try TestPlayer(test, engine: engine), engine: engine, recordsPackets: recordsPackets)
      run.play(into: &result)
    }
  }

  /// The result of one test: skipped, or as `play` has it. A test for which `play` throws is broken.
  ///
  /// - Parameter seconds: a clock in seconds, to measure the duration; without it, the duration is 0.
  static func result<Failure: Error & CustomStringConvertible>(
    of test: ScenarioTest, seconds: (@Sendable () -> Double)?, play: (inout TestResult) throws(Failure) -> Void
  ) -> TestResult {
    var result = TestResult(test)
    if let reason = test.skipReason {
      result.outcome = .skipped
      result.reason = reason
      return result
    }
    let start = seconds?() ?? 0
    do throws(Failure) {
      try play(&result)
    } catch {
      result.outcome = .broken
      result.reason = error.description
    }
    result.duration = (seconds?() ?? 0) - start
    return result
  }

  /// Plays a test in the engine, for comparison with a kernel.
  ///
  /// - Throws: `ScenarioError` if the engine cannot play it.
  public func resolve(_ test: ScenarioTest) throws(ScenarioError) -> ResolvedTest {
    var player = try TestPlayer(test, engine: engine)
    var records: [LabStep] = []
    var origins: [Int?] = []
    var unknown: [(step: Int, reason: String?)] = []
    for (index, step) in (test.prelude + test.steps).enumerated() {
      let observations = player.play(step).observations
      records += observations.map(\.step)
      for observation in observations {
        unknown += observation.packets.filter { $0.verdict.kind == .unknown }.map { (observation.step.index, $0.verdict.by) }
      }
      let own = index - test.prelude.count
      origins += Array(repeating: own < 0 ? nil : own, count: player.resolved.steps.count - origins.count)
    }
    return ResolvedTest(scenario: player.resolved, answer: player.result(records), unknown: unknown, origins: origins)
  }
}

/// A test with all steps resolved, so that a kernel can play it.
public struct ResolvedTest: Sendable {
  /// The scenario for the kernel.
  public let scenario: Scenario
  /// The engine's answer.
  public let answer: LabResult
  /// The packets that the engine cannot decide, hooks or not: the step of the scenario, and the reason.
  let unknown: [(step: Int, reason: String?)]
  /// For each step of the scenario, the index of the test's step; nil for steps that create the initial connections.
  private let origins: [Int?]

  fileprivate init(scenario: Scenario, answer: LabResult, unknown: [(step: Int, reason: String?)], origins: [Int?]) {
    self.scenario = scenario
    self.answer = answer
    self.unknown = unknown
    self.origins = origins
  }

  func origin(of step: Int) -> Int? { origins.indices.contains(step) ? origins[step] : nil }
}

/// A test in progress.
private struct TestRun {
  private let test: ScenarioTest
  private var player: TestPlayer
  private let engine: LabEngine
  private let recordsPackets: Bool
  private var counts: [RulePlace: LabCount] = [:]
  private var observations: [Observation] = []

  init(_ test: ScenarioTest, player: TestPlayer, engine: LabEngine, recordsPackets: Bool) {
    self.test = test
    self.player = player
    self.engine = engine
    self.recordsPackets = recordsPackets
  }

  mutating func play(into result: inout TestResult) {
    for step in test.prelude {
      if let obstacle = player.play(step).obstacle {
        result.outcome = .broken
        result.reason = "a connection for the start of the test cannot be created: \(obstacle.reason)"
        return
      }
    }
    for ruleset in player.rulesets { result.note(ruleset) }
    for (index, step) in test.steps.enumerated() {
      let time = player.simulator.world.now
      let (outcome, explanations) = play(step)
      for ruleset in player.rulesets { result.note(ruleset) }
      tally(outcome, time, &result)
      var judge = TestJudge(observations: outcome.observations, scope: step.scope)
      judge.obstacle = outcome.obstacle
      judge.explanations = explanations
      judge.counts = counts
      var failures = step.expectation.map { judge.failures($0) } ?? []
      if let obstacle = outcome.obstacle, step.expectation?.isMetByStopping != true || !failures.isEmpty, !outcome.isVerdict {
        failures.append(TestFailure("the step can run", actual: obstacle.reason, range: obstacle.range))
      }
      result.steps.append(StepResult(step, number: index + 1, outcome, failures))
    }
    if let expectation = test.expectation {
      var judge = TestJudge(observations: observations, scope: .each)
      judge.counts = counts
      result.failures = judge.failures(expectation)
    }
    if result.failureCount > 0 {
      result.outcome = .failed
      RuleInquest(test, engine: engine).explain(&result)
    }
  }

  /// Plays a step. If its expectation asks why rules did not match, watches them.
  private mutating func play(_ step: TestStep) -> (StepOutcome, [RulePlace: [String]]) {
    let places = step.expectation?.explainedPlaces ?? []
    guard !places.isEmpty else { return (player.play(step), [:]) }
    let inquest = RuleInquest(test, engine: engine)
    let (outcome, findings) = inquest.follow(places, while: step, in: &player)
    return (outcome, findings.reduce(into: [:]) { $0[$1.key] = $1.value.whyNot($1.key) })
  }

  /// Adds up the rules' hits.
  private mutating func tally(_ outcome: StepOutcome, _ time: UInt64, _ result: inout TestResult) {
    for observation in outcome.observations {
      if test.expectation != nil { observations.append(observation) }
      result.packets += observation.packets.count
      if observation.step.packets.isEmpty, !observation.rulesets.isEmpty, observation.reports.isEmpty { forgetCounts(observation) }
      for packet in observation.step.packets {
        let family = observation.family(of: packet)
        let ruleset = observation.rulesets.first { $0.family == family }
        for (label, count) in packet.trace.lazy.map({ ($0, 1) }) + packet.omitted.map({ ($0.key, $0.value) }) {
          guard let place = TraceLabel(label)?.place(family) else { continue }
          let file = ruleset?.file(of: place.table).name ?? ""
          result.hits[CoveredRule(file: file, place: place), default: 0] += count
        }
      }
      for (hits, family) in [(observation.step.hits, Family.ipv4), (observation.step.hits6, .ipv6)] {
        for hit in hits {
          let place = RulePlace(family: family, table: hit.table, chain: hit.chain, number: hit.rule == 0 ? nil : hit.rule)
          counts[place, default: LabCount()] = counts[place, default: LabCount()] + hit.count
        }
      }
      if recordsPackets { result.records += PacketRecord.all(of: observation, at: time) }
    }
  }

  /// Resets counters when rules are loaded.
  private mutating func forgetCounts(_ observation: Observation) {
    guard player.resolved.steps.indices.contains(observation.step.index),
      case .load(let rules, let rules6) = player.resolved.steps[observation.step.index].action
    else { return }
    counts = counts.filter { $0.key.family == .ipv4 ? rules == nil : rules6 == nil }
  }
}

extension TestResult {
  /// Records rules that the test loaded.
  mutating func note(_ ruleset: ScenarioRuleset) {
    let isKnown = rulesets.contains { $0.file === ruleset.file && $0.family == ruleset.family }
    if !isKnown { rulesets.append(ruleset) }
  }
}

extension StepOutcome {
  /// True if the step stopped because a packet did not pass, which the verdict reports.
  fileprivate var isVerdict: Bool {
    guard obstacle != nil, let last = observations.last?.own.last else { return false }
    return last.verdict.kind != .sent && last.verdict.kind != .local
  }
}

extension TestExpectation {
  /// True if a sequence is expected to be stopped by the rules.
  fileprivate var isMetByStopping: Bool {
    items.contains { if case .verdict(let pattern) = $0.claim { !pattern.isPassing } else { false } }
  }
}

extension StepResult {
  fileprivate init(_ step: TestStep, number: Int, _ outcome: StepOutcome, _ failures: [TestFailure]) {
    let first = outcome.observations.lazy.flatMap(\.own).first
    self.init(
      step, number: number, verdict: first?.verdict, pattern: first.map { VerdictPattern($0, in: outcome.observations.first) },
      failures: failures)
    guard !failures.isEmpty else { return }
    let ways = outcome.observations.lazy.flatMap { observation in
      observation.reports.lazy.map { report in
        report.text { family in observation.rulesets.first { $0.family == family }?.file }
      }
    }
    let count = outcome.observations.reduce(0) { $0 + $1.reports.count }
    trace = ways.prefix(Limits.waysOfStep).joined()
    if count > Limits.waysOfStep { trace? += "… \(count - Limits.waysOfStep) more packets\n" }
  }
}

extension VerdictPattern {
  /// The pattern for a packet's actual verdict.
  init(_ packet: LabPacket, in observation: Observation?) {
    let verdict = packet.verdict
    switch verdict.kind {
    case .sent: self.init(.sent, verdict.out)
    case .local: self.init(.local)
    case .drop:
      let isAnswered = observation?.answers.isEmpty == false
      self.init(isAnswered ? .reject : .drop, verdict.hook)
    case .lost: self.init(.lost)
    case .queued: self.init(.queue, verdict.queue.map { "\($0)" })
    case .absorbed: self.init(.absorbed)
    case .none: self.init(.refused)
    case .unknown: self.init(.unknown)
    }
  }
}

extension PacketRecord {
  /// The packets that arrived in a step, and those that left.
  fileprivate static func all(of observation: Observation, at time: UInt64) -> [PacketRecord] {
    var records: [PacketRecord] = []
    if case .frame(let interface, let bytes)? = observation.step.injected {
      let comment = observation.own.first.map { text(on: $0, observation) } ?? Escaping.line("\(VerdictText(observation.step.verdict))")
      records.append(PacketRecord(time: time, interface: interface, isArriving: true, bytes: bytes, comment: comment))
    }
    for frame in observation.step.egress {
      let packet = observation.step.packets.first { $0.verdict.out == frame.interface && $0.final == frame.packet }
      records.append(
        PacketRecord(
          time: time, interface: frame.interface, isArriving: false, bytes: frame.packet,
          comment: packet.map { text(on: $0, observation) } ?? Escaping.line("sent \(frame.interface)")))
    }
    return records
  }

  /// The verdict, and the deciding rule of each table on a line of its own.
  private static func text(on packet: LabPacket, _ observation: Observation) -> String {
    let family = observation.family(of: packet)
    let rules = Decisions(packet.trace).deciders.compactMap { $0.place(family) }.map { place in
      let ruleset = observation.rulesets.first { $0.family == family }
      return "\(place.text): \(ruleset?.print(place) ?? "")"
    }
    return (["\(VerdictText(packet.verdict))"] + rules).map { Escaping.line($0) }.joined(separator: "\n")
  }
}
