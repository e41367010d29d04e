import Conntrack
import Evaluator
public import Netfilter
import Wire
public import XTables

/// What the tables of a ruleset do with a set of packets, on the way through one of the hooks where packets end or are forwarded.
///
/// Routing is not asked: the packets are assumed to come to the hook. Translated addresses are not followed; where a later rule tests one,
/// nothing is proved.
public struct PacketQuestion: Sendable {
  /// Packets with one verdict.
  public struct Answer: Sendable {
    /// One of the packets.
    public let witness: Witness
    /// What the tables do with it, as the evaluator shows.
    public let walk: RulesetWalk
  }

  /// The hook.
  public let hook: Hook
  /// One answer for each way in which some packets are decided: by verdict, table, and effects.
  public let answers: [Answer]
  /// Whether the answers name every verdict that a packet of the question can get.
  public let isComplete: Bool
  /// Whether it is proved that there is no such packet at the hook.
  public let isEmpty: Bool

  /// The verdicts of the answers.
  public var verdicts: Set<RulesetWalk.Verdict> { Set(answers.map(\.walk.verdict)) }

  /// The verdict of one packet, as the evaluator shows; nil if it cannot be run.
  public static func verdict(of witness: Witness, _ ruleset: Ruleset) -> RulesetWalk.Verdict? {
    RulesetPrograms(ruleset)?.walk(witness)?.verdict
  }

  /// Finds the verdicts that packets get.
  ///
  /// - Parameters:
  ///   - condition: the packets, as they arrive or are sent.
  ///   - hook: INPUT, FORWARD or OUTPUT.
  ///   - limit: the greatest number of nodes of the sets' diagram.
  public init(_ ruleset: Ruleset, _ condition: Condition, at hook: Hook, limit: Int = 1 << 23) {
    self.hook = hook
    guard let programs = RulesetPrograms(ruleset), var course = QuestionCourse(ruleset, condition, hook, limit) else {
      (answers, isComplete, isEmpty) = ([], false, false)
      return
    }
    course.run()
    var answers: [Answer] = []
    var isComplete = course.isExact
    for (end, packets) in course.ends.sorted(by: { $0.key < $1.key }) {
      let found = course.space.byState(packets).lazy.compactMap { part -> Answer? in
        guard let witness = course.space.witness(of: part, at: hook) else { return nil }
        return witness.statements.lazy.compactMap { witness in
          programs.walk(witness).map { Answer(witness: witness, walk: $0) }
        }.first { $0.walk.verdict != .unknown && (end.verdict == nil || $0.walk.verdict == end.verdict) }
      }.first
      if let found { answers.append(found) }
      // Packets that a target lets pass go on to tables that were not followed.
      if found == nil || end.verdict == nil && found?.walk.verdict == .accept { isComplete = false }
    }
    self.answers = answers
    self.isComplete = isComplete && !course.space.isExhausted
    isEmpty = course.isEmpty && !course.space.isExhausted
  }
}

/// The packets of a question on their way from table to table.
private struct QuestionCourse {
  /// How packets end.
  struct End: Hashable, Comparable {
    /// Nil if a target gives the verdict.
    let verdict: RulesetWalk.Verdict?
    /// The number of the last table on the way that gave the verdict.
    let stage: Int
    let effects: Int

    static func < (left: End, right: End) -> Bool {
      (left.verdict?.rawValue ?? "", left.stage, left.effects) < (right.verdict?.rawValue ?? "", right.stage, right.effects)
    }
  }

  var space: PacketSpace
  private(set) var ends: [End: PacketSet] = [:]
  private(set) var isExact = true
  private(set) var isEmpty = false
  private var log = EffectLog()
  private let stages: [(hook: Hook, table: TableName)]
  private var tables: [TableName: TableOutcomes] = [:]
  private let packets: PacketSet
  private var fields: [TableName: Set<Field>] = [:]

  init?(_ ruleset: Ruleset, _ condition: Condition, _ hook: Hook, _ limit: Int) {
    let way: [Hook] =
      hook == .forward ? [.prerouting, .forward, .postrouting] : hook == .input ? [.prerouting, .input] : [.output, .postrouting]
    stages = way.flatMap { hook in RulesetPrograms.tables(at: hook).filter { ruleset[table: $0] != nil }.map { (hook, $0) } }
    var tests = FieldTests(ruleset.family)
    tests.add(condition)
    var names = ChanceNames()
    var conditions: [TableName: TableOutcomes.Conditions] = [:]
    for table in ruleset.tables { conditions[table.name] = TableOutcomes.Conditions(table, &names, &tests) }
    var space = PacketSpace(tests, limit: limit)
    if space.isExhausted { return nil }
    let decision = condition.decide(&space)
    packets = space.intersection(decision.holds, space.packets(at: hook))
    var graphs: [(graph: ChainGraph, conditions: TableOutcomes.Conditions)] = []
    // At PREROUTING the packets have no output interface yet.
    var followed = space.projecting(packets, [space.code(of: .outputInterface)].compactMap { $0 })
    var rewritten = FieldWrites()
    for table in ruleset.tables {
      guard let graph = ChainGraph(table), let named = conditions[table.name] else { return nil }
      graphs.append((graph, named))
      followed = space.preimage(followed, before: graph.allWrites)
      rewritten.formUnion(graph.endingWrites)
    }
    // The nat table does not see its own translations, but the others do.
    let translated = space.preimage(followed, before: rewritten)
    for (graph, named) in graphs {
      let table = graph.table
      let outcomes = TableOutcomes(graph, named, within: table.name == .nat ? followed : translated, &log, &space)
      if outcomes.isAborted || space.isExhausted { return nil }
      if !outcomes.isExact { isExact = false }
      tables[table.name] = outcomes
      fields[table.name] = Set(named.rules.joined().flatMap(\.condition.fields))
    }
    self.space = space
  }

  mutating func run() {
    isEmpty = packets.isEmpty
    var classes: [Int: PacketSet] = [0: packets]
    for (number, stage) in stages.enumerated() {
      guard let outcomes = tables[stage.table]?.outcomes[stage.hook] else { continue }
      var next: [Int: PacketSet] = [:]
      // Before connection tracking, no packet has a state yet.
      if stage.table == .raw, fields[.raw]?.contains(where: { $0.name.hasPrefix("ct.") }) == true { isExact = false }
      for (effects, arriving) in classes {
        if log.loses(effects, fields[stage.table] ?? []) { isExact = false }
        var asked = arriving
        if stage.table == .nat {
          let beginning = space.beginningConnections()
          add(space.difference(asked, beginning), effects, &next)
          asked = space.intersection(asked, beginning)
        }
        for (outcome, guarded) in outcomes {
          let packets = space.intersection(asked, log.before(effects, seen(guarded, stage.hook), &space))
          guard !packets.isEmpty else { continue }
          let all = log.joined(effects, outcome.effects, &space)
          switch outcome.ending {
          case .verdict(.accept), .returned, .verdict(.return): add(packets, all, &next)
          case .verdict(.drop): end(packets, .drop, number, all)
          case .verdict(.queue): end(packets, .queue, number, all)
          case .target(let use):
            let all = log.appending(use, to: all, &space)
            // The targets of the nat table translate; others give the verdict that the evaluator shows.
            if stage.table == .nat { add(packets, all, &next) } else { end(packets, nil, number, all) }
          }
        }
      }
      classes = next
      if space.isExhausted { return }
    }
    for (effects, packets) in classes { end(packets, .accept, stages.count, effects) }
  }

  /// A set of a hook, whatever interfaces that packets do not have there they have on their way.
  private mutating func seen(_ packets: PacketSet, _ hook: Hook) -> PacketSet {
    guard hook == .prerouting, let code = space.code(of: .outputInterface) else { return packets }
    let none = space.set(of: .outputInterface, .range(0...0))
    return space.projecting(space.intersection(packets, none), [code])
  }

  private mutating func add(_ packets: PacketSet, _ effects: Int, _ classes: inout [Int: PacketSet]) {
    guard !packets.isEmpty else { return }
    classes[effects] = space.union(classes[effects] ?? .none, packets)
  }

  private mutating func end(_ packets: PacketSet, _ verdict: RulesetWalk.Verdict?, _ stage: Int, _ effects: Int) {
    guard !packets.isEmpty else { return }
    let key = End(verdict: verdict, stage: stage, effects: effects)
    ends[key] = space.union(ends[key] ?? .none, packets)
  }
}
