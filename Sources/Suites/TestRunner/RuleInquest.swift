import Evaluator
import Lab
import Netfilter
import XTables

/// Finds out why expected rules did not match: plays the test again and watches all of them.
struct RuleInquest {
  private let test: ScenarioTest
  private let engine: LabEngine

  init(_ test: ScenarioTest, engine: LabEngine) {
    self.test = test
    self.engine = engine
  }

  /// The observations of a rule at the end of a step or test.
  struct Finding {
    var encounters: [RuleWatch.Encounter] = []
    var ruleset: ScenarioRuleset?

    /// Adds the observations of a later step.
    mutating func add(_ later: Finding) {
      ruleset = later.ruleset
      for encounter in later.encounters where encounters.count < RuleWatch.most && !encounters.contains(encounter) {
        encounters.append(encounter)
      }
    }
  }

  /// Adds to each failure that names a rule the reason why it did not match. All rules are watched in one replay, so the time does not depend on
  /// the number of failures.
  func explain(_ result: inout TestResult) {
    let general = Set(result.failures.flatMap(places))
    let isAsked = !general.isEmpty || result.steps.contains { $0.failures.contains { $0.rule != nil } }
    guard isAsked, var player = try? TestPlayer(test, engine: engine) else { return }
    for part in test.prelude { _ = player.play(part) }
    var whole: [RulePlace: Finding] = [:]
    for (index, part) in test.steps.enumerated() {
      let own = result.steps.indices.contains(index) ? Set(result.steps[index].failures.flatMap(places)) : []
      let findings = follow(own.union(general), while: part, in: &player).findings
      if !own.isEmpty { explain(&result.steps[index].failures, findings) }
      for place in general {
        guard let found = findings[place] else { continue }
        whole[place, default: Finding()].add(found)
      }
    }
    explain(&result.failures, whole)
  }

  private func explain(_ failures: inout [TestFailure], _ findings: [RulePlace: Finding]) {
    for index in failures.indices {
      failures[index].whyNot = places(failures[index]).flatMap { whyNot($0, findings[$0] ?? Finding()) }
    }
  }

  /// The rules that a failure refers to, in report order. A comment may refer to many rules; only the first few are explained.
  private func places(_ failure: TestFailure) -> [RulePlace] {
    guard let rule = failure.rule else { return [] }
    return Array(rule.places.sorted { $0.text < $1.text }.prefix(4))
  }

  /// Plays a step and returns its outcome, and what happened to each rule.
  func follow(
    _ places: Set<RulePlace>, while step: TestStep, in player: inout TestPlayer
  ) -> (outcome: StepOutcome, findings: [RulePlace: Finding]) {
    let ordered = places.filter { TableName(rawValue: $0.table) != nil }.sorted { $0.text < $1.text }
    player.simulator.watches = ordered.compactMap { place in
      guard let table = TableName(rawValue: place.table) else { return nil }
      return RuleWatch(family: place.family, table: table, chain: place.chain, number: place.number ?? (player.chainLength(place) + 1))
    }
    let outcome = player.play(step)
    var findings: [RulePlace: Finding] = [:]
    for (place, watch) in zip(ordered, player.simulator.watches) {
      findings[place] = Finding(encounters: watch.encounters, ruleset: player.rulesets.first { $0.family == place.family })
    }
    player.simulator.watches = []
    return (outcome, findings)
  }

  /// Why a rule did not match, in sentences.
  func whyNot(_ place: RulePlace, _ finding: Finding) -> [String] {
    let ruleset = finding.ruleset
    var lines = ["\(place.text) is \(ruleset?.print(place) ?? "missing")"]
    if finding.encounters.isEmpty { lines.append("no packet reached the table \(place.table)") }
    for text in finding.encounters.map({ describe($0, place, ruleset) }) where !lines.contains(text) { lines.append(text) }
    return lines.count > 8 ? Array(lines.prefix(8)) + ["…"] : lines
  }

  private func describe(_ encounter: RuleWatch.Encounter, _ place: RulePlace, _ ruleset: ScenarioRuleset?) -> String {
    func after(_ step: RuleStep?) -> String {
      guard let step else { return "" }
      guard step.kind == .rule else { return "\(step.chain) \(step.kind.rawValue)" }
      let decider = RulePlace(family: place.family, table: step.table.rawValue, chain: step.chain, number: step.number)
      return "\(decider.text)" + (ruleset.map { " (\($0.print(decider)))" } ?? "")
    }
    switch encounter.outcome {
    case .matched: return "at \(encounter.hook.name) the rule matched"
    case .mismatched(let reason?): return "at \(encounter.hook.name) the rule did not match: \(reason.sentence)"
    case .mismatched(nil): return "at \(encounter.hook.name) the rule did not match"
    case .notTried(let step, let failure):
      let would = failure.map { "; the rule would not match: \($0.sentence)" } ?? "; the rule would match"
      return "at \(encounter.hook.name) the rule was not reached" + (step.map { _ in "; the packet was decided by " + after(step) } ?? "")
        + would
    case .chainNotEntered(let step, let jumps):
      let why = jumps.map {
        "\($0.chain) rule \($0.number) jumps there and did not match" + ($0.explanation.map { ": \($0.sentence)" } ?? "")
      }
      let end = step.map { _ in "the packet was decided by " + after(step) }
      let reasons = why.isEmpty ? [end ?? "no rule that jumps there was reached"] : why
      return "at \(encounter.hook.name) the packet did not reach \(place.chain): " + reasons.joined(separator: "; ")
    }
  }
}

extension TestPlayer {
  func chainLength(_ place: RulePlace) -> Int {
    rulesets.first { $0.family == place.family }?.chain(place.table, place.chain)?.rules.count ?? 0
  }
}
