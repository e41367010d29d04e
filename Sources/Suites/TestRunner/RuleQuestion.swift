package import Evaluator
import XTables

/// A rule of which `ferrule run --why` tells what happened to it.
package struct RuleQuestion {
  /// Why the text names no rule, and what to write.
  package struct Malformed: Error {
    package let message: String
    package let hint: String?
  }

  private let places: [RulePlace]
  private let rulesets: [ScenarioRuleset]

  /// - Parameters:
  ///   - text: `filter INPUT 3`, `INPUT 3`, `INPUT policy`, `comment TEXT` or `line N`.
  ///   - rulesets: the loaded rules.
  package init(_ text: String, in rulesets: [ScenarioRuleset]) throws(Malformed) {
    self.rulesets = rulesets
    do throws(RuleFinder.Failure) {
      places = Array(try RuleFinder(rulesets: rulesets).places(text).sorted { $0.text < $1.text }.prefix(RuleWatch.most))
    } catch {
      throw Malformed(message: error.message, hint: error.hint)
    }
  }

  /// The watches for the simulator; one for each place.
  package var watches: [RuleWatch] {
    places.compactMap { place in
      guard let table = TableName(rawValue: place.table) else { return nil }
      let length = rulesets.first { $0.family == place.family }?.chain(place.table, place.chain)?.rules.count ?? 0
      return RuleWatch(family: place.family, table: table, chain: place.chain, number: place.number ?? length + 1)
    }
  }

  /// What happened to the rule, in sentences.
  ///
  /// - Parameter watches: ``watches`` after a packet.
  package func answer(_ watches: [RuleWatch]) -> [String] {
    zip(places, watches).flatMap { place, watch in
      RuleObservation(encounters: watch.encounters, ruleset: rulesets.first { $0.family == place.family }).whyNot(place)
    }
  }
}
