import Wire
import XTables

/// Random choices from a seeded generator; the same seed gives the same choices.
struct Draw: Sendable {
  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func word() -> UInt64 { random.next() }

  /// True with this probability.
  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[number(0...choices.count - 1)] }

  /// One of the choices, or nil if there is none.
  mutating func any<Element>(of choices: [Element]) -> Element? { choices.isEmpty ? nil : pick(choices) }
}
