import Conntrack
import Netfilter
import Wire
import XTables

/// What a table does with each packet: for every sequence of effects and every ending, the packets that undergo it.
///
/// The sets are exact as long as ``isExact`` is true: then they are disjoint, and each packet is in one.
struct TableOutcomes {
  /// How a packet leaves a chain.
  enum Ending: Hashable {
    case returned
    case verdict(StandardVerdict)
    /// A target that always gives a verdict.
    case target(Int)

    /// A number for an order that is the same in each run.
    fileprivate var number: Int {
      switch self {
      case .returned: -1
      case .verdict(let verdict): -2 - (StandardVerdict.allCases.firstIndex(of: verdict) ?? 0)
      case .target(let use): use
      }
    }
  }

  /// The effects on the way, and the ending.
  struct Outcome: Hashable, Comparable {
    let effects: Int
    let ending: Ending

    static func < (left: Outcome, right: Outcome) -> Bool {
      (left.effects, left.ending.number) < (right.effects, right.ending.number)
    }
  }

  /// What a chain does with the packets that enter it.
  private struct Summary {
    var outcomes: [Outcome: PacketSet] = [:]
    /// The packets for which chance or state is asked, by the name of the question.
    var questions: [Field: PacketSet] = [:]
  }

  /// By hook.
  private(set) var outcomes: [Hook: [Outcome: PacketSet]] = [:]
  private(set) var questions: [Hook: [Field: PacketSet]] = [:]
  /// Whether the sets are exact. If not, equal sets prove nothing.
  private(set) var isExact = true
  /// Whether a limit was reached, so that there are no outcomes.
  private(set) var isAborted = false
  /// By chain and rule: what the rule matches.
  private(set) var hits: [[PacketSet]] = []

  /// By chain: packets among which are all those that enter it.
  private let entries: [PacketSet]
  /// By chain: the decisions of its first rules.
  private let decisions: [[Decision<PacketSet>]]

  /// The greatest number of different effects that packets may have in a chain, and of outcomes of a chain.
  private static let limits = (classes: 256, outcomes: 100_000)

  /// - Parameters:
  ///   - lost: the levels whose value is not known after some rule of the table.
  ///   - within: by hook, the packets that are followed; nothing is said of others. Hooks that are not named are left out.
  init(
    _ graph: ChainGraph, _ conditions: TableConditions, losing lost: [Int], within: [Hook: PacketSet], _ log: inout EffectLog,
    _ space: inout PacketSpace
  ) {
    let chains = graph.table.chains
    (entries, decisions) = Self.entries(graph, conditions, losing: lost, within, &space)
    hits = chains.map { [PacketSet](repeating: .none, count: $0.rules.count) }
    var summaries = [Summary](repeating: Summary(), count: chains.count)
    var calls = [Int](repeating: 0, count: chains.count)
    for steps in graph.steps {
      for step in steps { if let callee = step.callee { calls[callee] += 1 } }
    }
    for index in graph.order.reversed() where !entries[index].isEmpty {
      summaries[index] = walk(index, graph, conditions, summaries, calls, &log, &space)
      if space.isExhausted || isAborted { return }
    }
    for (index, chain) in chains.enumerated() {
      guard let hook = chain.hook, within[hook] != nil else { continue }
      var outcomes: [Outcome: PacketSet] = [:]
      for (outcome, packets) in summaries[index].outcomes.ascending {
        let ending = outcome.ending == .returned ? .verdict(chain.policy == .drop ? .drop : .accept) : outcome.ending
        let known = outcomes[Outcome(effects: outcome.effects, ending: ending)] ?? .none
        outcomes[Outcome(effects: outcome.effects, ending: ending)] = space.union(known, packets)
      }
      self.outcomes[hook] = outcomes
      questions[hook] = summaries[index].questions
    }
  }

  /// From the callers to what they call: packets among which are all those that enter each chain, and what was decided of its first rules.
  ///
  /// - Parameter wanted: the chains that are asked for; others may get no packets. Nil for all.
  static func entries(
    _ graph: ChainGraph, _ conditions: TableConditions, losing lost: [Int], _ within: [Hook: PacketSet], leadingTo wanted: Set<Int>? = nil,
    _ space: inout PacketSpace
  ) -> (packets: [PacketSet], decisions: [[Decision<PacketSet>]]) {
    var decisions = [[Decision<PacketSet>]](repeating: [], count: graph.steps.count)
    var entries = graph.table.chains.map { $0.hook.flatMap { within[$0] } ?? .none }
    let ends = graph.ends(leadingTo: wanted)
    // What a chain does is not to depend on values that are not known where it is entered.
    func enter(_ callee: Int, _ packets: PacketSet) {
      entries[callee] = space.union(entries[callee], space.projecting(packets, levels: lost))
    }
    for index in graph.order where !entries[index].isEmpty {
      var packets = entries[index]
      for (position, step) in graph.steps[index].prefix(ends[index]).enumerated() {
        if packets.isEmpty { break }
        let writes = graph.writes[index][position]
        let decision = conditions[index, position].condition.decide(&space)
        decisions[index].append(decision)
        var hit = step.isFollowed ? space.intersection(packets, space.union(decision.holds, decision.undecided)) : .none
        packets = space.intersection(packets, decision.misses(&space))
        if let writes, !writes.byMatches.isEmpty {
          hit = space.image(hit, after: writes.byMatches)
          packets = space.image(packets, after: writes.byMatches)
        }
        if hit.isEmpty { continue }
        switch step {
        case .ends, .returns: break
        case .proceeds: packets = space.union(packets, space.image(hit, after: writes?.byTarget ?? []))
        case .goto(let callee): enter(callee, hit)
        case .jump(let callee):
          enter(callee, hit)
          packets = space.union(packets, space.preimage(hit, before: graph.chainWrites[callee]))
        }
        if space.isExhausted { return (entries, decisions) }
      }
    }
    return (entries, decisions)
  }

  private mutating func walk(
    _ index: Int, _ graph: ChainGraph, _ conditions: TableConditions, _ summaries: [Summary], _ calls: [Int], _ log: inout EffectLog,
    _ space: inout PacketSpace
  ) -> Summary {
    var summary = Summary()
    var classes: [Int: PacketSet] = [0: entries[index]]
    let rules = graph.table.chains[index].rules
    for position in rules.indices {
      let named = conditions[index, position]
      let known = position < decisions[index].count ? decisions[index][position] : nil
      let set = exact(known ?? named.condition.decide(&space), rules[position], &space)
      hits[index][position] = set.hit
      var next: [Int: PacketSet] = [:]
      for (effects, packets) in classes.ascending {
        if log.loses(effects, set.hit, space) || log.loses(effects, set.miss, space) { isExact = false }
        if !set.isExact, !space.areDisjoint(packets, log.before(effects, set.miss, &space).complement) { isExact = false }
        ask(named, rules[position], packets, effects, &summary, log, &space)
        let hit = space.intersection(packets, log.before(effects, set.hit, &space))
        let dropped = space.intersection(packets, log.before(effects, set.dropped, &space))
        let isMissed = hit.isEmpty && dropped.isEmpty
        let miss = isMissed ? packets : space.intersection(packets, log.before(effects, set.miss, &space))
        add(dropped, Outcome(effects: effects, ending: .verdict(.drop)), &summary, &space)
        add(miss, effects, &next, &space)
        guard !hit.isEmpty else { continue }
        switch graph.steps[index][position] {
        case .ends: add(hit, Outcome(effects: effects, ending: ending(rules[position].target, &log, space.family)), &summary, &space)
        case .returns: add(hit, Outcome(effects: effects, ending: .returned), &summary, &space)
        case .proceeds:
          guard case .use(let use) = rules[position].target else {
            add(hit, effects, &next, &space)
            continue
          }
          add(hit, log.appending(log.number(of: use, space.family), to: effects, &space), &next, &space)
        case .jump(let callee), .goto(let callee):
          enter(
            summaries[callee], isCalledOften: calls[callee] > 1, hit, effects, graph.steps[index][position], &summary, &next, &log, &space)
        }
      }
      classes = next
      if classes.count > Self.limits.classes || summary.outcomes.count > Self.limits.outcomes { (isExact, isAborted) = (false, true) }
      if isAborted || space.isExhausted || classes.isEmpty { return summary }
    }
    for (effects, packets) in classes.ascending { add(packets, Outcome(effects: effects, ending: .returned), &summary, &space) }
    return summary
  }

  /// What a rule does with each packet.
  private struct RuleOutcome {
    /// The packets that it matches, and those that proceed without being matched.
    let hit, miss: PacketSet
    /// The packets that are dropped in a match, or after the rule.
    let dropped: PacketSet
    /// Whether the sets are exact.
    let isExact: Bool
  }

  /// What a rule does by the decision of its condition, in which chance has names.
  private func exact(_ decision: Decision<PacketSet>, _ rule: Rule, _ space: inout PacketSpace) -> RuleOutcome {
    var isExact = decision.undecided.isEmpty
    if !decision.doomed.isEmpty, case .use = rule.target { isExact = false }
    // What a match of the rule itself writes is not followed.
    if rule.matches.contains(where: { !$0.effects(space.family).isEmpty }) { isExact = false }
    let hit = space.difference(decision.holds, decision.doomed)
    let miss = space.difference(space.union(decision.fails, decision.absent), decision.doomed)
    return RuleOutcome(hit: hit, miss: miss, dropped: space.union(hit, miss).complement, isExact: isExact)
  }

  /// Notes for which packets chance or state is asked: asking may change it.
  private mutating func ask(
    _ named: TableConditions.Named, _ rule: Rule, _ packets: PacketSet, _ effects: Int, _ summary: inout Summary,
    _ log: EffectLog, _ space: inout PacketSpace
  ) {
    guard !named.chances.isEmpty else { return }
    let header = rule.header.condition(space.family).decide(&space).holds
    let asked = space.intersection(packets, log.before(effects, header, &space))
    guard !asked.isEmpty else { return }
    // A list that other rules know is changed in the order of the rules, which is not followed.
    if rule.matches.contains(where: { !$0.condition(space.family).isDecidable && !$0.descriptor.objects($0.payload).isEmpty }) {
      isExact = false
    }
    for field in named.chances {
      summary.questions[field] = space.union(summary.questions[field] ?? .none, asked)
    }
  }

  private mutating func enter(
    _ callee: Summary, isCalledOften: Bool, _ packets: PacketSet, _ effects: Int, _ step: ChainGraph.Step, _ summary: inout Summary,
    _ next: inout [Int: PacketSet], _ log: inout EffectLog, _ space: inout PacketSpace
  ) {
    // A packet that visits a chain twice is asked twice; the names stand for one answer.
    if isCalledOften, !callee.questions.isEmpty, space.depends(packets, on: callee.questions.keys) { isExact = false }
    for (field, asked) in callee.questions {
      let here = space.intersection(packets, log.before(effects, asked, &space))
      if !here.isEmpty { summary.questions[field] = space.union(summary.questions[field] ?? .none, here) }
    }
    var rest = packets
    for (outcome, guarded) in callee.outcomes.ascending {
      if log.loses(effects, guarded, space) { isExact = false }
      let here = space.intersection(packets, log.before(effects, guarded, &space))
      guard !here.isEmpty else { continue }
      rest = space.difference(rest, here)
      let all = log.joined(effects, outcome.effects, &space)
      if outcome.ending == .returned, case .jump = step {
        add(here, all, &next, &space)
      } else {
        add(here, Outcome(effects: all, ending: outcome.ending), &summary, &space)
      }
    }
    if !rest.isEmpty { isExact = false }
  }

  private func ending(_ target: RuleTarget, _ log: inout EffectLog, _ family: Family) -> Ending {
    switch target {
    case .verdict(let verdict): .verdict(verdict)
    case .use(let use): .target(log.number(of: use, family))
    case .none, .jump, .goto: .returned
    }
  }

  private func add(_ packets: PacketSet, _ outcome: Outcome, _ summary: inout Summary, _ space: inout PacketSpace) {
    guard !packets.isEmpty else { return }
    summary.outcomes[outcome] = space.union(summary.outcomes[outcome] ?? .none, packets)
  }

  private func add(_ packets: PacketSet, _ effects: Int, _ classes: inout [Int: PacketSet], _ space: inout PacketSpace) {
    guard !packets.isEmpty else { return }
    classes[effects] = space.union(classes[effects] ?? .none, packets)
  }
}

extension Dictionary where Key: Comparable {
  /// The elements in the order of their keys: effects are numbered in the order in which they are met, and that is to be the same in each run.
  var ascending: [Element] { count < 2 ? Array(self) : sorted { $0.key < $1.key } }
}

extension Decision<PacketSet> {
  /// The packets that may proceed to the next rule without being matched.
  fileprivate func misses(_ space: inout PacketSpace) -> PacketSet { space.union(space.union(fails, absent), undecided) }
}

extension ChainGraph {
  /// By chain: how many of its rules there are up to the last one that leads to some chains.
  fileprivate func ends(leadingTo wanted: Set<Int>?) -> [Int] {
    guard let wanted else { return steps.map(\.count) }
    var leads = steps.indices.map { wanted.contains($0) }
    var ends = [Int](repeating: 0, count: steps.count)
    for index in order.reversed() {
      guard let last = steps[index].lastIndex(where: { $0.callee.map { leads[$0] } ?? false }) else { continue }
      ends[index] = last + 1
      leads[index] = true
    }
    return ends
  }
}

extension ChainGraph.Step {
  /// Whether packets that a rule matches may come to other rules by its own step.
  fileprivate var isFollowed: Bool {
    switch self {
    case .proceeds, .jump, .goto: true
    case .ends, .returns: false
    }
  }

  /// The chain that the packets enter.
  var callee: Int? {
    switch self {
    case .jump(let callee), .goto(let callee): callee
    case .ends, .returns, .proceeds: nil
    }
  }
}

extension PacketSpace {
  /// Whether a set depends on the value of one of some fields.
  func depends(_ packets: PacketSet, on fields: some Sequence<Field>) -> Bool {
    var levels = [Bool](repeating: false, count: levelCount)
    for field in fields { for level in code(of: field)?.levels ?? 0..<0 { levels[level] = true } }
    return diagram.depends(packets.edge, on: levels)
  }
}
