import Wire
import XTables

/// The sequences of effects that packets undergo on their ways, and what each sequence does to the tested fields.
///
/// Two rulesets that are compared share one log, so that equal sequences have equal numbers. The number 0 is the empty sequence.
struct EffectLog {
  /// What a sequence of effects does.
  private struct Sequence {
    let uses: [Int]
    /// What replaces each level of a set, and its number; nil if no level changes.
    let replacement: (levels: [DecisionDiagram.Replacement], number: Int)?
    /// Fields whose new value is not a function of the levels.
    let lost: FieldWrites
  }

  private struct Step: Hashable {
    let sequence: Int
    let use: Int
  }

  private var uses: [ExtensionUse: Int] = [:]
  private var effects: [[FieldEffect]] = []
  private var sequences = [Sequence(uses: [], replacement: nil, lost: FieldWrites())]
  private var steps: [Step: Int] = [:]

  /// The number of a match or target; equal ones have equal numbers.
  mutating func number(of use: ExtensionUse, _ family: Family) -> Int {
    if let known = uses[use] { return known }
    let number = uses.count
    uses[use] = number
    effects.append(use.effects(family))
    return number
  }

  /// The sequence that ends with one more effect.
  mutating func appending(_ use: Int, to sequence: Int, _ space: inout PacketSpace) -> Int {
    let step = Step(sequence: sequence, use: use)
    if let known = steps[step] { return known }
    let before = sequences[sequence]
    var levels = before.replacement?.levels ?? []
    var lost = before.lost
    for effect in effects[use] where !apply(effect, to: &levels, space) { lost.formUnion(FieldWrites([effect])) }
    let number = sequences.count
    var replacement = before.replacement
    if levels != before.replacement?.levels ?? [] { replacement = (levels, space.number(of: levels)) }
    sequences.append(Sequence(uses: before.uses + [use], replacement: replacement, lost: lost))
    steps[step] = number
    return number
  }

  /// The sequence of all effects of one and then all of another.
  mutating func joined(_ first: Int, _ second: Int, _ space: inout PacketSpace) -> Int {
    if first == 0 { return second }
    return sequences[second].uses.reduce(first) { appending($1, to: $0, &space) }
  }

  /// The packets, as they were before a sequence, that are in a set after it.
  func before(_ sequence: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> PacketSet {
    guard let replacement = sequences[sequence].replacement else { return packets }
    return space.replacing(packets, number: replacement.number)
  }

  /// Whether one of these fields is not known after a sequence.
  func loses(_ sequence: Int, _ fields: Set<Field>) -> Bool {
    let lost = sequences[sequence].lost
    return !lost.isNothing && fields.contains { lost.changes($0) }
  }

  /// Returns false if the effect cannot be expressed.
  private func apply(_ effect: FieldEffect, to levels: inout [DecisionDiagram.Replacement], _ space: PacketSpace) -> Bool {
    guard case .change(let field, let change, let condition) = effect else { return false }
    let changed = space.changed(by: FieldWrites([effect]))
    guard !changed.isEmpty else { return true }
    guard case .masked(let keep, let flip) = change, case .always = condition, changed.count == 1, changed[0].field == field,
      changed[0].starts == nil, field.isWrittenInBits
    else { return false }
    if levels.isEmpty { levels = [DecisionDiagram.Replacement](repeating: .itself, count: space.levelCount) }
    for (position, level) in changed[0].levels.reversed().enumerated() {
      let isSet = flip >> UInt128(position) & 1 == 1
      if keep >> UInt128(position) & 1 == 0 {
        levels[level] = isSet ? .one : .zero
      } else if isSet {
        switch levels[level] {
        case .itself: levels[level] = .negation
        case .negation: levels[level] = .itself
        case .zero: levels[level] = .one
        case .one: levels[level] = .zero
        }
      }
    }
    return true
  }
}
