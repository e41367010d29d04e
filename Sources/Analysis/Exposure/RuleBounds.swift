public import Netfilter
import Wire
public import XTables

extension OpenPackets {
  /// What each rule that accepts would accept by itself, with the conditions of the jumps to it: what earlier rules take is not subtracted. For
  /// tables of which the exact sets become too large; the caller runs the witness of each part.
  public static func bounds(_ table: Table, at hook: Hook) -> [Part] {
    guard let start = table.index(of: hook.name) else { return [] }
    var bounds = RuleBounds(table: table, hook: hook)
    bounds.follow(start, [])
    if table.chains[start].policy == .accept { bounds.add([], nil) }
    return bounds.parts
  }
}

/// The search for rules that accept, along all paths of jumps.
private struct RuleBounds {
  let table: Table
  let hook: Hook
  var parts: [OpenPackets.Part] = []
  /// How many more rules are looked at: there may be more paths than rules.
  private var left = 50_000
  /// The number of nested jumps that are followed. The kernel allows as many as there are chains; beyond these the sets say nothing new.
  private static let deepest = 16
  /// The nodes of the sets of one rule.
  private static let nodes = 1 << 14

  init(table: Table, hook: Hook) {
    self.table = table
    self.hook = hook
  }

  mutating func follow(_ chain: Int, _ path: [Condition]) {
    for (index, rule) in table.chains[chain].rules.enumerated() {
      guard left > 0 else { return }
      left -= 1
      if let next = rule.target.chain.flatMap({ table.index(of: $0) }) {
        if path.count < Self.deepest { follow(next, path + [rule.condition(table.family)]) }
      } else if rule.target == .verdict(.accept) {
        add(path + [rule.condition(table.family)], RulePosition(chain: chain, rule: index))
      }
    }
  }

  mutating func add(_ conditions: [Condition], _ place: RulePosition?) {
    let condition = Condition.all(conditions)
    var tests = FieldTests(table.family)
    tests.add(condition)
    var space = PacketSpace(tests, limit: Self.nodes)
    let decision = condition.decide(&space)
    var packets = space.intersection(space.union(decision.holds, decision.undecided), space.packets(at: hook))
    packets = space.intersection(packets, space.beginning())
    guard !space.isExhausted, !packets.isEmpty else { return }
    var isShortened = false
    parts += OpenPackets.parts(packets, place, hook, &space, &isShortened)
  }
}
