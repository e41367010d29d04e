import XTables

/// Choices made by a seeded generator: the same seed makes the same ones.
struct Draw: Sendable {
  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func word() -> UInt64 { random.next() }

  /// Whether something of this probability happens.
  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[number(0...choices.count - 1)] }

  /// One of the choices, or nil where there is none.
  mutating func any<Element>(of choices: [Element]) -> Element? { choices.isEmpty ? nil : pick(choices) }
}
