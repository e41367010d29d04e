import Conntrack
public import XTables

/// Which packets reach each chain and each rule of a table.
///
/// The sets hold at least all packets that can be there, so that an empty set is a proof. Written fields are followed exactly for bits of
/// marks; any other written field may have any value afterwards.
public struct TableReach {
  /// The chains and where their rules lead.
  let graph: ChainGraph
  /// The sets of packets.
  var space: PacketSpace
  /// By chain and rule: what the rule matches.
  let sets: [[RuleSets]]
  /// By chain: the packets that enter it. For a chain that no built-in chain leads to, the packets that would enter it from any hook.
  private(set) var entries: [PacketSet]
  /// By chain: whether a built-in chain leads to it by some sequence of jumps.
  let isAttached: [Bool]
  /// By chain: the hooks from which it is called, or all hooks of the table if there are none.
  let hooks: [HookMask]
  /// By chain: the packets that may return to the caller, as they enter the chain.
  let returning: [PacketSet]
  /// By chain and rule: the packets that get to the rule.
  private(set) var arriving: [[PacketSet]]
  /// By chain and rule: the packets that get to the rule and match.
  private(set) var hits: [[PacketSet]]

  /// Analyses a table. Nil if it has a loop or a jump to a missing chain, or the limit of nodes was reached: nothing is then decided.
  ///
  /// - Parameter limit: the greatest number of nodes of the sets' diagram.
  public init?(_ table: Table, limit: Int = 1 << 22) {
    guard let graph = ChainGraph(table) else { return nil }
    var tests = FieldTests(table.family)
    tests.add(table)
    var space = PacketSpace(tests, limit: limit)
    var sets: [[RuleSets]] = []
    for (index, chain) in table.chains.enumerated() {
      var chainSets: [RuleSets] = []
      chainSets.reserveCapacity(chain.rules.count)
      for (position, rule) in chain.rules.enumerated() {
        let effects = graph.writes[index][position]?.byMatches ?? []
        chainSets.append(RuleSets(rule.condition(table.family), writing: effects, in: &space))
      }
      sets.append(chainSets)
      if space.isExhausted { return nil }
    }
    self.graph = graph
    self.sets = sets
    returning = Self.returning(graph, sets, &space)
    (isAttached, hooks) = Self.attached(graph)
    self.space = space
    entries = [PacketSet](repeating: .none, count: table.chains.count)
    arriving = table.chains.map { [PacketSet](repeating: .none, count: $0.rules.count) }
    hits = arriving
    walkAll()
    if self.space.isExhausted { return nil }
  }

  /// The packets that may enter the table at a hook. Only packets that begin a connection, or a related one, are passed to the nat table.
  ///
  /// The corresponding kernel function is `nf_nat_inet_fn`.
  mutating func packets(at hook: Hook) -> PacketSet {
    let packets = space.packets(at: hook)
    guard graph.table.name == .nat else { return packets }
    return space.intersection(packets, space.beginningConnections())
  }

  private static func attached(_ graph: ChainGraph) -> ([Bool], [HookMask]) {
    var hooks = graph.table.chains.map { $0.hook.map { HookMask($0) } ?? [] }
    func spread() {
      for index in graph.order where !hooks[index].isEmpty {
        for step in graph.steps[index] {
          switch step {
          case .jump(let callee), .goto(let callee): hooks[callee].formUnion(hooks[index])
          case .ends, .returns, .proceeds: break
          }
        }
      }
    }
    spread()
    return (hooks.map { !$0.isEmpty }, hooks.map { $0.isEmpty ? graph.table.name.hookMask : $0 })
  }

  /// Backwards from the last rule of each chain: which packets may come back to the caller.
  private static func returning(_ graph: ChainGraph, _ sets: [[RuleSets]], _ space: inout PacketSpace) -> [PacketSet] {
    var returning = [PacketSet](repeating: .none, count: sets.count)
    for index in graph.order.reversed() {
      var rest = PacketSet.all
      for position in sets[index].indices.reversed() {
        let set = sets[index][position]
        let writes = graph.writes[index][position]
        let missed = space.intersection(set.miss, rest)
        var matched: PacketSet
        switch graph.steps[index][position] {
        case .ends: matched = .none
        case .returns: matched = .all
        case .proceeds: matched = space.preimage(rest, before: writes?.byTarget ?? [])
        case .jump(let callee):
          matched = space.intersection(returning[callee], space.preimage(rest, before: graph.chainWrites[callee]))
        case .goto(let callee): matched = returning[callee]
        }
        rest = space.union(space.intersection(set.hit, matched), missed)
        if let writes, !writes.byMatches.isEmpty { rest = space.preimage(rest, before: writes.byMatches) }
      }
      returning[index] = rest
    }
    return returning
  }

  private mutating func walkAll() {
    let table = graph.table
    let called = graph.called
    for index in graph.order where table.chains[index].hook != nil || !isAttached[index] {
      // A chain that nothing leads to is looked at as if every packet entered it; what only such chains lead to follows from them.
      guard table.chains[index].hook != nil || !called.contains(index) else { continue }
      for hook in hooks[index].hooks { entries[index] = space.union(entries[index], packets(at: hook)) }
    }
    for index in graph.order {
      walk(index)
      if space.isExhausted { return }
    }
  }

  private mutating func walk(_ index: Int) {
    var packets = entries[index]
    for position in sets[index].indices {
      if packets.isEmpty { return }
      arriving[index][position] = packets
      let set = sets[index][position]
      let writes = graph.writes[index][position]
      var missed = space.intersection(packets, set.miss)
      var hit = space.intersection(packets, set.hit)
      hits[index][position] = hit
      if let effects = writes?.byMatches, !effects.isEmpty {
        missed = space.image(missed, after: effects)
        hit = space.image(hit, after: effects)
      }
      if !hit.isEmpty {
        switch graph.steps[index][position] {
        case .ends, .returns: break
        case .proceeds: missed = space.union(missed, space.image(hit, after: writes?.byTarget ?? []))
        case .jump(let callee):
          enter(callee, hit, from: index)
          let back = space.intersection(hit, returning[callee])
          missed = space.union(missed, space.preimage(back, before: graph.chainWrites[callee]))
        case .goto(let callee): enter(callee, hit, from: index)
        }
      }
      packets = missed
    }
  }

  /// A chain that no hook leads to adds nothing to one that a hook leads to.
  private mutating func enter(_ callee: Int, _ packets: PacketSet, from caller: Int) {
    guard isAttached[caller] || !isAttached[callee] else { return }
    entries[callee] = space.union(entries[callee], packets)
  }
}
