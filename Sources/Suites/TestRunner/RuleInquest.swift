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

  /// Adds to each failure that names a rule the reason why it did not match. All rules are watched in one replay, so the time does not depend on
  /// the number of failures.
  func explain(_ result: inout TestResult) {
    let general = Set(result.failures.flatMap(places))
    let isAsked = !general.isEmpty || result.steps.contains { $0.failures.contains { $0.rule != nil } }
    guard isAsked, var player = try? TestPlayer(test, engine: engine) else { return }
    for part in test.prelude { _ = player.play(part) }
    var whole: [RulePlace: RuleObservation] = [:]
    for (index, part) in test.steps.enumerated() {
      let own = result.steps.indices.contains(index) ? Set(result.steps[index].failures.flatMap(places)) : []
      let findings = follow(own.union(general), while: part, in: &player).findings
      if !own.isEmpty { explain(&result.steps[index].failures, findings) }
      for place in general {
        guard let found = findings[place] else { continue }
        whole[place, default: RuleObservation()].add(found)
      }
    }
    explain(&result.failures, whole)
  }

  private func explain(_ failures: inout [TestFailure], _ findings: [RulePlace: RuleObservation]) {
    for index in failures.indices {
      failures[index].whyNot = places(failures[index]).flatMap { (findings[$0] ?? RuleObservation()).whyNot($0) }
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
  ) -> (outcome: StepOutcome, findings: [RulePlace: RuleObservation]) {
    let ordered = places.filter { TableName(rawValue: $0.table) != nil }.sorted { $0.text < $1.text }
    player.simulator.watches = ordered.compactMap { place in
      guard let table = TableName(rawValue: place.table) else { return nil }
      return RuleWatch(family: place.family, table: table, chain: place.chain, number: place.number ?? (player.chainLength(place) + 1))
    }
    let outcome = player.play(step)
    var findings: [RulePlace: RuleObservation] = [:]
    for (place, watch) in zip(ordered, player.simulator.watches) {
      findings[place] = RuleObservation(encounters: watch.encounters, ruleset: player.rulesets.first { $0.family == place.family })
    }
    player.simulator.watches = []
    return (outcome, findings)
  }
}

extension TestPlayer {
  func chainLength(_ place: RulePlace) -> Int {
    rulesets.first { $0.family == place.family }?.chain(place.table, place.chain)?.rules.count ?? 0
  }
}
