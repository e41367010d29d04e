import Compiler
import Diagnostics
public import KernelLab
public import Lab
import Syntax
public import Wire
public import XTables

/// Draws scenarios, lets engine and kernel answer them, and shrinks those about which they disagree.
public struct Fuzzer: Sendable {
  public let source: FuzzCase.Source
  public let host: FuzzHost
  private let engine: LabEngine
  private let kernel: KernelLab
  /// Extensions that the kernel refused, by `-m name` or `-j NAME`, with what it said.
  public let refused: [String: String]
  private let now: @Sendable () -> Double

  /// Asks the kernel first for the extensions it has. Needs root.
  ///
  /// - Parameters:
  ///   - corpus: rulesets of this family that people wrote.
  ///   - names: the names of protocols that extensions' examples use.
  ///   - now: seconds since the epoch on the kernel's clock, which is the engine's too.
  public init(
    _ family: AddressFamily, registry: Registry, seed: UInt64, corpus: [String], kernel: KernelLab, names: NameDatabase,
    now: @escaping @Sendable () -> Double
  ) {
    self.now = now
    host = FuzzHost(family)
    self.kernel = kernel
    engine = LabEngine(registry: registry)
    let extensions = KernelExtensions(registry, host, names: names, asking: kernel)
    refused = extensions.refused
    source = FuzzCase.Source(
      registry: registry, host: host, seed: seed, extensions: extensions.available.subtracting(Fuzzer.undecidable), corpus: corpus)
  }

  /// What is not drawn: the fingerprints of `osf` are a matter of the whole machine, and `rateest` measures by the kernel's own timer.
  public static let undecidable: Set<String> = ["osf", "rateest"]

  /// What a run of cases came to.
  public struct Outcome: Sendable {
    public var tally = FuzzTally()
    public var disagreements: [Disagreement] = []

    public init() {}
  }

  /// Plays case after case, from number `first` on, while `goesOn` says so.
  ///
  /// - Parameter isOver: whether to come to an end at once; a disagreement then stays as large as it is.
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
    // A packet too late or a second too long: only what comes again is a disagreement.
    guard examine(scenario)?.disagrees == true else { return }
    var shrinker = Shrinker(isOver: isOver) { line in
      guard let smaller = (try? Scenario(line)).flatMap({ examine($0) }) else { return false }
      // A disagreement about packets must not become one about what is refused.
      return smaller.disagrees && smaller.refusals == examination.refusals
    }
    let small = shrinker.shrunk(drawn.line)
    let differences = (try? Scenario(small)).flatMap { examine($0, limit: 8)?.differences } ?? []
    // What cannot be seen again after all was a matter of time.
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

  /// Both answers to a scenario; nil where nothing can be said by comparing them.
  public func examine(_ scenario: Scenario, limit: Int = 1) -> Examination? {
    let comparison = LabComparison(scenario)
    guard comparison.undetermined == nil else { return nil }
    let theirs = kernel.answer(scenario)
    guard theirs.error?.contains(KernelLab.tooManyPackets) != true else { return nil }
    var timed = scenario
    timed.clock = timed.clock ?? now()
    let ours = engine.play(timed)
    if theirs.error != nil, ours.error != nil { return Examination(kernel: theirs, engine: ours, differences: []) }
    return Examination(kernel: theirs, engine: ours, differences: comparison.differences(theirs.json, ours.json, limit: limit))
  }
}
