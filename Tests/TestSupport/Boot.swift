package import Lab
package import Scenarios

/// One boot of a kernel as the engine sees it: the numbers that a kernel draws when it starts, and the time at which a scenario begins.
///
/// The engine draws everything that a kernel draws (hash seeds, sequence numbers, identifications, ports, cookies) from the seed of the
/// scenario. The clock has another day, another time of day and another phase of the kernel's tick after every boot.
package struct Boot: Sendable {
  package let number: Int

  /// Several boots; each choice between two that follows from a seed comes out otherwise in one of them but for one time in 128.
  package static let all = (0..<8).map { Boot(number: $0) }

  package init(number: Int) { self.number = number }

  /// Never the seed of another boot plus a small number: generators that start close to each other need not differ at once.
  package var seed: UInt64 { 1 &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15 }

  /// A scenario as it is played after this boot.
  package func scenario(_ scenario: Scenario) -> Scenario {
    var booted = scenario
    booted.seed = seed
    booted.clock = 1_700_000_000 + Double(number) * 1_234_567.1237
    return booted
  }

  /// What the answer to a kept scenario owes to the boot: why comparing says nothing, or the first difference between two boots' answers
  /// that the comparison with a kernel would report. Nil where a recording of one boot holds on the next.
  package static func dependence(of scenario: Scenario, _ engine: LabEngine) -> String? {
    let comparison = LabComparison(scenario)
    if let reason = comparison.undetermined { return reason }
    let first = engine.play(all[0].scenario(scenario)).json
    for boot in all.dropFirst() {
      if let difference = comparison.firstDifference(first, engine.play(boot.scenario(scenario)).json) {
        return "boots 0 and \(boot.number): \(String("\(difference)".prefix(600)))"
      }
    }
    return nil
  }
}
