internal import Conntrack
internal import Kernel
internal import Lab
internal import Notation
internal import Scenarios
internal import Wire
internal import XTables

/// A scenario in progress in the kernel, in the calling thread's network namespace.
struct ScenarioPlay {
  private let plan: LabPlan
  private let namespace: LabNamespace
  private var rules: LabRules
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var queues: NetlinkQueues
  private var sockets: LabSockets
  /// The socket of the step's packet if it has no name.
  private var lingering: NamespaceSocket?
  private var progress = TCPProgress()
  private var counters: [Family: [LabTable]] = [:]

  private var scenario: Scenario { plan.scenario }
  private var host: LabHost { namespace.host }

  /// Loads the scenario into a namespace, which the calling thread must have entered.
  init(_ plan: LabPlan, in namespace: LabNamespace) throws(KernelError) {
    let scenario = plan.scenario
    self.plan = plan
    self.namespace = namespace
    namespace.conntrack.walks = plan.hostUses.contains(.selectsEvents) || plan.makesBridge
    rules = try LabRules(plan)
    sockets = try LabSockets(scenario.sockets, families: scenario.usesIPv6 ? [.ipv4, .ipv6] : [.ipv4])
    queues = try NetlinkQueues(scenario.queues, failOpen: scenario.failOpen, length: scenario.queueLength)
    start = clock.now
    if let listing = scenario.connectionListing { try namespace.conntrack.enter(ConnectionListing(Array(listing.utf8))) }
    try readCounters()
  }

  private mutating func readCounters() throws(KernelError) {
    for family in Family.allCases { counters[family] = try rules.counters(family) }
  }

  mutating func play() throws(KernelError) -> LabResult {
    var result = LabResult(name: scenario.name)
    try namespace.drain()
    for index in scenario.steps.indices { result.steps.append(try play(step: index)) }
    result.counters = try rules.counters(.ipv4)
    result.counters6 = try rules.counters(.ipv6)
    if scenario.recordsConntrack {
      result.connections = try namespace.conntrack.connections()
      result.expectations = try namespace.conntrack.expectations()
    }
    return result
  }

  /// Closes the listeners, so that the kernel drops the packets still queued.
  mutating func end() {
    queues.close()
    sockets.closeAll()
  }

  // MARK: One step

  private mutating func play(step index: Int) throws(KernelError) -> LabStep {
    let step = scenario.steps[index]
    var answer = LabStep(index: index)
    let hasWaited = wait(for: step)
    var happening = Happening(
      tracker: PacketTracker(
        source: hasWaited ? .none : source(of: step.action), loopback: host.loopback, interfaceNames: host.interfaceNames,
        drops: LabRules.drops(plan), queues: LabRules.queues(plan), usesNfTables: scenario.usesNfTables), places: rules.places)
    // What the kernel's timers have sent meanwhile.
    if hasWaited {
      try settle(&happening)
      happening.tracker.source = source(of: step.action)
    }
    for _ in 0..<step.repetitions {
      try act(step.action, index, &answer)
      try settle(&happening)
    }
    try conclude(&answer, happening)
    lingering = nil
    let lists = step.action == .snapshot || scenario.listsConntrackEachStep
    if lists, scenario.recordsConntrack || step.action == .snapshot {
      answer.connections = try namespace.conntrack.connections()
      answer.expectations = try namespace.conntrack.expectations()
    }
    return answer
  }

  /// Returns true if time has passed.
  private func wait(for step: ScenarioStep) -> Bool {
    var seconds = step.sleep
    if let at = step.at {
      let passed = start.duration(to: clock.now)
      seconds = max(seconds, at - Double(passed.components.seconds) - Double(passed.components.attoseconds) / 1e18)
    }
    guard seconds > 0 else { return false }
    NetworkNamespace.sleepThread(seconds: seconds)
    return true
  }

  private func source(of action: ScenarioStep.Action) -> PacketTracker.Source {
    switch action {
    case .receive(let frame): .frame(interface: HostInterfaces.index(of: frame.interface) ?? 0)
    case .local, .send, .close: .local
    case .snapshot, .load, .flush, .configure, .wait: .none
    }
  }

  private mutating func act(_ action: ScenarioStep.Action, _ index: Int, _ answer: inout LabStep) throws(KernelError) {
    switch action {
    case .receive(let frame):
      let packet = try build(frame.packet)
      guard let tap = host.tap(named: frame.interface) else { throw KernelError(.malformed("there is no interface \(frame.interface)")) }
      progress.see(packet)
      answer.injected = .frame(interface: frame.interface, packet: packet.bytes)
      let own = try tap.hardwareAddress()
      var bytes = frame.destination ?? own
      bytes += (frame.source ?? ScenarioStep.Frame.defaultSource)
      bytes.appendUInt16(frame.etherType ?? (packet.family == .ipv6 ? 0x86DD : 0x0800))
      try tap.write(bytes + packet.bytes)
    case .local(let sender, let spec):
      let packet = try build(spec)
      // The kernel builds the packets of the other ways itself.
      if sender.way == .raw { progress.see(packet) }
      let outcome = try LocalSending.send(packet, spec, by: sender)
      answer.injected = outcome.injection
      answer.errno = outcome.errno
      if let kept = outcome.kept {
        if let name = sender.name { sockets.add(kept, name: name) } else { lingering = kept }
      }
    case .send(let socket, let payload): answer.errno = sockets.send(payload, from: socket)
    case .close(let socket, let fin): answer.errno = sockets.close(socket, fin: fin)
    case .load:
      try rules.load(plan.loads[index] ?? [])
      // The new rules' counters start at 0.
      try readCounters()
    case .flush: try namespace.conntrack.flush()
    case .configure:
      var network = try LabNetwork()
      if let line = plan.changes[index] { try network.apply(line) }
      // The kernel deletes masqueraded connections of an address or interface in a separate work item: `nf_nat_masq_schedule`.
      NetworkNamespace.sleepThread(seconds: 0.2)
    case .snapshot, .wait: break
    }
  }

  private func build(_ spec: PacketSpec) throws(KernelError) -> Packet {
    do throws(PacketFields.BuildError) {
      return try spec.packet(after: progress)
    } catch {
      throw KernelError(.malformed("the packet cannot be built: \(error)"))
    }
  }

  /// The events of a step so far.
  private struct Happening {
    var tracker: PacketTracker
    var places: NftPlaces
    /// The number of the observer's reports.
    var recordCount = 0
    static let mostRecords = 5000
    var sockets: [LabSocketRecord] = []
    /// Frames by interface, in the order in which each sent them.
    var frames: [UInt32: [[UInt8]]] = [:]
  }

  /// Collects events and serves queues and sockets, until nothing more happens.
  private mutating func settle(_ happening: inout Happening) throws(KernelError) {
    var isBusy = true
    while isBusy {
      isBusy = false
      try observe(&happening)
      for packet in try queues.packets() {
        isBusy = true
        let response = queues.nextResponse(of: packet.queue)
        happening.tracker.see(packet, answer: response)
        try queues.answer(packet, response)
        try observe(&happening)
      }
      let records = sockets.events()
      if !records.isEmpty { isBusy = true }
      happening.sockets += records
      for tap in host.taps {
        let index = HostInterfaces.index(of: tap.name) ?? 0
        happening.frames[index, default: []] += try tap.readAll()
      }
    }
    // A connection that cannot be accepted is closed without a record.
    try observe(&happening)
  }

  /// Processes the observer's reports.
  private mutating func observe(_ happening: inout Happening) throws(KernelError) {
    let records: [ObserverRecord]
    do throws(KernelError) {
      records = try namespace.observer.records()
    } catch {
      // If the kernel's buffer overflowed, there are too many packets to follow.
      throw error.description.contains("ENOBUFS") ? KernelError(.malformed(KernelLab.tooManyPackets)) : error
    }
    happening.recordCount += records.count { if case .native = $0.kind { false } else { true } }
    guard happening.recordCount <= Happening.mostRecords else { throw KernelError(.malformed(KernelLab.tooManyPackets)) }
    for record in records {
      guard case .native(let trace) = record.kind else {
        happening.tracker.see(record)
        continue
      }
      if let record = happening.places.record(trace) { happening.tracker.see(record) }
    }
  }

  private mutating func conclude(_ answer: inout LabStep, _ happening: Happening) throws(KernelError) {
    let before = counters
    try readCounters()
    let ruleCounts: [Family: [String: Int]] = counters.mapValues { LabRules.ruleCounts($0) }
    answer.egress = egress(happening)
    for frame in answer.egress { progress.see(Packet(bytes: frame.packet)) }
    answer.packets = happening.tracker.packets(
      PacketTracker.Surroundings(
        ruleCounts: ruleCounts[.ipv4] ?? [:], ruleCounts6: ruleCounts[.ipv6] ?? [:],
        frames: happening.frames.mapValues { $0.filter(ScenarioPlay.isPacket).map { Array($0.dropFirst(14)) } }, isLocal: host.isLocal))
    if !scenario.recordsTrace {
      for index in answer.packets.indices { answer.packets[index].trace = [] }
    }
    answer.verdict = answer.packets.last { $0.origin == .own }?.verdict ?? LabVerdict(.none)
    answer.events = try namespace.conntrack.newEvents()
    answer.sockets = happening.sockets
    if scenario.recordsHits {
      answer.hits = LabTable.hits(from: before[.ipv4] ?? [], to: counters[.ipv4] ?? [])
      answer.hits6 = LabTable.hits(from: before[.ipv6] ?? [], to: counters[.ipv6] ?? [])
    }
  }

  /// True for frames of IP; others, such as ARP requests, are ignored.
  private static func isPacket(_ frame: [UInt8]) -> Bool { frame.uint16(at: 12) == 0x0800 || frame.uint16(at: 12) == 0x86DD }

  /// The frames in the order in which their packets left; a packet's fragments stay together. Frames other than IP are ignored.
  private func egress(_ happening: Happening) -> [LabEgress] {
    var waiting = happening.frames.mapValues { frames in
      ArraySlice(frames.filter(ScenarioPlay.isPacket))
    }
    var ordered: [LabEgress] = []
    func take(_ interface: UInt32) {
      guard let frame = waiting[interface]?.popFirst() else { return }
      ordered.append(
        LabEgress(
          interface: host.interfaceNames[interface] ?? "", destination: Array(frame.prefix(6)), packet: Array(frame.dropFirst(14))))
    }
    for interface in happening.tracker.exits {
      take(interface)
      while let next = waiting[interface]?.first, let at = Packet(bytes: Array(next.dropFirst(14))).transport, at.fragmentOffset != 0 {
        take(interface)
      }
    }
    for interface in waiting.keys.sorted() {
      while waiting[interface]?.isEmpty == false { take(interface) }
    }
    return ordered
  }
}
