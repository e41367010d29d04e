import Evaluator
import Netfilter
import XTables

/// The observations of a rule at the end of a step, a test or a packet.
struct RuleObservation {
  var encounters: [RuleWatch.Encounter] = []
  var ruleset: ScenarioRuleset?

  /// Adds the observations of a later step.
  mutating func add(_ later: RuleObservation) {
    ruleset = later.ruleset
    for encounter in later.encounters where encounters.count < RuleWatch.most && !encounters.contains(encounter) {
      encounters.append(encounter)
    }
  }

  /// Why a rule did not match, in sentences.
  func whyNot(_ place: RulePlace) -> [String] {
    var lines = ["\(place.text) is \(ruleset?.print(place) ?? "missing")"]
    if encounters.isEmpty { lines.append("no packet reached the table \(place.table)") }
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
