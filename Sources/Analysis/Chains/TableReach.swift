import Conntrack
import Netfilter
public import XTables

/// Which packets reach each chain and each rule of a table.
///
/// The sets hold at least all packets that can be there, so that an empty set is a proof. Written fields are followed exactly for bits of
/// marks; any other written field may have any value afterwards.
public struct TableReach: Sendable {
  /// The chains and where their rules lead.
  let graph: ChainGraph
  /// The sets of packets.
  var space: PacketSpace
  /// By chain and rule: what the rule matches. Empty for flat chains; see ``sets(of:)``.
  let storedSets: [[RuleSets]]
  /// By chain: the packets that enter it. For a chain that no built-in chain leads to, the packets that would enter it from any hook.
  private(set) var entries: [PacketSet]
  /// By chain: whether a built-in chain leads to it by some sequence of jumps.
  let isAttached: [Bool]
  /// By chain: the hooks from which it is called, or all hooks of the table if there are none.
  let hooks: [HookMask]
  /// By chain: the packets that may return to the caller, as they enter the chain.
  let returning: [PacketSet]
  /// By chain: the packets that get to its end.
  private(set) var rests: [PacketSet]
  /// By hook: the packets that enter the table; nil for all that there are at its hooks.
  private var entering: [Hook: PacketSet]?
  /// By chain and rule: the packets that get to the rule.
  private(set) var arriving: [[PacketSet]]
  /// By chain and rule: the packets that get to the rule and match.
  private(set) var hits: [[PacketSet]]
  /// The long chains without jumps. Of these ``arriving`` and ``hits`` are more than the packets that get to a rule, because those are too
  /// many to write down; what no packet gets to is empty nevertheless.
  var flatChains: [Int: FlatChain] = [:]
  /// By long chain: the rules of which nothing is known, because the search would take too long.
  private(set) var unknown: [Int: [Int]] = [:]
  /// For rules of these chains that no packet gets to: the earlier rules that take their packets.
  private(set) var takers: [RulePosition: [Int]] = [:]

  /// Analyses a table. Nil if it has a loop or a jump to a missing chain, or the limit of nodes was reached: nothing is then decided.
  ///
  /// - Parameters:
  ///   - limit: the greatest number of nodes of the sets' diagram; by default four million, and more for many rules.
  ///   - enteredByAll: the names of chains that any packet may enter, besides the packets of the rules that lead to them.
  ///   - flatFrom: the number of rules from which a chain without jumps is searched rule by rule.
  public init?(_ table: Table, limit: Int? = nil, enteredByAll: Set<String> = [], flatFrom: Int = FlatChain.leastRules) {
    guard let graph = ChainGraph(table) else { return nil }
    let isFlat = table.chains.indices.map { table.chains[$0].rules.count >= flatFrom && graph.isFlat($0) }
    let stored = table.chains.indices.reduce(0) { isFlat[$1] ? $0 : $0 + table.chains[$1].rules.count }
    let limit = limit ?? min(max(1 << 22, stored << 7), 1 << 24)
    var tests = FieldTests(table.family)
    tests.add(table)
    let open = Set(table.chains.indices.filter { enteredByAll.contains(table.chains[$0].name) })
    self.init(graph, in: PacketSpace(tests, limit: limit), isFlat, open)
    walkAll(open)
    if space.isExhausted { return nil }
  }

  /// Prepares the analysis of a table for ``enter(_:)``.
  ///
  /// - Parameter space: a space with the tests of the table, and of others.
  init?(_ graph: ChainGraph, in space: PacketSpace) {
    let chains = graph.table.chains
    self.init(graph, in: space, chains.indices.map { chains[$0].rules.count >= FlatChain.leastRules && graph.isFlat($0) }, [])
  }

  /// Calculates what the rules match. Nil if the limit of nodes is reached.
  private init?(_ graph: ChainGraph, in space: PacketSpace, _ isFlat: [Bool], _ open: Set<Int>) {
    let table = graph.table
    var space = space
    if space.isExhausted { return nil }
    var sets: [[RuleSets]] = []
    for (index, chain) in table.chains.enumerated() {
      var chainSets: [RuleSets] = []
      for (position, rule) in chain.rules.enumerated() where !isFlat[index] {
        let effects = graph.writes[index][position]?.byMatches ?? []
        chainSets.append(RuleSets(rule.condition(table.family), writing: effects, in: &space))
      }
      sets.append(chainSets)
      if space.isExhausted { return nil }
    }
    self.graph = graph
    storedSets = sets
    returning = Self.returning(graph, sets, &space)
    (isAttached, hooks) = Self.attached(graph, open)
    self.space = space
    entries = [PacketSet](repeating: .none, count: table.chains.count)
    rests = entries
    arriving = table.chains.map { [PacketSet](repeating: .none, count: $0.rules.count) }
    hits = arriving
    for index in isFlat.indices where isFlat[index] {
      flatChains[index] = FlatChain(table.chains[index].rules, graph.steps[index], &self.space)
    }
    if self.space.isExhausted { return nil }
  }

  /// Follows other packets through the table.
  ///
  /// - Parameter packets: by hook; none enter at others.
  mutating func enter(_ packets: [Hook: PacketSet]) {
    entering = packets
    for index in entries.indices {
      (entries[index], rests[index]) = (.none, .none)
      for position in hits[index].indices { (arriving[index][position], hits[index][position]) = (.none, .none) }
    }
    (unknown, takers) = ([:], [:])
    walkAll([])
  }

  /// The packets that may enter the table at a hook. Only packets that begin a connection, or a related one, are passed to the nat table.
  ///
  /// The corresponding kernel function is `nf_nat_inet_fn`.
  mutating func packets(at hook: Hook) -> PacketSet {
    if let entering { return entering[hook] ?? .none }
    let packets = space.packets(at: hook)
    guard graph.table.name == .nat else { return packets }
    return space.intersection(packets, space.beginningConnections())
  }

  private static func attached(_ graph: ChainGraph, _ open: Set<Int>) -> ([Bool], [HookMask]) {
    var hooks = graph.table.chains.enumerated().map { index, chain in
      chain.hook.map { HookMask($0) } ?? (open.contains(index) ? graph.table.name.hookMask : [])
    }
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
    for index in graph.order.reversed() where graph.table.chains[index].hook == nil {
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

  private mutating func walkAll(_ open: Set<Int>) {
    let table = graph.table
    let called = graph.called
    for index in graph.order where table.chains[index].hook != nil || !isAttached[index] || open.contains(index) {
      // A chain that nothing leads to is looked at as if every packet entered it; what only such chains lead to follows from them.
      guard table.chains[index].hook != nil || !called.contains(index) || open.contains(index) else { continue }
      for hook in hooks[index].hooks { entries[index] = space.union(entries[index], packets(at: hook)) }
    }
    for index in graph.order {
      walk(index)
      if space.isExhausted { return }
    }
  }

  /// What a rule matches. For a rule of a flat chain it is calculated anew each time.
  mutating func sets(of place: RulePosition) -> RuleSets {
    flatChains[place.chain]?.sets(of: place.rule, &space) ?? storedSets[place.chain][place.rule]
  }

  private mutating func walkFlat(_ index: Int, _ flat: FlatChain) {
    var chain = flat
    defer { flatChains[index] = chain }
    let entering = entries[index]
    for position in graph.steps[index].indices {
      arriving[index][position] = entering
      switch chain.answer(position, entering, &space) {
      case .none: break
      case .reached: hits[index][position] = entering
      case .unknown:
        hits[index][position] = entering
        unknown[index, default: []].append(position)
      case .taken(let takers): self.takers[RulePosition(chain: index, rule: position)] = takers
      }
      // Behind a rule that takes everything, nothing arrives.
      if chain.takesAll(position, entering, &space) || space.isExhausted { return }
    }
    rests[index] = entering
  }

  /// Packets of a set that get to a rule and match: all of them, or one if its chain is a flat one.
  mutating func hits(of place: RulePosition, in packets: PacketSet) -> PacketSet {
    let possible = space.intersection(packets, hits[place.chain][place.rule])
    guard let answer = flatChains[place.chain]?.answer(place.rule, possible, &space) else { return possible }
    guard case .reached(let point) = answer else { return .none }
    return space.packet(point)
  }

  private mutating func walk(_ index: Int) {
    if let chain = flatChains[index] { return walkFlat(index, chain) }
    var packets = entries[index]
    for position in storedSets[index].indices {
      if packets.isEmpty { return }
      arriving[index][position] = packets
      let set = storedSets[index][position]
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
    rests[index] = packets
  }

  /// A chain that no hook leads to adds nothing to one that a hook leads to.
  private mutating func enter(_ callee: Int, _ packets: PacketSet, from caller: Int) {
    guard isAttached[caller] || !isAttached[callee] else { return }
    entries[callee] = space.union(entries[callee], packets)
  }
}
