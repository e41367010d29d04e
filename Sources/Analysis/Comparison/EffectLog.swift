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
    /// The levels whose new value is not a function of the old ones; empty if there are none.
    let lost: [Bool]
    /// A number that sequences with the same ones share.
    let lostNumber: Int
    /// The values that a field with such levels may have, if they are known.
    let values: [Field: [ClosedRange<UInt128>]]
  }

  private struct Step: Hashable {
    let sequence: Int
    let use: Int
  }

  private struct Question: Hashable {
    let lostNumber: Int
    let packets: PacketSet
  }

  private struct Variant: Hashable {
    let use: Int?
    let name: String
  }

  private var uses: [ExtensionUse: Int] = [:]
  private var variants: [Variant: Int] = [:]
  private var answers: [Question: Bool] = [:]
  /// By number: the match or target; nil for what no rule does.
  private var numbered: [ExtensionUse?] = []
  private var effects: [[FieldEffect]] = []
  /// By number: the values of a written field of which ``effects`` says less.
  private var values: [[Field: [ClosedRange<UInt128>]]] = []
  private var sequences = [Sequence(uses: [], replacement: nil, lost: [], lostNumber: 0, values: [:])]
  private var lostNumbers: [[Bool]: Int] = [[]: 0]
  private var steps: [Step: Int] = [:]

  /// The number of a match or target; equal ones have equal numbers.
  mutating func number(of use: ExtensionUse, _ family: Family) -> Int {
    if let known = uses[use] { return known }
    let number = numbered.count
    uses[use] = number
    add(use, use.effects(family), [:])
    return number
  }

  /// The number of a match or target where more is known of what it does.
  ///
  /// - Parameters:
  ///   - use: its own number; nil for what no rule does.
  ///   - name: tells the variants of one use from each other.
  ///   - effects: what it does there.
  ///   - values: the values of a written field of which the effects say less.
  mutating func variant(
    of use: Int?, named name: String, doing effects: [FieldEffect], giving values: [Field: [ClosedRange<UInt128>]] = [:]
  ) -> Int {
    let variant = Variant(use: use, name: name)
    if let known = variants[variant] { return known }
    let number = numbered.count
    variants[variant] = number
    add(use.flatMap { numbered[$0] }, effects, values)
    return number
  }

  private mutating func add(_ use: ExtensionUse?, _ effects: [FieldEffect], _ values: [Field: [ClosedRange<UInt128>]]) {
    numbered.append(use)
    self.effects.append(effects)
    self.values.append(values)
  }

  /// The match or target of a number; nil for what no rule does.
  func use(_ number: Int) -> ExtensionUse? { numbered[number] }

  /// The sequence that ends with one more effect.
  mutating func appending(_ use: Int, to sequence: Int, _ space: inout PacketSpace) -> Int {
    let step = Step(sequence: sequence, use: use)
    if let known = steps[step] { return known }
    let before = sequences[sequence]
    var levels = before.replacement?.levels ?? []
    var lost = before.lost
    var values = before.values
    for effect in effects[use] {
      Self.apply(effect, to: &levels, &lost, space)
      for code in space.changed(by: effect) { values[code.field] = effect.values(of: code.field) }
    }
    values.merge(self.values[use]) { _, known in known }
    let number = sequences.count
    var replacement = before.replacement
    if levels != before.replacement?.levels ?? [] { replacement = (levels, space.number(of: levels)) }
    let lostNumber = lostNumbers[lost] ?? lostNumbers.count
    lostNumbers[lost] = lostNumber
    sequences.append(
      Sequence(uses: before.uses + [use], replacement: replacement, lost: lost, lostNumber: lostNumber, values: values))
    steps[step] = number
    return number
  }

  /// The matches and targets of a sequence, in order.
  func uses(of sequence: Int) -> [ExtensionUse] { sequences[sequence].uses.compactMap { numbered[$0] } }

  /// Whether a sequence may change a field.
  func changes(_ field: Field, by sequence: Int, _ space: PacketSpace) -> Bool {
    guard let code = space.code(of: field) else { return false }
    let (replacement, lost) = (sequences[sequence].replacement?.levels ?? [], sequences[sequence].lost)
    return code.levels.contains { !replacement.isEmpty && replacement[$0] != .itself || !lost.isEmpty && lost[$0] }
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

  /// The packets, as they were before a sequence, that are in a set after it: those of which that is certain, and those of which it is
  /// possible. Nil if it depends on a value of which nothing is known.
  mutating func bounds(
    _ sequence: Int, _ packets: PacketSet, _ space: inout PacketSpace
  ) -> (certain: PacketSet, possible: PacketSet)? {
    guard loses(sequence, packets, &space) else {
      let known = before(sequence, packets, &space)
      return (known, known)
    }
    var (possible, others) = (packets, packets.complement)
    for (field, ranges) in sequences[sequence].values {
      guard let code = space.code(of: field) else { continue }
      let values = ranges.reduce(PacketSet.none) { space.union($0, space.set(of: field, .range($1))) }
      possible = space.projecting(space.intersection(possible, values), [code])
      others = space.projecting(space.intersection(others, values), [code])
    }
    guard !loses(sequence, possible, &space), !loses(sequence, others, &space) else { return nil }
    return (before(sequence, others, &space).complement, before(sequence, possible, &space))
  }

  /// The levels whose value is not known after one of some sequences: what depends on them cannot be said of the packets before.
  func levelsLost(by numbers: some Swift.Sequence<Int>) -> [Int] {
    Set(numbers.flatMap { number in sequences[number].lost.indices.filter { sequences[number].lost[$0] } }).sorted()
  }

  /// Packets among which are all those that a set becomes by a sequence.
  func after(_ sequence: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> PacketSet {
    sequences[sequence].uses.reduce(packets) { space.image($0, after: effects[$1]) }
  }

  /// Whether a set depends on a value that is not known after a sequence, so that ``before(_:_:_:)`` is wrong for it.
  mutating func loses(_ sequence: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> Bool {
    let lost = sequences[sequence].lost
    if lost.isEmpty || packets.isEmpty { return false }
    let question = Question(lostNumber: sequences[sequence].lostNumber, packets: packets)
    if let known = answers[question] { return known }
    let answer = space.diagram.depends(packets.edge, on: lost)
    answers[question] = answer
    return answer
  }

  private static func apply(
    _ effect: FieldEffect, to levels: inout [DecisionDiagram.Replacement], _ lost: inout [Bool], _ space: PacketSpace
  ) {
    for code in space.changed(by: effect) {
      if levels.isEmpty { levels = [DecisionDiagram.Replacement](repeating: .itself, count: space.levelCount) }
      guard case .change(code.field, let change, .always) = effect, let (keep, flip) = code.written(change) else {
        if lost.isEmpty { lost = [Bool](repeating: false, count: space.levelCount) }
        for level in code.changed(by: effect) { lost[level] = true }
        continue
      }
      // A written field has a value.
      for level in code.outcomeLevels { write(.zero, to: level, &levels, &lost) }
      for (position, level) in code.levels.reversed().enumerated() {
        let isSet = flip >> UInt128(position) & 1 == 1
        if keep >> UInt128(position) & 1 == 0 {
          write(isSet ? .one : .zero, to: level, &levels, &lost)
        } else if isSet {
          switch levels[level] {
          case .itself: levels[level] = .negation
          case .negation: levels[level] = .itself
          case .zero: levels[level] = .one
          case .one: levels[level] = .zero
          }
        }
      }
    }
  }

  private static func write(
    _ value: DecisionDiagram.Replacement, to level: Int, _ levels: inout [DecisionDiagram.Replacement], _ lost: inout [Bool]
  ) {
    levels[level] = value
    if !lost.isEmpty { lost[level] = false }
  }
}

extension FieldEffect {
  /// The values that a field may have after the effect, if it writes the field and they are known.
  fileprivate func values(of field: Field) -> [ClosedRange<UInt128>]? {
    guard case .change(field, let change, .always) = self else { return nil }
    switch change {
    case .range(let range): return [range]
    // The bits that are kept are the lowest ones.
    case .masked(let keep, let flip) where keep & (keep &+ 1) == 0: return [(flip & ~keep)...(flip | keep)]
    case .masked, .copied, .added, .bits, .ownAddress, .unknown: return nil
    }
  }
}

extension FieldCode {
  /// The bits of the code that a change keeps, and those that it flips; nil if the new code is no such function of the old one.
  ///
  /// Values of one interval pass the same tests, so that a change to any of them is a change to a constant.
  fileprivate func written(_ change: FieldChange) -> (keep: UInt128, flip: UInt128)? {
    let greatest = width >= 128 ? UInt128.max : (1 << UInt128(width)) - 1
    let values: ClosedRange<UInt128>
    switch change {
    case .masked(let keep, let flip) where keep & greatest == 0: values = flip...flip
    case .masked(let keep, let flip) where starts == nil && field.isWrittenInBits: return (keep, flip)
    case .range(let range): values = range
    case .masked, .copied, .added, .bits, .ownAddress, .unknown: return nil
    }
    guard let starts else { return values.lowerBound == values.upperBound ? (0, values.lowerBound) : nil }
    let first = rank(of: values.lowerBound, in: starts)
    return first == rank(of: values.upperBound, in: starts) ? (0, UInt128(first)) : nil
  }
  /// The levels that may change by an effect whose result is not known.
  fileprivate func changed(by effect: FieldEffect) -> [Int] {
    guard case .change(field, .bits(let mask), _) = effect, starts == nil else { return Array(levels) + Array(outcomeLevels) }
    return levels.reversed().enumerated().compactMap { position, level in mask >> UInt128(position) & 1 == 1 ? level : nil }
  }
}

extension ChainGraph {
  /// The levels whose value is not known after one of the effects of the table's rules.
  func levelsLost(_ space: PacketSpace) -> [Int] {
    var lost: Set<Int> = []
    // Thousands of rules may write the same field.
    var known: [Field: [FieldCode]] = [:]
    for effect in writes.lazy.flatMap({ $0.values }).flatMap({ $0.byMatches + $0.byTarget }) {
      guard case .change(let field, let change, let condition) = effect else { return Array(0..<space.levelCount) }
      let codes = known[field] ?? space.changed(by: effect)
      known[field] = codes
      for code in codes {
        if code.field == field, case .always = condition, code.written(change) != nil { continue }
        lost.formUnion(code.changed(by: effect))
      }
    }
    return lost.sorted()
  }
}
