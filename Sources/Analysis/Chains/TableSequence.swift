import Conntrack
import Netfilter
import Wire
public import XTables

/// Which rules the first packets of connections get to and match, if the tables before their own are considered: in the order of the hooks,
/// with what each table drops and writes.
///
/// The sets hold at least all such packets, so that a rule which none of them matches is proved to have none. Only packets that begin a
/// connection are followed: those of known connections are translated without asking the nat table, and packets of no connection not at
/// all. Tables that the ruleset does not have are taken for empty. Packets of the host itself that arrive on `lo` have passed the nat table
/// already: they may come to INPUT with any content.
public struct TableSequence {
  /// A rule that matches no first packet, although one would match if its table were the only one.
  public struct Finding: Sendable {
    /// The table of the rule.
    public let table: TableName
    /// The rule.
    public let place: RulePosition
    /// The rules of earlier tables that decide about the witness or write what the rule tests, in order.
    public let blockers: [(table: TableName, place: RulePosition)]
    /// A packet that the rule's tests accept as it arrives, and that the blockers keep from the rule, as the evaluator shows.
    public let witness: Witness
  }

  /// The greatest number of rules of which all tables are followed.
  private static let mostRules = 10_000
  /// The hooks whose chains are followed.
  private static let hooks: HookMask = [.prerouting, .input, .forward, .output]

  private let ruleset: Ruleset
  private let programs: RulesetPrograms
  private var space: PacketSpace
  private let graphs: [TableName: ChainGraph]
  /// The analyses of the tables that packets were passed through.
  private var reaches: [TableName: TableReach] = [:]
  /// Whether the limit of nodes was reached in the analysis of a table.
  private var isAborted = false
  /// By table and hook: the packets that enter.
  private var entering: [TableName: [Hook: PacketSet]] = [:]
  /// By table, chain and rule: whether a first packet may match.
  private var isMatched: [TableName: [[Bool]]] = [:]
  /// By table and chain: whether a first packet may enter.
  private var isEntered: [TableName: [Bool]] = [:]

  /// Nil if nothing is decided, or if no table changes what another one sees.
  ///
  /// - Parameter limit: the greatest number of nodes of the sets' diagram.
  public init?(_ ruleset: Ruleset, limit: Int = 1 << 21) {
    let count = ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
    guard ruleset.tables.count > 1, count <= Self.mostRules, let programs = RulesetPrograms(ruleset) else { return nil }
    self.ruleset = ruleset
    self.programs = programs
    var tests = FieldTests(ruleset.family)
    tests.add(.test(.inputInterface, .range(InterfaceNames.key("lo")...InterfaceNames.key("lo"))))
    var graphs: [TableName: ChainGraph] = [:]
    for table in ruleset.tables {
      guard let graph = ChainGraph(table) else { return nil }
      // The raw table is asked before a packet has a connection.
      if table.asksForConnectionsEarly { return nil }
      tests.add(table)
      for case .change(let field, _, _) in graph.allEffects where field.name == "ct.state" {
        tests.add(.test(field, .range(UInt128(ConntrackState.new)...UInt128(ConntrackState.new))))
      }
      graphs[table.name] = graph
      isMatched[table.name] = graph.steps.map { [Bool](repeating: false, count: $0.count) }
      isEntered[table.name] = [Bool](repeating: false, count: graph.steps.count)
    }
    guard graphs.values.contains(where: \.changesPackets) else { return nil }
    self.graphs = graphs
    space = PacketSpace(tests, limit: limit)
    follow()
    if space.isExhausted || isAborted { return nil }
  }

  // MARK: The way of the packets

  private mutating func follow() {
    var arriving = first(at: .prerouting)
    for name in tables(at: .prerouting) { arriving = pass(name, .prerouting, arriving) }
    for hook in [Hook.input, .forward, .output] {
      var packets = hook == .output ? first(at: hook) : space.intersection(arriving, space.packets(at: hook))
      if hook == .input {
        let loopback = space.set(of: .inputInterface, .range(InterfaceNames.key("lo")...InterfaceNames.key("lo")))
        packets = space.union(packets, space.intersection(first(at: hook), loopback))
      }
      let names = tables(at: hook)
      for name in names.dropLast() { packets = pass(name, hook, packets) }
      // What leaves the last table is not followed.
      if let last = names.last { entering[last, default: [:]][hook] = asked(by: last, packets, at: hook) }
    }
    let last = Set([Hook.input, .forward, .output].compactMap { tables(at: $0).last })
    for name in TableName.allCases where last.contains(name) {
      if !withheld(from: name).isEmpty { note(name, entering[name] ?? [:]) }
    }
  }

  /// The tables of the ruleset through which packets pass at a hook, in order.
  private func tables(at hook: Hook) -> [TableName] { RulesetPrograms.tables(at: hook).filter { graphs[$0] != nil } }

  /// The packets at a hook that begin a connection.
  private mutating func first(at hook: Hook) -> PacketSet {
    let (packets, fresh) = (space.packets(at: hook), fresh())
    return space.intersection(packets, fresh)
  }

  /// The packets whose connection is new.
  private mutating func fresh() -> PacketSet {
    guard let code = state, !code.levels.isEmpty else { return .all }
    var result = PacketSet.none
    for range in code.field.values(at: .prerouting, space.family) where range.lowerBound & UInt128(ConntrackState.new) != 0 {
      result = space.union(result, space.set(of: code.field, .range(range)))
    }
    return result
  }

  private var state: FieldCode? { space.codes.first { $0.field.name == "ct.state" } }

  /// The packets that enter a table among those that come to it.
  private mutating func asked(by name: TableName, _ packets: PacketSet, at hook: Hook) -> PacketSet {
    let fresh = name == .nat ? fresh() : .all
    return space.intersection(space.intersection(packets, fresh), space.packets(at: hook))
  }

  /// By hook: the packets that begin a connection and would enter a table if it were the only one, but do not.
  private mutating func withheld(from name: TableName) -> [Hook: PacketSet] {
    var withheld: [Hook: PacketSet] = [:]
    for hook in name.hookMask.intersection(Self.hooks).hooks {
      let packets = first(at: hook)
      let missing = space.difference(packets, entering[name]?[hook] ?? .none)
      if !missing.isEmpty { withheld[hook] = missing }
    }
    return withheld
  }

  /// Passes packets through a table of a hook; those that leave it may have any other output interface.
  private mutating func pass(_ name: TableName, _ hook: Hook, _ packets: PacketSet) -> PacketSet {
    if packets.isEmpty { return packets }
    let entering = asked(by: name, packets, at: hook)
    self.entering[name, default: [:]][hook] = entering
    note(name, [hook: entering])
    var left = with(name) { reach, _ in reach.leaving() } ?? .none
    if name == .nat {
      // A translated connection has further bits of state.
      let fresh = fresh()
      left = space.intersection(space.projecting(left, [state].compactMap { $0 }), fresh)
      left = space.union(left, space.difference(packets, fresh))
    }
    return space.projecting(left, space.codes.filter { !$0.field.isKeptBetweenTables })
  }

  /// Follows packets through one table, and notes which rules they may match.
  private mutating func note(_ name: TableName, _ packets: [Hook: PacketSet]) {
    _ = with(name) { reach, sequence in
      reach.enter(packets)
      for (chain, hits) in reach.hits.enumerated() where reach.isCalled(chain: chain) {
        if !reach.entries[chain].isEmpty { sequence.isEntered[name]?[chain] = true }
        for (rule, hit) in hits.enumerated() where !hit.isEmpty { sequence.isMatched[name]?[chain][rule] = true }
      }
    }
  }

  /// Does something with the analysis of a table, which has the sets meanwhile: there is only one diagram, and it is not copied.
  private mutating func with<Result>(
    _ name: TableName, _ body: (inout TableReach, inout TableSequence) -> Result
  ) -> Result? {
    if reaches[name] == nil { prepare(name) }
    guard var reach = reaches.removeValue(forKey: name) else { return nil }
    swap(&space, &reach.space)
    defer {
      swap(&space, &reach.space)
      reaches[name] = reach
    }
    return body(&reach, &self)
  }

  /// Makes the analysis of a table.
  private mutating func prepare(_ name: TableName) {
    guard let graph = graphs[name], let reach = TableReach(graph, in: space) else {
      isAborted = true
      return
    }
    space = reach.space
    reaches[name] = reach
  }

  // MARK: Findings

  /// The rules that no first packet matches because of earlier tables. Rules of chains that no first packet enters are left out:
  /// those that lead to the chain are named.
  public mutating func findings() -> [Finding] {
    var found: [Finding] = []
    for table in ruleset.tables where !table.name.hookMask.intersection(Self.hooks).isEmpty {
      var packets: [Hook: PacketSet] = [:]
      for hook in table.name.hookMask.intersection(Self.hooks).hooks { packets[hook] = first(at: hook) }
      // A rule that no packet matches which enters the table can only be matched by those that do not.
      let withheld = withheld(from: table.name)
      if withheld.isEmpty { continue }
      let alone = with(table.name) { reach, sequence in
        reach.enter(withheld)
        return sequence.candidates(in: reach)
      }
      for place in alone ?? [] {
        if let finding = finding(table, place, packets) { found.append(finding) }
        if space.isExhausted { return [] }
      }
    }
    return found
  }

  /// The rules that match first packets if their table is the only one, and none otherwise.
  private func candidates(in reach: TableReach) -> [RulePosition] {
    let name = reach.graph.table.name
    guard let isMatched = isMatched[name], let isEntered = isEntered[name] else { return [] }
    return reach.graph.steps.indices.flatMap { chain -> [RulePosition] in
      guard reach.isCalled(chain: chain), isEntered[chain], Self.hooks.isSuperset(of: reach.hooks[chain]) else { return [] }
      return reach.graph.steps[chain].indices.filter { !isMatched[chain][$0] && !reach.isDead(chain: chain, rule: $0) }
        .map { RulePosition(chain: chain, rule: $0) }
    }
  }

  /// The finding about a rule, if a packet shows it.
  private mutating func finding(_ table: Table, _ place: RulePosition, _ packets: [Hook: PacketSet]) -> Finding? {
    let condition = table[place].condition(table.family)
    for (hook, entering) in packets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let found = with(table.name) { reach, _ -> Witness? in
        guard reach.hooks[place.chain].contains(HookMask(hook)) else { return nil }
        return reach.passing { reach in
          let possible = reach.space.intersection(entering, reach.hits(of: place, in: .all))
          return reach.space.witness(of: possible, at: hook)
        }
      }
      guard let witness = found ?? nil else { continue }
      for stated in witness.statements {
        guard var context = stated.context(), condition.outcome(&context) == .matched, let walk = programs.walk(stated) else { break }
        let blockers = blockers(of: condition, in: walk, before: table.name, at: hook)
        if !blockers.isEmpty { return Finding(table: table.name, place: place, blockers: blockers, witness: stated) }
      }
    }
    return nil
  }

  /// The rules on a packet's way, in tables before one, that refuse it or write what a condition tests.
  private func blockers(
    of condition: Condition, in walk: RulesetWalk, before name: TableName, at hook: Hook
  ) -> [(table: TableName, place: RulePosition)] {
    let fields = condition.fields
    return walk.rules.filter { table, place in
      guard let rule = ruleset[table: table]?[place], comes(table, place, before: name, at: hook) else { return false }
      if walk.verdict != .accept, walk.table == table, walk.place == place { return true }
      let writes = FieldWrites(rule.effects(ruleset.family))
      return fields.contains { writes.changes($0) }
    }
  }

  /// Whether packets at a hook have passed a rule's table before they come to another table.
  private func comes(_ table: TableName, _ place: RulePosition, before name: TableName, at hook: Hook) -> Bool {
    guard let hooks = reaches[table]?.hooks[place.chain] else { return false }
    if hook == .input || hook == .forward, hooks.contains(.prerouting) { return true }
    let order = RulesetPrograms.tables(at: hook)
    guard hooks.contains(HookMask(hook)), let one = order.firstIndex(of: table), let other = order.firstIndex(of: name) else {
      return false
    }
    return one < other
  }
}

extension ChainGraph {
  /// The effects of all rules.
  fileprivate var allEffects: [FieldEffect] { writes.flatMap { $0.values.flatMap { $0.byMatches + $0.byTarget } } }

  /// Whether some packets leave the table with another content, or not at all.
  fileprivate var changesPackets: Bool {
    writes.contains { !$0.isEmpty } || table.chains.contains { $0.policy == .drop || $0.rules.contains { $0.target == .verdict(.drop) } }
  }
}

extension TableReach {
  /// Packets among which are all those that leave the table without being dropped, as they are then.
  mutating func leaving() -> PacketSet {
    var result = PacketSet.none
    for (index, chain) in graph.table.chains.enumerated() where isCalled(chain: index) {
      let isAccepting = chain.hook != nil && chain.policy != .drop
      for position in chain.rules.indices where !hits[index][position].isEmpty {
        let writes = graph.writes[index][position]
        let hit = space.image(hits[index][position], after: writes?.byMatches ?? [])
        switch graph.steps[index][position] {
        case .ends where chain.rules[position].target != .verdict(.drop):
          result = space.union(result, space.image(hit, after: writes?.byTarget ?? []))
        case .returns where isAccepting: result = space.union(result, hit)
        case .goto(let callee) where isAccepting:
          let back = space.intersection(hit, returning[callee])
          result = space.union(result, space.preimage(back, before: graph.chainWrites[callee]))
        case .ends, .returns, .goto, .proceeds, .jump: break
        }
      }
      if isAccepting { result = space.union(result, rests[index]) }
    }
    return result
  }
}
