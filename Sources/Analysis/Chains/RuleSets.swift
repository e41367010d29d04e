import XTables

/// The packets that a rule matches and that it does not. Both sets are as large as they can be: a packet for which chance, state or
/// something unknown decides is in both. A packet that a match drops is in neither.
struct RuleSets: Sendable {
  /// The packets that the rule may match.
  let hit: PacketSet
  /// The packets that may proceed to the next rule without being matched.
  let miss: PacketSet

  /// - Parameter effects: what the matches themselves write, which a later match of the rule may test.
  init(_ condition: Condition, writing effects: [FieldEffect] = [], in space: inout PacketSpace) {
    let decision = condition.decide(&space)
    let hit = space.union(decision.holds, decision.undecided)
    let miss = space.union(space.union(decision.fails, decision.absent), decision.undecided)
    self.hit = effects.isEmpty ? hit : space.preimage(hit, before: effects)
    self.miss = effects.isEmpty ? miss : space.preimage(miss, before: effects)
  }
}

extension PacketSpace {
  /// The packets after the effects of a match or a target: at least all packets that there can be.
  mutating func image(_ packets: PacketSet, after effects: [FieldEffect]) -> PacketSet {
    var result = packets
    for effect in effects {
      guard !result.isEmpty else { return result }
      guard case .change(let field, let change, let condition) = effect else { return .all }
      let changed = changed(by: effect)
      guard !changed.isEmpty else { continue }
      if case .masked(let keep, let flip) = change, case .always = condition, changed.count == 1, changed[0].field == field,
        changed[0].starts == nil, field.isWrittenInBits
      {
        result = masked(result, changed[0], keep: keep, flip: flip)
      } else if case .range(let values) = change, case .always = condition {
        result = intersection(projecting(result, changed), set(of: field, .range(values)))
      } else {
        result = projecting(result, changed)
      }
    }
    return result
  }

  private mutating func masked(_ packets: PacketSet, _ code: FieldCode, keep: UInt128, flip: UInt128) -> PacketSet {
    var flipped = [DecisionDiagram.Replacement](repeating: .itself, count: levelCount)
    var lost: [Int] = []
    var written = PacketSet.all
    for (position, level) in code.levels.reversed().enumerated() {
      let isSet = flip >> UInt128(position) & 1 == 1
      if keep >> UInt128(position) & 1 == 0 {
        lost.append(level)
        let literal = PacketSet(edge: diagram.node(UInt32(level), isSet ? 1 : 0, isSet ? 0 : 1))
        written = intersection(written, literal)
      } else if isSet {
        flipped[level] = .negation
      }
    }
    var result = lost.isEmpty ? packets : projecting(packets, levels: lost)
    if flipped.contains(.negation) { result = replacing(result, number: number(of: flipped)) }
    return intersection(result, written)
  }

  /// The packets from which a rule's effects may lead into a set: at least all of them.
  mutating func preimage(_ packets: PacketSet, before effects: [FieldEffect]) -> PacketSet {
    var result = packets
    for effect in effects.reversed() {
      guard !result.isEmpty else { return result }
      guard case .change = effect else { return .all }
      result = projecting(result, changed(by: effect))
    }
    return result
  }

  /// The same for a chain of which only the written fields are known.
  mutating func preimage(_ packets: PacketSet, before writes: FieldWrites) -> PacketSet {
    if writes.isNothing || packets.isEmpty { return packets }
    return writes.isAnything ? .all : projecting(packets, changed(by: writes))
  }
}
