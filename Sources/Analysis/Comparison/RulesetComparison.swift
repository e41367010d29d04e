import Conntrack
import Netfilter
import Wire
public import XTables

/// Which packets two rulesets of one family treat differently.
///
/// The tables are compared one by one: they are equal if, at each hook, every packet undergoes the same effects and the same verdict. That
/// the whole rulesets differ is shown by packets, which pass all tables of both.
public struct RulesetComparison: Sendable {
  /// The answer.
  public enum Result: String, Sendable {
    /// Proved: every packet is treated in the same way.
    case equal
    /// Shown: a packet is treated differently.
    case different
    /// Neither is proved.
    case undecided
  }

  /// Packets that are treated differently, all in the same way.
  public struct Region: Sendable {
    /// The packets.
    public let packets: PacketRegion
    /// One of the packets, or a packet as it arrives that earlier tables turn into one of them.
    public let witness: Witness
    /// Whether the witness is such a packet as it arrives.
    public let isRewritten: Bool
    /// What the first ruleset does with it.
    public let before: RulesetWalk
    /// What the second one does.
    public let after: RulesetWalk
    /// The table in which the difference was found.
    public let table: TableName
  }

  /// The answer.
  public let result: Result
  /// Packets that are treated differently, each with other deciding rules. Those that are accepted by only one ruleset come first.
  public let regions: [Region]
  /// The rules and policies that differ, table by table, chain by chain; those whose counters alone differ are among them.
  public let changes: [RuleChange]

  /// Compares two rulesets.
  ///
  /// - Parameter limit: the greatest number of nodes of the sets' diagram of one table.
  public init(_ before: Ruleset, _ after: Ruleset, limit: Int = 1 << 23) {
    var search = DifferenceSearch(before, after)
    for name in TableName.allCases { search.compare(name, limit: limit) }
    changes = search.changes
    regions = search.regions.sorted { Self.weight($0) < Self.weight($1) }
    result = !regions.isEmpty ? .different : search.isProved ? .equal : .undecided
  }

  /// Whether the evaluator treats a packet differently under two rulesets.
  public static func differs(_ before: Ruleset, _ after: Ruleset, _ witness: Witness) -> Bool {
    guard let (one, other) = RulesetPrograms(before).flatMap({ one in RulesetPrograms(after).map { (one, $0) } }) else { return false }
    let written = one.written.union(other.written)
    guard let left = one.walk(witness, reading: written), let right = other.walk(witness, reading: written) else { return false }
    return !left.isSame(as: right, before.family)
  }

  /// 0 for packets that only the second ruleset accepts, 1 for those that only the first accepts, 2 for others.
  private static func weight(_ region: Region) -> Int {
    switch (region.before.verdict == .accept, region.after.verdict == .accept) {
    case (false, true): 0
    case (true, false): 1
    default: 2
    }
  }
}

/// The search for differing packets, table by table.
private struct DifferenceSearch {
  private let before: Ruleset
  private let after: Ruleset
  private let programs: Programs?
  /// The tables of both, and what their targets write.
  struct Programs {
    let before: RulesetPrograms
    let after: RulesetPrograms
    private let written: Set<Field>

    init(_ before: RulesetPrograms, _ after: RulesetPrograms) {
      (self.before, self.after) = (before, after)
      written = before.written.union(after.written)
    }

    /// What each of them does with a packet; nil if it cannot be built.
    func walks(_ witness: Witness) -> (before: RulesetWalk, after: RulesetWalk)? {
      guard let one = before.walk(witness, reading: written), let other = after.walk(witness, reading: written) else { return nil }
      return (one, other)
    }
  }

  /// Whether every difference between the tables is shown by a region, and all else is proved equal.
  private(set) var isProved = true
  private(set) var regions: [RulesetComparison.Region] = []
  private(set) var changes: [RuleChange] = []
  /// The greatest number of regions.
  private static let limit = 100

  init(_ before: Ruleset, _ after: Ruleset) {
    self.before = before
    self.after = after
    if let one = RulesetPrograms(before), let other = RulesetPrograms(after) { programs = Programs(one, other) } else { programs = nil }
  }

  mutating func compare(_ name: TableName, limit: Int) {
    let tables = (before[table: name] ?? Table(name, before.family), after[table: name] ?? Table(name, before.family))
    let changes = RuleChanges(tables.0, tables.1)
    self.changes += changes.all
    if tables.0.isSame(as: tables.1) { return }
    guard let programs, let graph = ChainGraph(tables.0), let otherGraph = ChainGraph(tables.1) else {
      isProved = false
      return
    }
    var tests = FieldTests(before.family)
    var names = ChanceNames()
    let one = TableConditions(tables.0, &names, &tests)
    names.restart()
    let other = TableConditions(tables.1, &names, &tests)
    var space = PacketSpace(tests, limit: limit)
    guard !space.isExhausted else {
      isProved = false
      return
    }
    var log = EffectLog()
    let lost = (graph.levelsLost(space), otherGraph.levelsLost(space))
    var touched = changes.changesPolicy ? PacketSet.all : .none
    if touched.isEmpty {
      let every = Dictionary(uniqueKeysWithValues: name.hooks.map { ($0, PacketSet.all) })
      for (places, graph, named, lost) in [(changes.before, graph, one, lost.0), (changes.after, otherGraph, other, lost.1)] {
        var stretches = RuleStretches(graph, named, apart: [])
        let entries = TableOutcomes.entries(graph, &stretches, losing: lost, every, leadingTo: Set(places.map(\.chain)), &space)
        for place in places {
          let own = Self.touched(graph.table[place], named[place.chain, place.rule], &space)
          touched = space.union(touched, space.intersection(own, entries[place.chain]))
        }
      }
      for graph in [graph, otherGraph] { touched = space.preimage(touched, before: graph.allWrites) }
    }
    let within = Dictionary(uniqueKeysWithValues: name.hooks.map { ($0, touched) })
    let outcomes = (
      TableOutcomes(graph, one, losing: lost.0, within: within, askingFor: Set(changes.before), &log, &space),
      TableOutcomes(otherGraph, other, losing: lost.1, within: within, askingFor: Set(changes.after), &log, &space)
    )
    guard !space.isExhausted, !outcomes.0.isAborted, !outcomes.1.isAborted else {
      isProved = false
      return
    }
    if !outcomes.0.isExact || !outcomes.1.isExact { isProved = false }
    let hasChance = one.hasChance || other.hasChance
    for hook in name.hooks {
      var possible = space.packets(at: hook)
      if name == .nat { possible = space.intersection(possible, space.beginningConnections()) }
      let asked = Self.difference(outcomes.0.questions[hook] ?? [:], outcomes.1.questions[hook] ?? [:], &space)
      if !space.areDisjoint(asked, possible) { isProved = false }
      let differing = Self.difference(outcomes.0.outcomes[hook] ?? [:], outcomes.1.outcomes[hook] ?? [:], &space)
      let rest = space.intersection(differing, possible)
      if rest.isEmpty { continue }
      isProved = false
      let changed =
        changes.before.map { outcomes.0.hits[$0] ?? .none } + changes.after.map { outcomes.1.hits[$0] ?? .none }
      let ways = Self.ways(outcomes.0.outcomes[hook] ?? [:], outcomes.1.outcomes[hook] ?? [:], among: rest, &space)
      show(changed, ways, hook, name, programs, hasChance: hasChance, &space)
      if space.isExhausted { return }
    }
  }

  /// The packets for which two functions differ, which are given by the packets of each result.
  private static func difference<Key: Hashable>(_ one: [Key: PacketSet], _ other: [Key: PacketSet], _ space: inout PacketSpace) -> PacketSet
  {
    var result = PacketSet.none
    for key in Set(one.keys).union(other.keys) {
      let (left, right) = (one[key] ?? .none, other[key] ?? .none)
      if left == right { continue }
      result = space.union(result, space.union(space.difference(left, right), space.difference(right, left)))
    }
    return result
  }

  /// The packets that a rule may treat in any way: those that it does not pass to the next rule without asking chance or state.
  private static func touched(
    _ rule: Rule, _ named: TableConditions.Named, _ space: inout PacketSpace
  ) -> PacketSet {
    let decision = named.condition.decide(&space)
    let touched = space.difference(space.union(decision.fails, decision.absent), decision.doomed).complement
    guard !named.chances.isEmpty else { return touched }
    return space.union(touched, rule.header.condition(space.family).decide(&space).holds)
  }

  /// The greatest number of seeds with which a packet is tried where chance decides.
  private static let seeds: UInt64 = 24

  /// The packet with a seed with which both rulesets treat it differently, and how; nil if no seed shows that.
  private static func differing(
    _ witness: Witness, _ programs: Programs, seeds: UInt64
  ) -> (Witness, RulesetWalk, RulesetWalk)? {
    for seed in 1...seeds {
      for (number, stated) in witness.statements.enumerated() {
        let tried = stated.with(seed: seed)
        guard let (before, after) = programs.walks(tried) else { return nil }
        if before.verdict == .unknown || after.verdict == .unknown { continue }
        if !before.isSame(as: after, witness.draft.family) { return (tried, before, after) }
        // What is decided without a fact stays so with each; otherwise another host may show the difference, such as that of the destination.
        if number == 0 { break }
      }
    }
    return nil
  }

  /// The same for a packet of a set, or for one that an earlier table turns into it. No packet arrives with a mark.
  private static func shown(
    _ witness: Witness, _ rewrites: EarlierRewrites, _ programs: Programs, seeds: UInt64
  ) -> (witness: Witness, before: RulesetWalk, after: RulesetWalk, isRewritten: Bool)? {
    if witness.draft.input == nil || witness.draft.mark == 0, let found = differing(witness, programs, seeds: seeds) {
      return (found.0, found.1, found.2, false)
    }
    for original in rewrites.originals(of: witness) {
      if let found = differing(original, programs, seeds: seeds) { return (found.0, found.1, found.2, true) }
    }
    return nil
  }

  /// The greatest number of pairs of outcomes by which a set is divided.
  private static let waysLimit = 256

  /// The parts of a set whose packets are treated in one way by each ruleset; the set itself if there would be too many.
  private static func ways(
    _ one: [TableOutcomes.Outcome: PacketSet], _ other: [TableOutcomes.Outcome: PacketSet], among packets: PacketSet,
    _ space: inout PacketSpace
  ) -> [PacketSet] {
    let before = one.filter { !space.areDisjoint($0.value, packets) }
    let after = other.filter { !space.areDisjoint($0.value, packets) }
    guard before.count * after.count <= waysLimit else { return [packets] }
    var ways: [PacketSet] = []
    for (outcome, left) in before.ascending {
      for (otherOutcome, right) in after.ascending where outcome != otherOutcome {
        let part = space.intersection(space.intersection(left, right), packets)
        if !part.isEmpty { ways.append(part) }
      }
    }
    return ways
  }

  /// Finds packets of a set: of each changed rule first, those with few packets before others, then of what is left.
  private mutating func show(
    _ changed: [PacketSet], _ ways: [PacketSet], _ hook: Hook, _ table: TableName,
    _ programs: Programs, hasChance: Bool, _ space: inout PacketSpace
  ) {
    let possible = space.packets(at: hook)
    let frame = space.frame(of: possible)
    let rewrites = EarlierRewrites([before, after], before: table, at: hook)
    let sizes = changed.map { space.share(of: $0) }
    let ordered = changed.indices.sorted { (sizes[$0], $0) < (sizes[$1], $1) }.map { changed[$0] }
    for way in ways {
      var rest = way
      for set in ordered + [.all] {
        guard regions.count < Self.limit, !space.isExhausted else { return }
        let part = space.intersection(rest, set)
        if part.isEmpty { continue }
        rest = space.difference(rest, part)
        for candidate in space.byState(part) + [part] {
          guard let packet = space.witness(of: candidate, at: hook),
            let found = Self.shown(packet, rewrites, programs, seeds: hasChance ? Self.seeds : 1)
          else { continue }
          let isKnown = regions.contains { region in
            region.table == table && region.witness.hook == hook && region.before.place == found.before.place
              && region.after.place == found.after.place && region.before.verdict == found.before.verdict
              && region.after.verdict == found.after.verdict
          }
          if !isKnown {
            regions.append(
              RulesetComparison.Region(
                packets: space.region(of: part, in: frame), witness: found.witness, isRewritten: found.isRewritten, before: found.before,
                after: found.after, table: table))
          }
          break
        }
      }
    }
  }
}

extension Table {
  /// Whether two tables have the same chains, in whatever order, with the same policies and the same rules.
  fileprivate func isSame(as other: Table) -> Bool {
    guard chains.count == other.chains.count else { return false }
    return chains.allSatisfy { chain in
      guard let twin = other[chain: chain.name], twin.policy == chain.policy, twin.rules.count == chain.rules.count else { return false }
      return zip(chain.rules, twin.rules).allSatisfy { $0.isSame(as: $1) }
    }
  }
}
