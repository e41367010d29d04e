public import Conntrack
public import Wire
public import XTables

/// A host with its rulesets, to which packets happen.
///
/// Time and chance come from outside: the same seed, clock and packets give the same reports, byte for byte.
public final class Simulator {
  /// What becomes of packets for this host.
  public enum Delivery: Sendable {
    /// They are swallowed behind INPUT; the host stays silent.
    case sink
    /// Sockets take them, and the host answers.
    case stack
  }

  public let host: Host
  public let world: World
  public var delivery: Delivery {
    get { deliveryKind }
    set { deliveryKind = newValue }
  }
  /// Private, so that no packet pays for a check of exclusive access.
  private var deliveryKind = Delivery.sink
  /// Whether reports tell the way through hooks and rules; without it they tell verdicts and departures alone.
  public var recordsTrace = true
  /// How much of the way through rules reports keep, where they tell it.
  public var extent = TraceExtent()
  /// The rules that are followed.
  public var watches: [RuleWatch] = []
  /// The listeners of queues, by number.
  public var queues: [UInt16: QueueListener] = [:]

  private(set) var rules = LoadedRules()
  private var nextSlot = 0
  var report = PathReport()
  /// Packets that wait for a listener's answer, by their id.
  var held: [UInt64: HeldPacket] = [:]
  var nextQueueID: UInt64 = 1
  var stack = StackState()
  var bridgeMemory = BridgeMemory()
  var redirects = RedirectMemory()
  var neighbourWaiters: [NeighbourWaiter] = []
  /// Fragments that wait for others, before tracking and before local delivery.
  var fragments = FragmentQueues()
  /// The packet that ``carry(_:on:)`` has under way; its place is used again for the next.
  private var carried: Journey
  /// Packets from outside that are under way: more than one where a queue's listener has sent another.
  private var underWay = 0
  /// How many packets of the host's own making are under way inside one another.
  var depth = 0
  /// What comes up while a packet is under way inside another, and is done when that one is.
  var postponed: [PostponedPacket] = []
  /// The kernel's socket for ICMP is sending.
  var isICMPSocketBusy = false
  /// Where the packet came by that is being delivered.
  var deliveringInput: Interface?
  /// A copy that a target made is under way: no copy of that is made. Kernel: `task_struct.in_nf_duplicate`.
  var isDuplicating = false

  /// - Parameters:
  ///   - clock: nanoseconds since the epoch at which the world begins.
  ///   - seed: everything that is left to chance follows from it.
  public init(host: Host, rulesets: [Ruleset] = [], clock: UInt64 = 0, seed: UInt64 = 0) throws(TableProgram.Failure) {
    self.host = host
    world = World(now: clock, random: SeededRandom(seed: seed), host: host)
    carried = Journey(in: world)
    for ruleset in rulesets { try load(ruleset) }
  }

  // MARK: Rules

  /// Loads the tables of a ruleset in place of those of the same names and family; others stay. Counters begin at zero.
  public func load(_ ruleset: Ruleset) throws(TableProgram.Failure) {
    var loaded: [TableProgram] = []
    for table in ruleset.tables {
      let program = try TableProgram(table, firstSlot: nextSlot)
      nextSlot += program.slotCount
      loaded.append(program)
    }
    for program in loaded { program.start(in: world) }
    if loaded.contains(where: { $0.services.contains(.accounting) }) { conntrackSettings.accounting = true }
    var tables = rules.tables
    for program in loaded {
      if let index = tables.firstIndex(where: { $0.program.name == program.name && $0.program.family == program.family }) {
        let old = tables[index].program
        world.memory.forgetRules(from: old.firstSlot, count: old.slotCount)
        tables[index] = LoadedTable(program)
      } else {
        tables.append(LoadedTable(program))
      }
    }
    let programs = tables.map(\.program)
    let isTracking = programs.services(.ipv4).union(programs.services(.ipv6)).contains(.conntrack)
    rules = LoadedRules(tables, conntrack: isTracking ? conntrackTable() : nil)
  }

  /// The switches of connection tracking, also before anything needs it.
  public var conntrackSettings = ConntrackSettings() {
    didSet { world.conntrack?.settings = conntrackSettings }
  }

  /// By table, then in the order of its entries.
  package var counters: [[Counters]] { rules.tables.map(\.counters) }

  /// The tables with what they have counted so far.
  public func rulesets() -> [Ruleset] {
    [Family.ipv4, .ipv6].compactMap { family in
      let tables = rules.tables.filter { $0.program.family == family }.map { $0.program.counted($0.counters) }
      return tables.isEmpty ? nil : Ruleset(family, tables: tables)
    }
  }

  /// The operations at a hook in their order.
  public func operations(at hook: Hook, _ family: Family) -> [HookOperation] { rules.operations(at: hook, family) }

  // MARK: Time

  /// Lets time pass, and tells what the host does when its timers run out.
  @discardableResult
  public func advance(nanoseconds: UInt64) -> PathReport {
    reported {
      let end = world.now.addingReportingOverflow(nanoseconds).partialValue
      let datagrams = fragments.expire(now: Instant(nanoseconds: end)).map { datagram in
        (deadline: datagram.deadline.nanoseconds, giveUp: { self.giveUp(datagram) })
      }
      let waiters = expireNeighbourWaiters(by: end).map { waiter in (deadline: waiter.deadline, giveUp: { self.giveUp(waiter) }) }
      for timer in (datagrams + waiters).sorted(by: { $0.deadline < $1.deadline }) {
        world.now = max(world.now, timer.deadline)
        timer.giveUp()
      }
      world.now = end
    }
  }

  // MARK: Connections

  /// Every connection, as `conntrack -L` lists them.
  public func connections() -> [ConnectionSnapshot] { world.conntrack?.dump(now: world.instant) ?? [] }

  public func expectations() -> [ExpectationSnapshot] { world.conntrack?.dumpExpectations(now: world.instant) ?? [] }

  // MARK: Packets

  /// Makes a report of what `body` sets in motion; that of a packet whose listener asks for this stays as it is.
  private func reported(_ body: () -> Void) -> PathReport {
    let (outer, waiting) = (report, postponed)
    (report, postponed) = (PathReport(), [])
    underWay += 1
    world.occasion &+= 1
    body()
    settlePostponed()
    underWay -= 1
    defer { (report, postponed) = (outer, waiting) }
    return report
  }

  /// A packet arrives on an interface.
  public func receive(_ packet: Packet, on interface: String) -> PathReport {
    reported { enter(packet, on: interface) }
  }

  /// A packet arrives on an interface and goes its way, changed in place; nothing of its way is recorded.
  ///
  /// This is the quick way: a packet of a known connection that is sent on as it is, or dropped, allocates nothing. What it is afterwards
  /// is what left, where its verdict is `.sent`; answers, copies, pieces, logs and stays in queues are reported besides.
  public func carry(_ packet: inout Packet, on interface: Interface) -> Carriage {
    guard underWay == 0 else { return carryWithin(&packet, on: interface) }
    underWay = 1
    world.occasion &+= 1
    if !report.isUntouched { report = PathReport() }
    let carriage = carry(&packet, on: interface, &carried)
    underWay = 0
    return carriage
  }

  private func carry(_ packet: inout Packet, on interface: Interface, _ journey: inout Journey) -> Carriage {
    enter(&packet, on: interface, &journey)
    if !stack.pending.isEmpty || !postponed.isEmpty { settlePostponed() }
    return Carriage(
      verdict: journey.takeVerdict(), frameDestination: journey.frameDestination, report: report.isEmpty ? nil : report)
  }

  /// A queue's listener has another packet carried while one waits for its answer.
  private func carryWithin(_ packet: inout Packet, on interface: Interface) -> Carriage {
    var journey = Journey(in: world)
    let report = reported { enter(&packet, on: interface, &journey) }
    return Carriage(
      verdict: journey.takeVerdict(), frameDestination: journey.frameDestination, report: report.isEmpty ? nil : report)
  }

  /// A process of this host sends a packet.
  public func send(_ packet: Packet, by sender: LocalSender = LocalSender()) -> PathReport {
    reported { report.error = emit(packet, by: sender, origin: .own) }
  }

  /// A listener gives its answer to a packet it held. Nothing happens when no such packet waits, or when it is to be held on.
  public func answer(_ id: UInt64, _ answer: QueueAnswer) -> PathReport {
    guard answer.verdict != .hold, let waiting = held.removeValue(forKey: id) else { return PathReport() }
    return reported { resume(waiting, answer) }
  }
}
