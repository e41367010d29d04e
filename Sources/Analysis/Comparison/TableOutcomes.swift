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
    /// The packets of all outcomes.
    var covered = PacketSet.none
    /// The packets for which chance or state is asked, by the name of the question.
    var questions: [Field: PacketSet] = [:]
  }

  /// What is known of a table while its chains are walked through, each after those that it calls.
  private struct Way {
    let graph: ChainGraph
    let conditions: TableConditions
    let apart: Set<RulePosition>
    /// By chain: what it does.
    var summaries: [Summary]
    /// By chain: how many rules lead to it.
    var calls: [Int]

    init(graph: ChainGraph, conditions: TableConditions, apart: Set<RulePosition>, summaries: [Summary]) {
      (self.graph, self.conditions, self.apart, self.summaries) = (graph, conditions, apart, summaries)
      calls = [Int](repeating: 0, count: summaries.count)
    }
  }

  /// By hook.
  private(set) var outcomes: [Hook: [Outcome: PacketSet]] = [:]
  private(set) var questions: [Hook: [Field: PacketSet]] = [:]
  /// Whether the sets are exact. If not, equal sets prove nothing.
  private(set) var isExact = true
  /// Whether a limit was reached, so that there are no outcomes.
  private(set) var isAborted = false
  /// What the rules match that were asked for.
  private(set) var hits: [RulePosition: PacketSet] = [:]

  /// By chain: packets among which are all those that enter it.
  private let entries: [PacketSet]
  private var stretches: RuleStretches

  /// The greatest number of different effects that packets may have in a chain, and of outcomes of a chain.
  private static let limits = (classes: 256, outcomes: 100_000)
  /// The number of nodes above which it is worth a calculation that sets have fewer of them.
  private static let manyNodes = 256
  /// The number of stretches from which a chain is divided.
  private static let divided = 4

  /// - Parameters:
  ///   - lost: the levels whose value is not known after some rule of the table.
  ///   - within: by hook, the packets that are followed; nothing is said of others. Hooks that are not named are left out.
  ///   - apart: the rules of which it is asked what they match.
  init(
    _ graph: ChainGraph, _ conditions: TableConditions, losing lost: [Int], within: [Hook: PacketSet], askingFor apart: Set<RulePosition>,
    _ log: inout EffectLog, _ space: inout PacketSpace
  ) {
    let chains = graph.table.chains
    var stretches = RuleStretches(graph, conditions, apart: apart)
    entries = Self.entries(graph, &stretches, losing: lost, within, &space)
    self.stretches = stretches
    var way = Way(graph: graph, conditions: conditions, apart: apart, summaries: [Summary](repeating: Summary(), count: chains.count))
    for steps in graph.steps {
      for step in steps { if let callee = step.callee { way.calls[callee] += 1 } }
    }
    for index in graph.order.reversed() where !entries[index].isEmpty {
      way.summaries[index] = walk(index, way, &log, &space)
      if way.calls[index] > 0 {
        way.summaries[index].covered = space.union(of: way.summaries[index].outcomes.ascending.map(\.value))
      }
      if space.isExhausted || isAborted { return }
    }
    let summaries = way.summaries
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

  /// From the callers to what they call: packets among which are all those that enter each chain.
  ///
  /// - Parameter wanted: the chains that are asked for; others may get no packets. Nil for all.
  static func entries(
    _ graph: ChainGraph, _ stretches: inout RuleStretches, losing lost: [Int], _ within: [Hook: PacketSet],
    leadingTo wanted: Set<Int>? = nil, _ space: inout PacketSpace
  ) -> [PacketSet] {
    var entries = graph.table.chains.map { $0.hook.flatMap { within[$0] } ?? .none }
    let ends = graph.ends(leadingTo: wanted)
    // What a chain does is not to depend on values that are not known where it is entered.
    func enter(_ callee: Int, _ packets: PacketSet) {
      entries[callee] = space.union(entries[callee], space.projecting(packets, levels: lost))
    }
    for index in graph.order where !entries[index].isEmpty {
      var packets = entries[index]
      var number = 0
      while !packets.isEmpty, let stretch = stretches.stretch(number, of: index, before: ends[index], &space) {
        number += 1
        let arriving = packets
        if let callee = graph.passedOn(stretch, of: index) {
          enter(callee, space.intersection(arriving, space.union(stretch.hits[0].packets, stretch.doubtful)))
          continue
        }
        packets = space.intersection(packets, space.union(stretch.miss, stretch.doubtful))
        for (position, matched) in stretch.hits {
          let (step, writes) = (graph.steps[index][position], graph.writes[index][position])
          var hit = step.isFollowed ? space.intersection(arriving, space.union(matched, stretch.doubtful)) : .none
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
        }
        if space.isExhausted { return entries }
      }
    }
    return entries
  }

  /// What a chain does with the packets that enter it; for a chain that others call, also with packets that differ from them only in what
  /// it does not test.
  private mutating func walk(_ index: Int, _ way: Way, _ log: inout EffectLog, _ space: inout PacketSpace) -> Summary {
    var summary = Summary()
    let known = 0..<stretches.count(of: index)
    var entering = entries[index]
    if way.graph.table.chains[index].hook == nil { entering = similar(entering, known, of: index, &space) }
    var classes = divide(known, of: index, entering, way, &summary, &log, &space)
    classes = pass(known.upperBound..., of: index, classes, way, &summary, &log, &space)
    for (effects, packets) in classes.ascending { add(packets, Outcome(effects: effects, ending: .returned), &summary, &space) }
    return summary
  }

  /// A larger set that some stretches of a chain treat in the same way, and which has fewer nodes if the set has many.
  private mutating func similar(_ packets: PacketSet, _ part: Range<Int>, of index: Int, _ space: inout PacketSpace) -> PacketSet {
    guard space.isLarger(packets, than: Self.manyNodes) else { return packets }
    return space.projecting(packets, levels: stretches.untested(part, of: index, &space))
  }

  /// Follows packets through some stretches of a chain. The result are those behind them, by their effects.
  ///
  /// Each half is followed for the packets that differ in what it tests, so that what the first one makes of the packets' source, say, is not
  /// written down again behind each rule of the other one, which asks for their destination.
  private mutating func divide(
    _ part: Range<Int>, of index: Int, _ packets: PacketSet, _ way: Way, _ summary: inout Summary, _ log: inout EffectLog,
    _ space: inout PacketSpace
  ) -> [Int: PacketSet] {
    guard part.count >= Self.divided else {
      return pass(part, of: index, [0: packets], way, &summary, &log, &space)
    }
    let middle = (part.lowerBound + part.upperBound) / 2
    let classes = share(part.lowerBound..<middle, of: index, packets, way, &summary, &log, &space)
    guard classes.count == 1, let rest = classes[0] else {
      return pass(middle..<part.upperBound, of: index, classes, way, &summary, &log, &space)
    }
    return share(middle..<part.upperBound, of: index, rest, way, &summary, &log, &space)
  }

  private mutating func share(
    _ part: Range<Int>, of index: Int, _ packets: PacketSet, _ way: Way, _ summary: inout Summary, _ log: inout EffectLog,
    _ space: inout PacketSpace
  ) -> [Int: PacketSet] {
    let similar = similar(packets, part, of: index, &space)
    if similar == packets { return divide(part, of: index, packets, way, &summary, &log, &space) }
    var all = Summary()
    let passed = divide(part, of: index, similar, way, &all, &log, &space)
    for (outcome, guarded) in all.outcomes.ascending { add(space.intersection(packets, guarded), outcome, &summary, &space) }
    for (field, asked) in all.questions.named {
      let here = space.intersection(packets, asked)
      if !here.isEmpty { summary.questions[field] = space.union(summary.questions[field] ?? .none, here) }
    }
    var classes: [Int: PacketSet] = [:]
    for (effects, behind) in passed.ascending { add(space.intersection(packets, behind), effects, &classes, &space) }
    return classes
  }

  /// Follows packets, by their effects, through stretches of a chain one by one. The result are those behind them.
  private mutating func pass(
    _ part: some RangeExpression<Int>, of index: Int, _ entering: [Int: PacketSet], _ way: Way, _ summary: inout Summary,
    _ log: inout EffectLog, _ space: inout PacketSpace
  ) -> [Int: PacketSet] {
    var classes = entering
    let (graph, conditions) = (way.graph, way.conditions)
    let rules = graph.table.chains[index].rules
    for number in part.relative(to: 0..<Int.max) {
      if isAborted || space.isExhausted || classes.isEmpty { break }
      guard let stretch = stretches.stretch(number, of: index, before: rules.count, &space) else { break }
      let place = RulePosition(chain: index, rule: stretch.rules.lowerBound)
      if way.apart.contains(place) { hits[place] = stretch.hits[0].packets }
      var next: [Int: PacketSet] = [:]
      for (effects, packets) in classes.ascending {
        if !stretch.isExact, !space.areDisjoint(packets, log.before(effects, stretch.miss, &space).complement) { isExact = false }
        if stretch.rules.count == 1 {
          ask(conditions[index, place.rule], rules[place.rule], packets, effects, &summary, log, &space)
        }
        let dropped = space.intersection(packets, log.before(effects, stretch.dropped, &space))
        add(dropped, Outcome(effects: effects, ending: .verdict(.drop)), &summary, &space)
        var isMissed = dropped.isEmpty
        var going: [(position: Int, packets: PacketSet)] = []
        for (position, matched) in stretch.hits {
          if log.loses(effects, matched, &space) { isExact = false }
          let hit = space.intersection(packets, log.before(effects, matched, &space))
          if !hit.isEmpty { (isMissed, going) = (false, going + [(position, hit)]) }
        }
        if log.loses(effects, stretch.miss, &space) { isExact = false }
        let miss = isMissed ? packets : space.intersection(packets, log.before(effects, stretch.miss, &space))
        add(miss, effects, &next, &space)
        for (position, hit) in going {
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
              way.summaries[callee], isCalledOften: way.calls[callee] > 1, hit, effects, graph.steps[index][position], &summary, &next,
              &log, &space
            )
          }
        }
      }
      classes = next
      if classes.count > Self.limits.classes || summary.outcomes.count > Self.limits.outcomes { (isExact, isAborted) = (false, true) }
    }
    return classes
  }

  /// Notes for which packets chance or state is asked: asking may change it.
  private mutating func ask(
    _ named: TableConditions.Named, _ rule: Rule, _ packets: PacketSet, _ effects: Int, _ summary: inout Summary,
    _ log: EffectLog, _ space: inout PacketSpace
  ) {
    guard !named.chances.isEmpty else { return }
    let header = named.header.decide(&space).holds
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
    for (field, asked) in callee.questions.named {
      let here = space.intersection(packets, log.before(effects, asked, &space))
      if !here.isEmpty { summary.questions[field] = space.union(summary.questions[field] ?? .none, here) }
    }
    for (outcome, guarded) in callee.outcomes.ascending {
      if log.loses(effects, guarded, &space) { isExact = false }
      let here = space.intersection(packets, log.before(effects, guarded, &space))
      guard !here.isEmpty else { continue }
      let all = log.joined(effects, outcome.effects, &space)
      if outcome.ending == .returned, case .jump = step {
        add(here, all, &next, &space)
      } else {
        add(here, Outcome(effects: all, ending: outcome.ending), &summary, &space)
      }
    }
    if !space.areDisjoint(packets, log.before(effects, callee.covered, &space).complement) { isExact = false }
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

extension [Field: PacketSet] {
  /// The elements in the order of their fields' names.
  fileprivate var named: [Element] { count < 2 ? Array(self) : sorted { $0.key.name < $1.key.name } }
}

extension ChainGraph {
  /// The chain that is entered by a rule behind which the same packets are as before it, as far as is asked: the rule drops none, it jumps,
  /// and nothing is written on the way. Nil if it is another rule.
  fileprivate func passedOn(_ stretch: RuleStretch, of chain: Int) -> Int? {
    guard stretch.hits.count == 1, stretch.dropped.isEmpty, writes[chain][stretch.hits[0].rule] == nil,
      case .jump(let callee) = steps[chain][stretch.hits[0].rule], chainWrites[callee].isNothing
    else { return nil }
    return callee
  }

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
  mutating func depends(_ packets: PacketSet, on fields: some Sequence<Field>) -> Bool {
    var levels = [Bool](repeating: false, count: levelCount)
    for field in fields { for level in code(of: field)?.levels ?? 0..<0 { levels[level] = true } }
    return diagram.depends(packets.edge, on: levels)
  }
}
