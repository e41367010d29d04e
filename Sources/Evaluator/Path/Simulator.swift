public import Conntrack
import NAT
public import Netfilter
public import Wire
public import XTables

/// Simulates a host with its rulesets, packet by packet.
///
/// Deterministic: the same seed, clock and packets give the same reports, byte for byte.
public final class Simulator {
  /// What the host does with packets addressed to it.
  public enum Delivery: Sendable {
    /// Discards them after INPUT; the host does not answer.
    case sink
    /// Delivers them to sockets; the host answers.
    case stack
  }

  /// The simulated host.
  public let host: Host
  /// Clock, random numbers, connections and the memory of matches and targets.
  public let world: World
  /// Whether the host is the machine's first network namespace, to which the sockets of the kernel belong that send its errors and resets.
  public var isInFirstNamespace = true
  /// What happens to packets for this host; ``Delivery/sink`` by default.
  public var delivery: Delivery {
    get { deliveryKind }
    set { deliveryKind = newValue }
  }
  /// Stored privately: a public property would cost an exclusivity check for each packet.
  private var deliveryKind = Delivery.sink
  /// If false, reports contain only verdicts and departures, not the path through hooks and rules.
  public var recordsTrace = true
  /// The limits of the recorded path.
  public var extent = TraceExtent()
  /// The observed rules.
  public var watches: [RuleWatch] = []
  /// The listeners of queues, by queue number.
  public var queues: [UInt16: QueueListener] = [:]
  /// The queues that are known to have no listener, if the listeners of others are unknown (``XTables/HostFact/queueListeners``).
  public var silentQueues: Set<UInt16> = []
  /// The initial sequence numbers that a kernel chose, by those that the simulator draws for the same connections.
  package var followedSequences: [UInt32: UInt32] = [:]

  /// The loaded tables.
  private(set) var rules: LoadedRules
  /// The ways that packets have gone through these rules.
  private var ways = KnownWays()
  /// The number of different ways that are known.
  var wayCount: Int { ways.count }
  private let indexing: ChainIndexing
  /// What the event in progress has caused; untouched between two events.
  var event = HostEvent()
  /// The packets that wait for something.
  var waiting = WaitingPackets()
  /// The sockets opened during the run.
  var stack = StackState()
  /// What earlier packets have taught the host.
  var learned = LearnedState()

  /// Creates a simulator and loads rulesets.
  ///
  /// - Parameters:
  ///   - clock: the start time, in nanoseconds since 1970.
  ///   - seed: the seed of all random numbers.
  ///   - indexing: which chains get an index. Reports and counters do not depend on it.
  /// - Throws: `TableProgram.Failure` if a table cannot be compiled.
  public init(
    host: Host, rulesets: [Ruleset] = [], clock: UInt64 = 0, seed: UInt64 = 0, indexing: ChainIndexing = .whenWorthIt
  ) throws(TableProgram.Failure) {
    (self.host, self.indexing) = (host, indexing)
    rules = LoadedRules(on: host)
    world = World(now: clock, random: SeededRandom(seed: seed), host: host)
    host.openSocket = { [weak self] packet in self?.openSocket(of: packet) }
    if host.otherChains.contains(where: { $0.rules != nil }) { take([], nextSlot: rules.nextSlot) }
    for ruleset in rulesets { try load(ruleset) }
  }

  /// Creates a simulator with the tables of one ruleset, which others share.
  ///
  /// - Parameters:
  ///   - ruleset: compiled with its first number 0, for the tables that the host uses.
  ///   - clock: the start time, in nanoseconds since 1970.
  ///   - seed: the seed of all random numbers.
  public init(host: Host, ruleset: CompiledRuleset, clock: UInt64, seed: UInt64) {
    precondition(ruleset.programs.allSatisfy { $0.usesNfTables == host.usesNfTables }, "compiled for other tables")
    (self.host, indexing) = (host, .whenWorthIt)
    rules = LoadedRules(on: host)
    world = World(now: clock, random: SeededRandom(seed: seed), host: host)
    host.openSocket = { [weak self] packet in self?.openSocket(of: packet) }
    load(ruleset)
  }

  // MARK: Rules

  /// Loads the tables of a ruleset. Each replaces the table of the same name and family; other tables stay. Counters start at 0.
  ///
  /// - Throws: `TableProgram.Failure` if a table cannot be compiled; nothing is then loaded.
  public func load(_ ruleset: Ruleset) throws(TableProgram.Failure) {
    load(try CompiledRuleset(ruleset, firstSlot: rules.nextSlot, usesNfTables: host.usesNfTables))
  }

  private func load(_ ruleset: CompiledRuleset) {
    let loaded = ruleset.programs
    for program in loaded { program.start(in: world) }
    if loaded.contains(where: { $0.services.contains(.accounting) }) { conntrackSettings.accounting = true }
    var tables = rules.tables
    for program in loaded {
      if let index = tables.firstIndex(where: { $0.program.name == program.name && $0.program.family == program.family }) {
        let old = tables[index].program
        world.memory.forgetRules(from: old.firstSlot, count: old.slotCount)
        tables[index] = LoadedTable(program, number: index, indexing: indexing)
      } else {
        tables.append(LoadedTable(program, number: tables.count, indexing: indexing))
      }
    }
    for family in Set(tables.map(\.program.family)) where host.missing.contains(.rules(family)) { host.missing.remove(.rules(family)) }
    take(tables, nextSlot: ruleset.nextSlot ?? rules.nextSlot)
  }

  /// Replaces the loaded tables, and starts connection tracking if they or the host's other chains need it.
  private func take(_ tables: [LoadedTable], nextSlot: Int) {
    let programs = tables.map(\.program)
    let isTracking = Family.allCases.contains { family in
      (programs + host.otherChains.compactMap { $0.rules?.program(family) }).services(family).contains(.conntrack)
    }
    rules = LoadedRules(tables, conntrack: isTracking ? conntrackTable() : nil, nextSlot: nextSlot, on: host)
    ways.forget(in: world.conntrack, host.version)
  }

  /// Regards the rules of a family without a loaded table as not given: the verdicts of its packets are unknown. By default such a
  /// family has no rules.
  ///
  /// - Parameter known: the families that are known to have no rules.
  public func regardAbsentRulesAsUnknown(except known: Set<Family> = []) {
    for family in [Family.ipv4, .ipv6] where !known.contains(family) && !rules.tables.contains(where: { $0.program.family == family }) {
      host.missing.insert(.rules(family))
    }
    take(rules.tables, nextSlot: rules.nextSlot)
  }

  /// The sysctls of connection tracking; they may be set before tracking is in use.
  public var conntrackSettings = ConntrackSettings() {
    didSet { world.conntrack?.settings = conntrackSettings }
  }

  /// The counters by table and entry.
  package var counters: [[Counters]] { rules.tables.map(\.counters) }

  /// The loaded tables with their current counters.
  public func rulesets() -> [Ruleset] { rulesets { rules.tables[$0].counters } }

  /// The loaded tables with the counters of several simulators together, which have loaded the same rules.
  ///
  /// - Parameter others: the other simulators.
  public func rulesets(countedWith others: [Simulator]) -> [Ruleset] {
    rulesets { table in
      others.reduce(rules.tables[table].counters) { sum, other in
        zip(sum, other.rules.tables[table].counters).map { Counters(packets: $0.packets &+ $1.packets, bytes: $0.bytes &+ $1.bytes) }
      }
    }
  }

  private func rulesets(counters: (Int) -> [Counters]) -> [Ruleset] {
    [Family.ipv4, .ipv6].compactMap { family in
      let tables = rules.tables.indices.filter { rules.tables[$0].program.family == family }.map {
        rules.tables[$0].program.counted(counters($0))
      }
      return tables.isEmpty ? nil : Ruleset(family, tables: tables)
    }
  }

  /// The operations at a hook, in order.
  public func operations(at hook: Hook, _ family: Family) -> [HookOperation] { rules.operations(at: hook, family) }

  // MARK: Time

  /// Advances the clock, and reports what the host does when timers expire.
  @discardableResult
  public func advance(nanoseconds: UInt64) -> PathReport {
    // Connections of the host have timers too.
    guard waiting.mayExpire || !stack.connections.isEmpty else {
      world.now &+= nanoseconds
      return PathReport()
    }
    return reported {
      let end = world.now.addingReportingOverflow(nanoseconds).partialValue
      let datagrams = waiting.fragments.expire(now: Instant(nanoseconds: end)).map { datagram in
        (deadline: datagram.deadline.nanoseconds, expire: { self.giveUp(datagram) })
      }
      let waiters = expireNeighbourWaiters(by: end).map { waiter in (deadline: waiter.deadline, expire: { self.giveUp(waiter) }) }
      let delays = expireDelayedAcknowledgments(by: end).map { delay in
        (deadline: delay.deadline, expire: { self.acknowledgeLate(delay.pair) })
      }
      for timer in (datagrams + waiters + delays).sorted(by: { $0.deadline < $1.deadline }) {
        world.now = max(world.now, timer.deadline)
        timer.expire()
        drainPending()
      }
      world.now = end
    }
  }

  // MARK: Connections

  /// All connections, as in `conntrack -L`.
  public func connections() -> [ConnectionSnapshot] { world.conntrack?.dump(now: world.instant) ?? [] }

  /// All expectations, as in `conntrack -L expect`.
  public func expectations() -> [ExpectationSnapshot] { world.conntrack?.dumpExpectations(now: world.instant) ?? [] }

  // MARK: Packets

  /// Reports what an event causes. If a listener calls this while a packet waits, the packet's event is kept apart.
  func reported(_ body: () -> Void) -> PathReport {
    let outer = event
    event = HostEvent()
    defer { event = outer }
    body()
    settleEvent()
    return event.report
  }

  /// Receives a packet on an interface and reports its path.
  public func receive(_ packet: Packet, on interface: String) -> PathReport {
    reported {
      let port = host.interface(named: interface)
      var journey = Journey(of: packet, packet.family ?? .ipv4, on: port, isRecorded: recordsTrace, in: world)
      guard let port else { return refuse(&journey, without: interface, isReported: true) }
      enter(&journey, on: port, isReported: true)
    }
  }

  /// Receives a packet and changes it in place, without recording its path.
  ///
  /// This is the fast path: a packet of a known connection that is forwarded unchanged in size, or dropped, allocates no memory. If the verdict
  /// is `.sent`, `packet` holds the bytes that left. Answers, copies, fragments, logs and queued packets are reported separately.
  public func carry(_ packet: inout Packet, on interface: Interface) -> Carriage {
    var start = JourneyStart()
    if let known = knownWay(of: packet, on: interface, &start) { return follow(known.way, &packet, start) }
    // The packet is swapped into the journey and back: a second reference to its bytes would make the first write copy them.
    var journey = Journey(of: Packet(bytes: []), packet.family ?? .ipv4, on: interface, isRecorded: false, in: world)
    return carry(&packet, on: interface, &journey, start)
  }

  /// As ``carry(_:on:)``, and notes which rules and policies the packet hits.
  ///
  /// - Parameter hits: replaced by what this packet hits. If the same value is used for many packets, nothing is allocated.
  public func carry(_ packet: inout Packet, on interface: Interface, noting hits: inout HitLog) -> Carriage {
    switch pass(&packet, on: interface, noting: &hits) {
    case .carried(let carriage): return carriage
    case .repeated(let repetition):
      let way = ways[repetition.way]
      hits.clear(limit: extent.entries)
      hits.note(way)
      return Carriage(verdict: .sent(output: way.output), frameDestination: way.frameDestination, report: nil)
    }
  }

  /// As ``carry(_:on:noting:)``, without the hits and the verdict of a packet that repeats the way of an earlier one:
  /// ``hits(onWay:)`` and ``verdict(onWay:)`` tell them once for all.
  ///
  /// - Parameter hits: replaced by what this packet hits, unless its way is repeated.
  public func pass(_ packet: inout Packet, on interface: Interface, noting hits: inout HitLog) -> Passage {
    var start = JourneyStart()
    if let known = knownWay(of: packet, on: interface, &start) {
      if !start.isBeginning, !start.isTranslated, case .connection(let handle, let info) = start.attachment {
        travel(known.way, &packet, start)
        return .repeated(Repetition(way: known.number, connection: handle, direction: info.direction))
      }
      hits.clear(limit: extent.entries)
      hits.note(known.way)
      return .carried(follow(known.way, &packet, start))
    }
    hits.clear(limit: extent.entries)
    var journey = Journey(of: Packet(bytes: []), packet.family ?? .ipv4, on: interface, isRecorded: false, in: world)
    journey.notesHits = true
    swap(&hits, &journey.hits)
    let carriage = carry(&packet, on: interface, &journey, start)
    swap(&hits, &journey.hits)
    return .carried(carriage)
  }

  /// What packets hit on a way that one has just repeated. Rules and host must not have changed since.
  public func hits(onWay number: Int) -> HitLog {
    var hits = HitLog()
    hits.clear(limit: extent.entries)
    hits.note(ways[number])
    return hits
  }

  /// The verdict of packets on a way that one has just repeated.
  public func verdict(onWay number: Int) -> PacketVerdict { .sent(output: ways[number].output) }

  @inline(__always)
  private func carry(_ packet: inout Packet, on interface: Interface, _ journey: inout Journey, _ start: JourneyStart) -> Carriage {
    journey.begin(start)
    swap(&packet, &journey.context.packet)
    let report = consequences(of: &journey, on: interface)
    swap(&packet, &journey.context.packet)
    if let datagram = start.datagram, let table = rules.conntrack { keepWay(of: journey, datagram, on: interface, report, start, table) }
    return Carriage(verdict: journey.takeVerdict(), frameDestination: journey.frameDestination, report: report)
  }

  /// Keeps the way that a packet has gone, if others will go it too.
  private func keepWay(
    of journey: borrowing Journey, _ datagram: PlainDatagram, on interface: Interface, _ report: PathReport?, _ start: JourneyStart,
    _ table: ConntrackTable
  ) {
    let way = journey.keepsWay && report == nil ? KnownWay(journey) : nil
    guard !start.isBeginning else {
      let isShared = !journey.context.reads.contains(.sourcePort) && !host.questions.rulesAskTransport
      return ways.keepBeginning(isShared ? way : nil, of: datagram, on: interface)
    }
    guard let way, case .connection(let handle, let info) = start.attachment,
      let note = ways.keep(way, of: datagram, on: interface, host.version, in: table)
    else { return }
    table.keep(note, with: handle, info.direction)
  }

  /// The way of a packet whose connection is settled and has had such a packet before, or is new and like an earlier one; nil for any other
  /// packet.
  ///
  /// - Parameter start: what is known of the packet then. If connection tracking has seen it, its journey must begin with that.
  @inline(__always)
  private func knownWay(of packet: borrowing Packet, on interface: Interface, _ start: inout JourneyStart) -> KnownWays.Numbered? {
    guard rules.keepsWays, let table = rules.conntrack, let datagram = PlainDatagram(packet), host.takes(packet, on: interface) else {
      return nil
    }
    let tracked = table.track(packet, &start.attachment, now: world.instant)
    start.verdict = tracked.verdict
    switch tracked.kind {
    case .other: return nil
    case .settled, .translated:
      start.isTranslated = tracked.kind == .translated
      // A SYN may open the connection anew.
      guard !datagram.isSyn else { return nil }
      start.datagram = datagram
      return ways.way(tracked.note, of: datagram, on: interface, host.version)
    case .beginning:
      guard rules.keepsBeginnings else { return nil }
      let answer = ways.beginning(datagram, on: interface, host.version, in: table)
      guard answer.found != nil || answer.isWanted else { return nil }
      start.datagram = datagram
      start.isBeginning = true
      return answer.found
    }
  }

  /// Lets a packet go a known way.
  @inline(__always)
  private func follow(_ way: KnownWay, _ packet: inout Packet, _ start: JourneyStart) -> Carriage {
    travel(way, &packet, start)
    if start.isBeginning, let table = rules.conntrack {
      var attachment = start.attachment
      guard table.confirm(attachment: &attachment, now: world.instant) == .accept else {
        table.release(attachment)
        return Carriage(verdict: .dropped(at: .postrouting, by: nil, because: Self.isNotAdded), frameDestination: nil, report: nil)
      }
    }
    return Carriage(verdict: .sent(output: way.output), frameDestination: way.frameDestination, report: nil)
  }

  /// Counts what a packet hits on a known way, translates it, and takes a hop from its lifetime.
  @inline(__always)
  private func travel(_ way: KnownWay, _ packet: inout Packet, _ start: borrowing JourneyStart) {
    for hit in way.hits { rules.tables[Int(hit.hit.table)].count(Int(hit.hit.entry), bytes: packet.bytes.count) }
    packet.type = .host
    if start.isTranslated, let table = rules.conntrack, case .connection(let handle, let info) = start.attachment {
      table.translateSettled(&packet, handle, info.direction)
    }
    packet.setTTL((start.datagram?.ttl ?? 1) - 1)
  }

  /// The rule or policy of a hit. The tables must not have been replaced since.
  public func step(of hit: HitLog.Hit) -> RuleStep { rules.tables[Int(hit.table)].program.step(Int(hit.entry)) }

  /// Receives the journey's packet. Returns what else it causes; nil for most packets.
  @inline(__always)
  private func consequences(of journey: inout Journey, on interface: Interface) -> PathReport? {
    // Only while a listener is asked has the event in progress caused anything.
    guard event.isUntouched else {
      let report = reported { enter(&journey, on: interface, isReported: false) }
      return report.isEmpty ? nil : report
    }
    enter(&journey, on: interface, isReported: false)
    if event.isUntouched { return nil }
    settleEvent()
    let report = event.report
    event = HostEvent()
    return report.isEmpty ? nil : report
  }

  /// Sends a packet from a local process and reports its path.
  public func send(_ packet: Packet, by sender: LocalSender = LocalSender()) -> PathReport {
    reported { event.report.error = emit(packet, by: sender, origin: .own) }
  }

  /// Gives a held packet its verdict. Does nothing if no packet has this id, or if the verdict is `hold`.
  public func answer(_ id: UInt64, _ answer: QueueAnswer) -> PathReport {
    guard answer.verdict != .hold, let packet = waiting.held.removeValue(forKey: id) else { return PathReport() }
    return reported { resume(packet, answer) }
  }
}
