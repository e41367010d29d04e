import Conntrack
import Evaluator
import Netfilter
import Wire
import XTables

/// The packets of a question on their way from table to table.
struct QuestionCourse {
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
  /// Whether a limit was reached, so that nothing is known.
  private(set) var isAborted = false
  private var log = EffectLog()
  private let stages: [(hook: Hook, table: TableName)]
  private let rules: QuestionRules.Prepared
  /// By table: the levels whose value is not known after some rule of it.
  private var lost: [TableName: [Int]] = [:]
  private var packets: PacketSet
  private let hook: Hook
  /// The packets that routing leads to the hook, as they are then; nil if routing is not asked.
  private var routed: PacketSet?
  /// The packets with the destination that is asked for.
  private var wanted = PacketSet.all

  /// Nil if the limit of nodes is reached.
  init?(
    _ rules: QuestionRules.Prepared, _ question: (condition: Condition, hook: Hook), from origin: PacketOrigin?,
    to destination: IPAddress?, on host: Host?, limit: Int
  ) {
    hook = question.hook
    self.rules = rules
    let way: [Hook] =
      hook == .forward ? [.prerouting, .forward, .postrouting] : hook == .input ? [.prerouting, .input] : [.output, .postrouting]
    stages = way.flatMap { hook in RulesetPrograms.tables(at: hook).filter { rules.tables[$0] != nil }.map { (hook, $0) } }
    var tests = rules.tests
    tests.add(question.condition)
    let destination = destination.map { ValueTest.range($0.bits...$0.bits) }
    if let destination { tests.add(.test(.destinationAddress, destination)) }
    space = PacketSpace(tests, limit: limit)
    if space.isExhausted { return nil }
    let decision = question.condition.decide(&space)
    packets = space.intersection(decision.holds, space.packets(at: hook))
    if let destination { wanted = space.set(of: .destinationAddress, destination) }
    if host != nil, rules.routes?.isByDestination != true { isExact = false }
    if let routes = rules.routes {
      routed = routes.packets(to: hook, in: &space)
      if routed == nil { isExact = false }
      if hook != .output {
        let arriving = routes.arriving(from: origin, in: &space)
        if let arriving { packets = space.intersection(packets, arriving) } else { isExact = false }
      }
    }
    for (name, table) in rules.tables { lost[name] = table.graph.levelsLost(space) }
  }

  /// The matches and targets that act on the packets of an end, in order.
  func uses(of end: End) -> [ExtensionUse] { log.uses(of: end.effects) }

  mutating func run() {
    var classes: [Int: PacketSet] = [0: packets]
    var isRouted = false
    for (number, stage) in stages.enumerated() {
      if !isRouted, hook == .output || stage.hook != .prerouting {
        classes = route(classes)
        isRouted = true
      }
      guard let outcomes = outcomes(of: stage.table, at: stage.hook, classes) else { return }
      var next: [Int: PacketSet] = [:]
      // Before connection tracking, no packet has a state yet.
      if stage.table == .raw, rules.asksEarly { isExact = false }
      for (effects, arriving) in classes.ascending {
        var asked = arriving
        if stage.table == .nat {
          let beginning = space.beginningConnections()
          add(space.difference(asked, beginning), effects, &next)
          asked = space.intersection(asked, beginning)
        }
        var rest = asked
        for (outcome, guarded) in outcomes.ascending {
          let guarded = seen(guarded, stage.hook)
          if log.loses(effects, guarded, space) { isExact = false }
          let packets = space.intersection(asked, log.before(effects, guarded, &space))
          rest = space.difference(rest, packets)
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
        if !rest.isEmpty { isExact = false }
      }
      classes = next
      if space.isExhausted { return }
    }
    if !isRouted { classes = route(classes) }
    for (effects, packets) in classes.ascending { end(packets, .accept, stages.count, effects) }
    isEmpty = isExact && ends.isEmpty
  }

  /// What a table does at a hook with the packets that come there; nil if a limit was reached.
  private mutating func outcomes(
    of name: TableName, at hook: Hook, _ classes: [Int: PacketSet]
  ) -> [TableOutcomes.Outcome: PacketSet]? {
    guard let table = rules.tables[name] else { return [:] }
    var arriving = classes.reduce(PacketSet.none) { space.union($0, log.after($1.key, $1.value, &space)) }
    // At PREROUTING the packets have no output interface yet.
    if hook == .prerouting { arriving = space.projecting(arriving, [space.code(of: .outputInterface)].compactMap { $0 }) }
    // What the table does is not to depend on values that are not known after the tables before.
    arriving = space.projecting(arriving, levels: log.levelsLost(by: classes.keys))
    let found = TableOutcomes(table.graph, table.conditions, losing: lost[name] ?? [], within: [hook: arriving], &log, &space)
    isAborted = found.isAborted || space.isExhausted
    if !found.isExact { isExact = false }
    return isAborted ? nil : found.outcomes[hook] ?? [:]
  }

  /// The packets that routing leads to the hook.
  private mutating func route(_ classes: [Int: PacketSet]) -> [Int: PacketSet] {
    guard let routed else { return classes }
    var result: [Int: PacketSet] = [:]
    for (effects, packets) in classes.ascending {
      if log.loses(effects, routed, space) {
        isExact = false
        add(packets, effects, &result)
      } else {
        add(space.intersection(packets, log.before(effects, routed, &space)), effects, &result)
      }
    }
    return result
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
    // The destination that is asked for is the first one, or the one after translation.
    var packets = packets
    if wanted != .all {
      packets = space.intersection(packets, space.union(wanted, log.before(effects, wanted, &space)))
      if log.loses(effects, wanted, space) { isExact = false }
    }
    guard !packets.isEmpty else { return }
    let key = End(verdict: verdict, stage: stage, effects: effects)
    ends[key] = space.union(ends[key] ?? .none, packets)
  }
}
