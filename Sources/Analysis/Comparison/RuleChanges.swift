import XTables

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

  private struct Content: Hashable {
    let header: RuleHeader
    let matches: [ExtensionUse]
    let target: RuleTarget
  }

  init(_ one: Table, _ other: Table) {
    var numbers: [Content: Int] = [:]
    func number(_ rules: [Rule]) -> [Int] {
      rules.map { rule in
        let content = Content(header: rule.header, matches: rule.matches, target: rule.target)
        if let known = numbers[content] { return known }
        numbers[content] = numbers.count
        return numbers.count - 1
      }
    }
    for (index, chain) in one.chains.enumerated() {
      guard let twinIndex = other.index(of: chain.name) else {
        before += chain.rules.indices.map { RulePosition(chain: index, rule: $0) }
        continue
      }
      let twin = other.chains[twinIndex]
      if chain.hook != nil, (chain.policy == .drop) != (twin.policy == .drop) { changesPolicy = true }
      let (removed, inserted) = Self.unpaired(number(chain.rules), number(twin.rules))
      before += removed.map { RulePosition(chain: index, rule: $0) }
      after += inserted.map { RulePosition(chain: twinIndex, rule: $0) }
    }
    for (index, chain) in other.chains.enumerated() where one.index(of: chain.name) == nil {
      after += chain.rules.indices.map { RulePosition(chain: index, rule: $0) }
    }
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
