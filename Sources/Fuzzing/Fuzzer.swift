import Compiler
import Diagnostics
public import KernelLab
import Lab
public import Scenarios
import Syntax
public import Wire
public import XTables

/// Draws scenarios, compares the answers of engine and kernel, and shrinks those with differences.
public struct Fuzzer: Sendable {
  /// Draws the cases.
  public let source: FuzzCase.Source
  /// The host of the cases.
  public let host: FuzzHost
  private let engine: LabEngine
  private let kernel: KernelLab
  /// Extensions that the kernel refused, by `-m name` or `-j NAME`, with its error.
  public let refused: [String: String]
  private let now: @Sendable () -> Double

  /// Queries the kernel for the extensions that it has. Requires root.
  ///
  /// - Parameters:
  ///   - corpus: hand-written rulesets of this family.
  ///   - names: the names of protocols in the extensions' examples.
  ///   - now: the kernel's clock in seconds since 1970; the engine uses it too.
  public init(
    _ family: Family, registry: Registry, seed: UInt64, corpus: [String], kernel: KernelLab, names: NameDatabase,
    now: @escaping @Sendable () -> Double
  ) {
    self.now = now
    host = FuzzHost(family)
    self.kernel = kernel
    engine = LabEngine(registry: registry)
    let extensions = KernelExtensions(registry, host, names: names, asking: kernel)
    refused = extensions.refused
    source = FuzzCase.Source(
      registry: registry, host: host, seed: seed, extensions: extensions.available.subtracting(registry.names(with: .machineWide)),
      corpus: corpus)
  }

  /// The result of a run.
  public struct Outcome: Sendable {
    /// What was tested.
    public var tally = FuzzTally()
    /// The disagreements found, in order.
    public var disagreements: [Disagreement] = []

    /// Creates an empty outcome.
    public init() {}
  }

  /// Plays cases from number `first` on, while `goesOn` returns true.
  ///
  /// - Parameter isOver: if it returns true, the run ends at once, without shrinking a disagreement further.
  public func run(from first: Int = 0, goesOn: (_ done: Int, Outcome) -> Bool, isOver: @escaping () -> Bool = { false }) -> Outcome {
    var outcome = Outcome()
    outcome.tally.refused = refused
    var number = first
    while !isOver(), goesOn(number - first, outcome) {
      play(source.drawCase(number), &outcome, isOver)
      number += 1
    }
    return outcome
  }

  private func play(_ drawn: FuzzCase, _ outcome: inout Outcome, _ isOver: @escaping () -> Bool) {
    guard let scenario = try? Scenario(drawn.line), let examination = examine(scenario) else {
      outcome.tally.undetermined += 1
      return
    }
    outcome.tally.note(examination.kernel, engine: examination.engine, ruleset(scenario))
    guard examination.disagrees else { return }
    // A late packet or a refilled limit may cause a difference. Only one that comes back at the same place counts.
    for _ in 0..<2 {
      guard let again = examine(scenario), again.disagrees else { return }
      guard again.differences.first?.path == examination.differences.first?.path else {
        outcome.tally.unsteady += 1
        return
      }
    }
    var shrinker = Shrinker(isOver: isOver) { line in
      guard let smaller = (try? Scenario(line)).flatMap({ examine($0) }) else { return false }
      // A difference must not be replaced by one in refusals or of another member.
      return smaller.disagrees && smaller.refusals == examination.refusals && smaller.member == examination.member
    }
    let small = shrinker.shrunk(drawn.line)
    let differences = (try? Scenario(small)).flatMap { examine($0, limit: 8)?.differences } ?? []
    // A difference that cannot be reproduced was caused by timing.
    guard !differences.isEmpty else {
      outcome.tally.unsteady += 1
      return
    }
    outcome.disagreements.append(Disagreement(number: drawn.number, scenario: small, differences: differences))
  }

  func ruleset(_ scenario: Scenario) -> Ruleset {
    let text = (host.family == .ipv4 ? scenario.rules : scenario.rules6) ?? ""
    return RulesetParser(registry: source.registry, names: NameDatabase.builtin.knowing(sets: scenario.ipsets ?? ""), family: host.family)
      .parse(SourceFile(name: "rules", bytes: Array(text.utf8))).ruleset
  }

  /// True if the engine's answer depends on its random numbers.
  private func isChance(_ scenario: Scenario, _ comparison: LabComparison) -> Bool {
    let answers = (1...3 as ClosedRange<UInt64>).map { seed in
      var other = scenario
      other.seed = seed
      return engine.play(other).json
    }
    return answers.dropFirst().contains { comparison.firstDifference(answers[0], $0) != nil }
  }

  /// Both answers to a scenario; nil if they cannot be compared.
  public func examine(_ scenario: Scenario, limit: Int = 1) -> Examination? {
    var scenario = scenario
    if let usesNfTables = kernel.usesNfTables { scenario.usesNfTables = usesNfTables }
    let comparison = LabComparison(scenario)
    guard comparison.undetermined == nil else { return nil }
    let theirs = kernel.answer(scenario)
    guard theirs.error?.contains(KernelLab.tooManyPackets) != true else { return nil }
    var timed = scenario
    timed.clock = timed.clock ?? now()
    let ours = engine.play(timed, beside: theirs.json)
    if theirs.error != nil, ours.error != nil { return Examination(kernel: theirs, engine: ours, differences: []) }
    let differences = comparison.differences(theirs.json, ours.json, limit: limit)
    // What the engine itself answers differently with other random numbers, such as for a port that NAT chose, no kernel can be held to.
    if !differences.isEmpty, isChance(timed, comparison) { return nil }
    return Examination(kernel: theirs, engine: ours, differences: differences)
  }
}
