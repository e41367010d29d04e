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
  /// A table at one of the hooks on the way, with the rules that the packets may meet there.
  private struct Stage {
    let hook: Hook
    let graph: ChainGraph
    let conditions: TableConditions
    /// Whether GRE packets that are cut short may be translated.
    let translatesShortGRE: Bool

    var table: TableName { graph.table.name }
  }

  private let stages: [Stage]
  private var packets: PacketSet
  private let hook: Hook
  /// The routes of the host; nil if routing is not asked.
  private let routes: HostRoutes?
  /// The packets that routing leads to the hook, as they are then; nil if routing is not asked.
  private var routed: HostRoutes.Bounds?
  /// The packets that the host sends to itself, which the nat table has seen at OUTPUT; nil if that is not asked.
  private var ownPackets: HostRoutes.Bounds?
  /// The packets with the destination that is asked for.
  private var wanted = PacketSet.all
  /// The packets of which one shows an end best.
  private(set) var ordinary = PacketSet.all
  /// The packets that are dropped where they would have to be translated.
  private var untranslatable = PacketSet.none
  /// The packets that are counted with those that pass and with those that are dropped, because it is not known whether a translation
  /// changes them.
  private(set) var doubtful = PacketSet.none
  /// GRE with fewer bytes than its header has for PPTP. The corresponding kernel function is `gre_manip_pkt`.
  private static let shortGRE = Condition.all([
    .equals(.protocolNumber, IPProtocol.gre.rawValue), .equals(.isLaterFragment, 0), .test(.transportRoom, .range(0...7)),
  ])

  /// Nil if the limit of nodes is reached.
  init?(
    _ rules: QuestionRules.Prepared, _ question: (condition: Condition, hook: Hook), from origin: PacketOrigin?,
    to destination: IPAddress?, on host: Host?, limit: Int
  ) {
    hook = question.hook
    routes = rules.routes
    var tests = FieldTests(rules.ruleset.family)
    tests.add(question.condition)
    rules.routes?.add(to: &tests)
    guard let stages = Self.stages(rules, question, &tests) else { return nil }
    self.stages = stages
    let destination = destination.map { ValueTest.range($0.bits...$0.bits) }
    if let destination { tests.add(.test(.destinationAddress, destination)) }
    space = PacketSpace(tests, limit: limit, beginningWith: .output)
    if space.isExhausted { return nil }
    if stages.contains(where: \.translatesShortGRE) { untranslatable = Self.shortGRE.decide(&space).holds }
    let decision = question.condition.decide(&space)
    packets = space.intersection(decision.holds, space.packets(at: hook))
    if let destination { wanted = space.set(of: .destinationAddress, destination) }
    if host != nil, rules.routes?.isByDestination != true { isExact = false }
    if let routes = rules.routes {
      routed = routes.packets(to: hook, in: &space)
      if routed == nil { isExact = false }
      if hook == .input { ordinary = routes.forOwnAddresses(in: &space) }
      if hook == .forward { packets = space.intersection(packets, routes.leaving(in: &space)) }
      if hook != .output {
        ownPackets = routes.fromItself(in: &space)
        let arriving = routes.arriving(from: origin, in: &space)
        if let arriving { packets = space.intersection(packets, arriving) } else { isExact = false }
      }
    }
  }

  /// The tables on the way to a hook and behind it. What packets may meet depends on what rules before may write.
  private static func stages(
    _ rules: QuestionRules.Prepared, _ question: (condition: Condition, hook: Hook), _ tests: inout FieldTests
  ) -> [Stage]? {
    let way: [Hook] =
      switch question.hook {
      case .forward: [.prerouting, .forward, .postrouting]
      case .input: [.prerouting, .input]
      default: [.output, .postrouting]
      }
    var packets = PossibleValues(question.condition, at: question.hook, rules.ruleset.family)
    var names = ChanceNames()
    var stages: [Stage] = []
    for hook in way {
      for table in RulesetPrograms.tables(at: hook).compactMap({ rules.ruleset[table: $0] }) {
        // Before routing, packets have no output interface; before connection tracking, no connection.
        let here = packets.forgetting { hook == .prerouting && $0 == .outputInterface || table.name == .raw && $0.isOfConnection }
        let met = MetRules(table, at: hook, here) { rules.fields?.resolving($0) }
        guard let graph = ChainGraph(met.table) else { return nil }
        if graph.passesAll(at: hook) { continue }
        // A rule that packets meet at two hooks asks chance twice: it has two names.
        let conditions = TableConditions(met, &names, &tests)
        let translatesShortGRE = table.name == .nat && !met.writes.isNothing && here.may(Self.shortGRE)
        if translatesShortGRE { tests.add(Self.shortGRE) }
        stages.append(Stage(hook: hook, graph: graph, conditions: conditions, translatesShortGRE: translatesShortGRE))
        packets = packets.after(met.writes)
        // A host routes its own packets again after their destination has changed.
        if hook == .output, rules.routes != nil, met.writes.changes(.destinationAddress) {
          packets = packets.forgetting { $0 == .outputInterface }
        }
      }
    }
    return stages
  }

  /// The matches and targets that act on the packets of an end, in order.
  func uses(of end: End) -> [ExtensionUse] { log.uses(of: end.effects) }

  /// All packets that have an end.
  mutating func ended() -> PacketSet {
    // Without routing, each packet that is asked for has one.
    if isExact, routes == nil, wanted == .all { return packets }
    return space.union(of: ends.ascending.map(\.value))
  }

  mutating func run() {
    var classes: [Int: PacketSet] = [0: packets]
    var (isRouted, isRerouted) = (false, hook != .output)
    for (number, stage) in stages.enumerated() {
      if !isRouted, hook == .output || stage.hook != .prerouting {
        classes = route(classes)
        isRouted = true
      }
      if !isRerouted, stage.hook == .postrouting {
        classes = reroute(classes, before: number)
        isRerouted = true
      }
      guard let (outcomes, areExact) = outcomes(of: stage, classes) else { return }
      var next: [Int: PacketSet] = [:]
      // Before connection tracking, no packet has a state yet.
      if stage.graph.table.asksForConnectionsEarly { isExact = false }
      for (effects, arriving) in classes.ascending {
        var asked = arriving
        if stage.table == .nat {
          let beginning = space.beginningConnections()
          add(space.difference(asked, beginning), effects, &next)
          asked = space.intersection(asked, beginning)
          if let ownPackets, stage.hook == .prerouting || stage.hook == .input {
            let unasked = space.intersection(asked, ownPackets.possible)
            add(unasked, effects, &next)
            asked = space.difference(asked, ownPackets.certain)
            doubtful = space.union(doubtful, space.intersection(asked, unasked))
          }
        }
        // Exact outcomes leave no packet out.
        var rest = areExact ? PacketSet.none : asked
        for (outcome, guarded) in outcomes.ascending {
          let guarded = seen(guarded, stage.hook)
          if log.loses(effects, guarded, &space) { isExact = false }
          let packets = space.intersection(asked, log.before(effects, guarded, &space))
          rest = space.difference(rest, packets)
          guard !packets.isEmpty else { continue }
          let all = log.joined(effects, outcome.effects, &space)
          switch outcome.ending {
          case .verdict(.accept), .returned, .verdict(.return): add(packets, all, &next)
          case .verdict(.drop): end(packets, .drop, number, all)
          case .verdict(.queue): end(packets, .queue, number, all)
          case .target(let use):
            // The targets of the nat table translate; others give the verdict that the evaluator shows.
            guard stage.table == .nat else {
              end(packets, nil, number, log.appending(use, to: all, &space))
              continue
            }
            translate(packets, by: use, all, number, &next)
          }
        }
        if !rest.isEmpty { isExact = false }
      }
      classes = next
      if space.isExhausted { return }
    }
    if !isRouted { classes = route(classes) }
    if !isRerouted { classes = reroute(classes, before: stages.count) }
    for (effects, packets) in classes.ascending { end(packets, .accept, stages.count, effects) }
    isEmpty = isExact && ends.isEmpty
  }

  /// What a table does with the packets that come there; nil if a limit was reached.
  private mutating func outcomes(
    of stage: Stage, _ classes: [Int: PacketSet]
  ) -> (outcomes: [TableOutcomes.Outcome: PacketSet], areExact: Bool)? {
    var arriving = space.union(of: classes.ascending.map { log.after($0.key, $0.value, &space) })
    // At PREROUTING the packets have no output interface yet.
    if stage.hook == .prerouting { arriving = space.projecting(arriving, [space.code(of: .outputInterface)].compactMap { $0 }) }
    // What the table does is not to depend on values that are not known after the tables before.
    arriving = space.projecting(arriving, levels: log.levelsLost(by: classes.keys))
    let lost = stage.graph.levelsLost(space)
    let found = TableOutcomes(stage.graph, stage.conditions, losing: lost, within: [stage.hook: arriving], askingFor: [], &log, &space)
    isAborted = found.isAborted || space.isExhausted
    if !found.isExact { isExact = false }
    return isAborted ? nil : (found.outcomes[stage.hook] ?? [:], found.isExact)
  }

  /// Follows packets through a target of the nat table.
  private mutating func translate(_ packets: PacketSet, by number: Int, _ effects: Int, _ stage: Int, _ next: inout [Int: PacketSet]) {
    let hook = stages[stage].hook
    let known = log.use(number).map { $0.descriptor.effects($0.payload, EffectSite(family: space.family, hook: hook)) } ?? []
    let place = known.firstIndex { if case .change(.destinationAddress, .ownAddress, .always) = $0 { true } else { false } }
    guard let place, let routes else {
      let variant = log.variant(of: number, named: hook.name, doing: known)
      return leave(packets, log.appending(variant, to: effects, &space), stage, &next)
    }
    for (device, arriving) in routes.arrivals(in: &space) {
      let here = space.intersection(packets, arriving)
      guard !here.isEmpty else { continue }
      guard let addresses = routes.host.addresses(of: device.interface, space.family) else {
        isExact = false
        continue
      }
      var (own, values) = (known, [Field: [ClosedRange<UInt128>]]())
      // IPv4 takes the first address, IPv6 one of the scope of the destination.
      if let first = addresses.first?.bits, space.family == .ipv4 || addresses.count == 1 {
        own[place] = .change(.destinationAddress, .range(first...first))
      } else {
        values[.destinationAddress] = addresses.map { $0.bits...$0.bits }
      }
      let variant = log.variant(of: number, named: "\(hook.name) \(device.name)", doing: own, giving: values)
      let all = log.appending(variant, to: effects, &space)
      // Without an address, the packet is dropped.
      if addresses.isEmpty { end(here, .drop, stage, all) } else { leave(here, all, stage, &next) }
    }
  }

  /// Passes on translated packets, but for those that are cut too short to be translated.
  private mutating func leave(_ packets: PacketSet, _ effects: Int, _ stage: Int, _ next: inout [Int: PacketSet]) {
    let short = space.intersection(packets, log.before(effects, untranslatable, &space))
    doubtful = space.union(doubtful, short)
    end(short, .drop, stage, effects)
    add(packets, effects, &next)
  }

  /// The packets that routing leads to the hook.
  private mutating func route(_ classes: [Int: PacketSet]) -> [Int: PacketSet] {
    guard let routed else { return classes }
    var result: [Int: PacketSet] = [:]
    for (effects, packets) in classes.ascending {
      guard let certain = log.bounds(effects, routed.certain, &space)?.certain,
        let possible = log.bounds(effects, routed.possible, &space)?.possible
      else {
        isExact = false
        add(packets, effects, &result)
        continue
      }
      let led = space.intersection(packets, possible)
      if !space.isSubset(led, of: certain) { isExact = false }
      add(led, effects, &result)
    }
    return result
  }

  /// The packets of this host after OUTPUT, with the interface of their new route if their destination has changed.
  private mutating func reroute(_ classes: [Int: PacketSet], before stage: Int) -> [Int: PacketSet] {
    guard let departures = routes?.departures(in: &space) else { return classes }
    var result: [Int: PacketSet] = [:]
    for (effects, packets) in classes.ascending {
      guard log.changes(.destinationAddress, by: effects, space) else {
        add(packets, effects, &result)
        continue
      }
      var rest = packets
      for (output, there) in departures {
        guard let certain = log.bounds(effects, there, &space)?.certain else { continue }
        var part = space.intersection(rest, certain)
        rest = space.difference(rest, certain)
        guard let output else {
          end(part, .drop, stage, effects)
          continue
        }
        let refused = routes?.refusedSources(leavingBy: output, in: &space) ?? HostRoutes.Bounds()
        end(space.intersection(part, refused.certain), .drop, stage, effects)
        if !space.areDisjoint(part, space.difference(refused.possible, refused.certain)) { isExact = false }
        part = space.difference(part, refused.certain)
        let name = InterfaceNames.key(output)
        let route = log.variant(of: nil, named: output, doing: [.change(.outputInterface, .range(name...name))])
        add(part, log.appending(route, to: effects, &space), &result)
      }
      if rest.isEmpty { continue }
      isExact = false
      let unknown = log.variant(of: nil, named: "", doing: [.change(.outputInterface, .unknown)])
      add(rest, log.appending(unknown, to: effects, &space), &result)
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
      if let bounds = log.bounds(effects, wanted, &space) {
        if !space.areDisjoint(packets, space.difference(bounds.possible, bounds.certain)) { isExact = false }
        packets = space.intersection(packets, space.union(wanted, bounds.possible))
      } else {
        isExact = false
      }
    }
    guard !packets.isEmpty else { return }
    let key = End(verdict: verdict, stage: stage, effects: effects)
    ends[key] = space.union(ends[key] ?? .none, packets)
  }
}
