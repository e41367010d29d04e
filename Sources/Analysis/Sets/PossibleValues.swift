import Netfilter
import Wire
import XTables

/// Which values each field of some packets may have, whatever their other fields have.
///
/// An algebra whose sets are flags: whether some of the packets may be in the set. It costs no node of a diagram to find that no packet can
/// match a rule. Fields are considered independent of each other, so that more is possible than there is.
struct PossibleValues: ConditionAlgebra {
  /// What reading one field may give.
  private struct Readings {
    var outcomes: FieldOutcomes
    /// The values, in ascending ranges.
    var ranges: [ClosedRange<UInt128>]

    /// The same readings, one by one: an outcome besides a value, or one range of values.
    var single: [Readings] {
      let others = [FieldOutcomes.absent, .malformed].filter { outcomes.contains($0) }.map { Readings(outcomes: $0, ranges: []) }
      return others + ranges.map { Readings(outcomes: outcomes.intersection([.value, .doomed]), ranges: [$0]) }
    }
  }

  private let family: Family
  /// Of other fields nothing is known.
  private var known: [Field: Readings] = [:]
  /// The greatest number of ranges into which the values of a field are divided.
  private static let mostRanges = 256

  /// Packets at a hook for which a condition holds. Known are fields that packets keep on their way from hook to hook, and the output
  /// interface.
  init(_ condition: Condition, at hook: Hook, _ family: Family) {
    self.family = family
    var tests = FieldTests(family)
    tests.add(condition)
    for field in [Field.inputInterface, .outputInterface] { know(field, at: hook, dividedAt: []) }
    for (field, collected) in tests.fields where field.isKeptBetweenTables || field == .outputInterface {
      know(field, at: hook, dividedAt: collected.cuts)
      guard let readings = known[field]?.single, readings.count <= Self.mostRanges else { continue }
      let possible = readings.filter { reading in
        var packets = self
        packets.known[field] = reading
        return packets.may(condition)
      }
      known[field] = Readings(outcomes: possible.reduce([]) { $0.union($1.outcomes) }, ranges: possible.flatMap(\.ranges))
    }
  }

  /// Notes what a field may be at a hook, in ranges with further boundaries.
  private mutating func know(_ field: Field, at hook: Hook, dividedAt cuts: Set<UInt128>) {
    let cuts = cuts.sorted()
    let ranges = field.values(at: hook, family).flatMap { range in
      let starts = [range.lowerBound] + cuts.filter { $0 > range.lowerBound && $0 <= range.upperBound }
      return starts.indices.map { starts[$0]...($0 + 1 < starts.count ? starts[$0 + 1] - 1 : range.upperBound) }
    }
    known[field] = Readings(outcomes: field.traits.outcomes, ranges: ranges)
  }

  /// The packets at a place where some fields may have any other value.
  func forgetting(where isForgotten: (Field) -> Bool) -> PossibleValues {
    var packets = self
    packets.known = known.filter { !isForgotten($0.key) }
    return packets
  }

  /// Whether something that is known may change by writes.
  func isChanged(by writes: FieldWrites) -> Bool { !writes.isNothing && known.keys.contains { writes.changes($0) } }

  /// The packets after writes, or some of them.
  func after(_ writes: FieldWrites) -> PossibleValues { writes.isNothing ? self : forgetting { writes.changes($0) } }

  /// Whether a condition may hold for one of the packets.
  func may(_ condition: Condition) -> Bool {
    var packets = self
    let decision = condition.decide(&packets)
    return decision.holds || decision.undecided
  }

  /// A condition with the same result for all of the packets, without the tests that all of them pass, or none does.
  func settling(_ condition: Condition) -> Condition {
    switch condition {
    case .always, .never, .opaque, .unknown: return condition
    case .test(let field, let test): return settled(decide(field, test)) ?? condition
    case .has(let field): return settled(decide(field, nil)) ?? condition
    case .not(let inner):
      let inner = settling(inner)
      if case .always = inner { return .never }
      if case .never = inner { return .always }
      return .not(inner)
    case .all(let parts):
      var kept: [Condition] = []
      for part in parts {
        let part = settling(part)
        if case .always = part { continue }
        if case .never = part, kept.allSatisfy({ isRead($0) }) { return .never }
        kept.append(part)
        if case .never = part { break }
      }
      return kept.isEmpty ? .always : kept.count == 1 ? kept[0] : .all(kept)
    case .any(let parts):
      var kept: [Condition] = []
      for part in parts {
        let part = settling(part)
        if case .never = part { continue }
        kept.append(part)
        if case .always = part { break }
      }
      return kept.isEmpty ? .never : kept.count == 1 ? kept[0] : .any(kept)
    }
  }

  /// Whether a condition holds or fails for each of the packets.
  func isRead(_ condition: Condition) -> Bool {
    var packets = self
    let decision = condition.decide(&packets)
    return !(decision.absent || decision.malformed || decision.undecided || decision.doomed)
  }

  /// The condition that has the only result that is possible; nil if there are several.
  private func settled(_ decision: Decision<Bool>) -> Condition? {
    if decision.absent || decision.malformed || decision.undecided || decision.doomed { return nil }
    return decision.holds == decision.fails ? nil : decision.holds ? .always : .never
  }

  /// Whether a field may have one of some values.
  private func may(_ field: Field, _ values: ClosedRange<UInt128>) -> Bool {
    known[field]?.ranges.contains { $0.overlaps(values) } ?? true
  }

  // MARK: ConditionAlgebra

  /// No packet.
  var none: Bool { false }
  /// All packets.
  var all: Bool { true }
  /// Whether no packet is in the set.
  func isNone(_ packets: Bool) -> Bool { !packets }
  /// Whether some packet may be in both sets.
  func intersection(_ left: Bool, _ right: Bool) -> Bool { left && right }
  /// Whether some packet may be in either set.
  func union(_ left: Bool, _ right: Bool) -> Bool { left || right }

  /// Decides which results a test may have.
  func decide(_ field: Field, _ test: ValueTest?) -> Decision<Bool> {
    var decision = Decision(all: false)
    guard field.isSteady else {
      (decision.holds, decision.fails, decision.absent, decision.malformed) = (true, true, true, true)
      return decision
    }
    let readings = known[field]
    if let extent = field.transportExtent {
      let length = UInt128(extent.length)
      let (isLater, isFirst) = (may(.isLaterFragment, 1...1), may(.isLaterFragment, 0...0))
      decision.absent = isLater
      decision.malformed = isFirst && may(.transportRoom, 0...(length - 1))
      if isLater, extent.isTCPHeader, family == .ipv4, may(.overwritesHeader, 1...1) { decision.malformed = true }
      guard isFirst, may(.transportRoom, length...255) else { return decision }
    } else {
      let outcomes = readings?.outcomes ?? field.traits.outcomes
      decision.absent = outcomes.contains(.absent)
      decision.malformed = outcomes.contains(.malformed)
      decision.doomed = outcomes.contains(.doomed)
      guard !outcomes.isDisjoint(with: [.value, .doomed]) else { return decision }
    }
    guard let test else {
      decision.holds = true
      return decision
    }
    guard let readings else {
      (decision.holds, decision.fails) = (true, true)
      return decision
    }
    for range in readings.ranges {
      if test.leastHolding(in: range) != nil { decision.holds = true }
      if test.mayFail(in: range) { decision.fails = true }
    }
    return decision
  }

  /// Either result is possible.
  func decideOpaque() -> Decision<Bool> {
    var decision = Decision(all: false)
    (decision.holds, decision.fails) = (true, true)
    return decision
  }

  /// The part cannot be decided.
  func decide(_ reason: UnknownReason) -> Decision<Bool> {
    var decision = Decision(all: false)
    decision.undecided = true
    return decision
  }
}
