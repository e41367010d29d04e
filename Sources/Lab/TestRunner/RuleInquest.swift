import Conntrack
import Evaluator
import XTables

/// Finds out why a rule did not match where it was expected to: the test is played once more, and the rule is followed.
struct RuleInquest {
  private let test: ScenarioTest
  private let engine: LabEngine

  init(_ test: ScenarioTest, engine: LabEngine) {
    self.test = test
    self.engine = engine
  }

  /// - Parameter step: the number of the step that failed; nil where all of them are looked at.
  func whyNot(_ failure: TestFailure, upTo step: Int?) -> [String] {
    guard let reference = failure.rule else { return [] }
    let places = reference.places.sorted { $0.text < $1.text }
    // A comment may stand on many rules; a reader wants a few.
    return places.prefix(4).flatMap { whyNot($0, step) }
  }

  private func whyNot(_ place: RulePlace, _ step: Int?) -> [String] {
    guard let table = TableName(rawValue: place.table), var player = try? TestPlayer(test, engine: engine) else { return [] }
    var encounters: [RuleWatch.Encounter] = []
    var rulesets = test.rulesets
    for part in test.prelude { _ = player.play(part) }
    for (index, part) in test.steps.enumerated() where index <= step ?? .max {
      let isWatched = step == nil || index == step
      if isWatched {
        let number = place.number ?? (player.chainLength(place) + 1)
        player.simulator.watch = RuleWatch(family: place.family, table: table, chain: place.chain, number: number)
      }
      _ = player.play(part)
      rulesets = player.rulesets
      if isWatched { encounters += player.simulator.watch?.encounters ?? [] }
    }
    let ruleset = rulesets.first { $0.family == place.family }
    var lines = ["\(place.text) is \(ruleset?.print(place) ?? "not there")"]
    if encounters.isEmpty { lines.append("no packet came to the table \(place.table) where this rule stands") }
    for text in encounters.map({ describe($0, place, ruleset) }) where !lines.contains(text) { lines.append(text) }
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
    case .matched: return "at \(encounter.hook.name) it matched"
    case .mismatched(let reason?): return "at \(encounter.hook.name) it did not match: \(reason.sentence)"
    case .mismatched(nil): return "at \(encounter.hook.name) it did not match"
    case .notTried(let step, let failure):
      let would = failure.map { "; it would not match: \($0.sentence)" } ?? "; it would match"
      return "at \(encounter.hook.name) it was not tried" + (step.map { _ in ", decided before by " + after(step) } ?? "") + would
    case .chainNotEntered(let step, let jumps):
      let why = jumps.map { "\($0.chain) rule \($0.number) leads there and did not match" + ($0.explanation.map { ": \($0.sentence)" } ?? "") }
      let end = step.map { _ in "decided before by " + after(step) }
      let reasons = why.isEmpty ? [end ?? "no rule that leads there was tried"] : why
      return "at \(encounter.hook.name) the packet did not come to \(place.chain): " + reasons.joined(separator: "; ")
    }
  }
}

extension TestPlayer {
  func chainLength(_ place: RulePlace) -> Int {
    rulesets.first { $0.family == place.family }?.chain(place.table, place.chain)?.rules.count ?? 0
  }
}
