public import XTables

/// A rule, or the policy of a chain, in which two rulesets differ.
public struct RuleChange: Sendable {
  /// How they differ.
  public enum Kind: String, Sendable, Hashable {
    /// Only the second ruleset has the rule.
    case added
    /// Only the first one has it.
    case removed
    /// The rule has another place among the rules of its chain.
    case moved
    /// Both have it at the same place, with other counters.
    case counted
    /// The chain has another policy.
    case policy
  }

  /// How the rulesets differ.
  public let kind: Kind
  /// The table.
  public let table: TableName
  /// The name of the chain.
  public let chain: String
  /// The rule in the first ruleset; nil if it has none.
  public let before: RulePosition?
  /// The rule in the second ruleset; nil if it has none.
  public let after: RulePosition?
}

/// The rules that only one of two tables has, if equal rules of a chain are paired in their order.
///
/// A packet that no such rule touches takes the same way through both tables, if their policies agree.
struct RuleChanges {
  /// The rules of the first table without a partner.
  private(set) var before: [RulePosition] = []
  /// The rules of the second table without a partner.
  private(set) var after: [RulePosition] = []
  /// Whether a built-in chain has another policy.
  private(set) var changesPolicy = false
  /// All changes, chain by chain, with those of counters.
  private(set) var all: [RuleChange] = []

  private struct Content: Hashable {
    let header: RuleHeader
    let matches: [ExtensionUse]
    let target: RuleTarget

    init(_ rule: Rule) {
      header = rule.header
      matches = rule.matches
      target = rule.target
    }
  }

  init(_ one: Table, _ other: Table) {
    var numbers: [Content: Int] = [:]
    func number(_ rules: [Rule]) -> [Int] {
      rules.map { rule in
        let content = Content(rule)
        if let known = numbers[content] { return known }
        numbers[content] = numbers.count
        return numbers.count - 1
      }
    }
    for (index, chain) in one.chains.enumerated() {
      guard let twinIndex = other.index(of: chain.name) else {
        let places = chain.rules.indices.map { RulePosition(chain: index, rule: $0) }
        before += places
        all += places.map { RuleChange(kind: .removed, table: one.name, chain: chain.name, before: $0, after: nil) }
        continue
      }
      let twin = other.chains[twinIndex]
      if chain.hook != nil, (chain.policy == .drop) != (twin.policy == .drop) { changesPolicy = true }
      let (removed, inserted) = Self.unpaired(number(chain.rules), number(twin.rules))
      before += removed.map { RulePosition(chain: index, rule: $0) }
      after += inserted.map { RulePosition(chain: twinIndex, rule: $0) }
      all += Self.changes(one, index, removed, other, twinIndex, inserted)
    }
    for (index, chain) in other.chains.enumerated() where one.index(of: chain.name) == nil {
      let places = chain.rules.indices.map { RulePosition(chain: index, rule: $0) }
      after += places
      all += places.map { RuleChange(kind: .added, table: one.name, chain: chain.name, before: nil, after: $0) }
    }
  }

  /// The changes of a chain that both tables have.
  private static func changes(
    _ one: Table, _ index: Int, _ removed: [Int], _ other: Table, _ twinIndex: Int, _ inserted: [Int]
  ) -> [RuleChange] {
    let (chain, twin) = (one.chains[index], other.chains[twinIndex])
    func change(_ kind: RuleChange.Kind, _ before: Int?, _ after: Int?) -> RuleChange {
      RuleChange(
        kind: kind, table: one.name, chain: chain.name, before: before.map { RulePosition(chain: index, rule: $0) },
        after: after.map { RulePosition(chain: twinIndex, rule: $0) })
    }
    var changes: [RuleChange] = []
    if chain.hook != nil, (chain.policy == .drop) != (twin.policy == .drop) { changes.append(change(.policy, nil, nil)) }
    var waiting: [Content: [Int]] = [:]
    for position in inserted.reversed() { waiting[Content(twin.rules[position]), default: []].append(position) }
    for position in removed {
      let moved = waiting[Content(chain.rules[position])]?.popLast()
      changes.append(change(moved == nil ? .removed : .moved, position, moved))
    }
    changes += waiting.values.flatMap { $0 }.sorted().map { change(.added, nil, $0) }
    let (gone, new) = (Set(removed), Set(inserted))
    let kept = zip(chain.rules.indices.filter { !gone.contains($0) }, twin.rules.indices.filter { !new.contains($0) })
    for (left, right) in kept where chain.rules[left].counters != twin.rules[right].counters {
      changes.append(change(.counted, left, right))
    }
    return changes
  }

  /// The greatest number of differing rules of one chain that are paired; more are all taken as changed.
  private static let limit = 20_000

  /// The positions in each list that are in no longest common sequence of both.
  private static func unpaired(_ one: [Int], _ other: [Int]) -> (removed: [Int], inserted: [Int]) {
    var start = 0
    while start < min(one.count, other.count), one[start] == other[start] { start += 1 }
    var end = 0
    while end < min(one.count, other.count) - start, one[one.count - 1 - end] == other[other.count - 1 - end] { end += 1 }
    let (left, right) = (Array(one[start..<(one.count - end)]), Array(other[start..<(other.count - end)]))
    // Rules that the other list does not have at all need no search.
    let common = Set(left).intersection(right)
    let (sparseLeft, sparseRight) = (left.indices.filter { common.contains(left[$0]) }, right.indices.filter { common.contains(right[$0]) })
    var removed = left.indices.filter { !common.contains(left[$0]) }
    var inserted = right.indices.filter { !common.contains(right[$0]) }
    if sparseLeft.count + sparseRight.count > limit {
      removed += sparseLeft
      inserted += sparseRight
    } else {
      for change in sparseRight.map({ right[$0] }).difference(from: sparseLeft.map { left[$0] }) {
        switch change {
        case .remove(let offset, _, _): removed.append(sparseLeft[offset])
        case .insert(let offset, _, _): inserted.append(sparseRight[offset])
        }
      }
    }
    return (removed.sorted().map { $0 + start }, inserted.sorted().map { $0 + start })
  }
}
