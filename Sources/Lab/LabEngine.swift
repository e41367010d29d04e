import Compiler
import Conntrack
import Diagnostics
import Documents
package import Evaluator
package import Notation
public import Scenarios
import Syntax
import Wire
public import XTables

/// Plays scenarios in Ferrule's own engine and predicts the kernel's answer.
public struct LabEngine: Sendable {
  /// The matches and targets that rules may use.
  public let registry: Registry
  /// The names that rules may use for protocols, services, users and groups.
  public let names: NameDatabase

  /// Creates an engine.
  public init(registry: Registry, names: NameDatabase = .builtin) {
    self.registry = registry
    self.names = names
  }

  /// The answer to a scenario. If it cannot be played, the answer's `error` says why.
  public func play(_ scenario: Scenario) -> LabResult {
    do throws(ScenarioError) {
      let (engine, sets) = try knowingSets(of: scenario)
      var run = try LabEngineRun(
        scenario, try engine.rulesets(scenario.rules, scenario.rules6, usesNfTables: scenario.usesNfTables), sets, engine: engine)
      return try run.play()
    } catch {
      return LabResult(name: scenario.name, error: error.description)
    }
  }

  /// Answers one line of the protocol. The result has no newline.
  ///
  /// - Parameter usesNfTables: whether the rules are those of iptables-nft, which a line cannot say; nil for no.
  public func answer(line: some StringProtocol, usesNfTables: Bool? = nil) -> String {
    do throws(ScenarioError) {
      var scenario = try Scenario(line: line)
      if let usesNfTables { scenario.usesNfTables = usesNfTables }
      return play(scenario).json.description
    } catch {
      return LabResult(name: "", error: error.description).json.description
    }
  }

  /// This engine with the names of the scenario's sets, and the sets; nil if the scenario has none.
  package func knowingSets(of scenario: Scenario) throws(ScenarioError) -> (engine: LabEngine, sets: AddressSets?) {
    let sets = try addressSets(scenario)
    // A new namespace has no sets.
    return (LabEngine(registry: registry, names: (sets ?? AddressSets()).names(over: names)), sets)
  }

  /// The start time of a scenario in nanoseconds since 1970; timeouts of set elements are relative to it.
  package static func start(_ scenario: Scenario) -> UInt64 { LabEngineRun.start(scenario) }

  package func addressSets(_ scenario: Scenario) throws(ScenarioError) -> AddressSets? {
    guard let text = scenario.ipsets else { return nil }
    do throws(AddressSetError) {
      return try AddressSets(saved: text, now: LabEngineRun.start(scenario), names: names)
    } catch {
      throw ScenarioError(path: "ipset", reason: error.description)
    }
  }

  /// Parses the rules of both families.
  ///
  /// - Parameter usesNfTables: true for what nf_tables refuses.
  /// - Throws: `ScenarioError` with the line, for rules that iptables-restore or the kernel refuses.
  package func rulesets(_ rules: String?, _ rules6: String?, usesNfTables: Bool = false) throws(ScenarioError) -> [Ruleset] {
    var rulesets: [Ruleset] = []
    for (text, family, path) in [(rules, Family.ipv4, "rules"), (rules6, .ipv6, "rules6")] {
      guard let text else { continue }
      let parser = RulesetParser(registry: registry, names: names, family: family)
      let parsed = parser.parse(SourceFile(name: path, bytes: Array(text.utf8)))
      if let error = parsed.diagnostics.first(where: { $0.severity == .error }) {
        let line = parsed.file.position(of: Int(error.range.lowerBound)).line
        throw ScenarioError(path: path, reason: "line \(line): \(error.message)")
      }
      let refusals = parsed.ruleset.tables.flatMap { TableValidator(checksAll: usesNfTables).diagnostics(for: $0) }
      if let error = refusals.first(where: { $0.severity == .error }) {
        throw ScenarioError(path: path, reason: "the kernel would refuse this line: \(error.message)")
      }
      rulesets.append(parsed.ruleset)
    }
    return rulesets
  }
}

/// A scenario in progress.
package struct LabEngineRun {
  let scenario: Scenario
  package let simulator: Simulator
  private let engine: LabEngine
  private var runner: PacketRunner
  private let start: UInt64
  private let recorder = LabQueueRecorder()
  /// How many more entries may be listed in full.
  private var entriesLeft = Limits.traceEntriesOfScenario
  /// The simulator's reports of the last step.
  package private(set) var reports: [PathReport] = []

  /// The start time of a scenario in nanoseconds since 1970.
  static func start(_ scenario: Scenario) -> UInt64 { UInt64((scenario.clock ?? 1_700_000_000) * 1e9) }

  package init(_ scenario: Scenario, _ rulesets: [Ruleset], _ sets: AddressSets?, engine: LabEngine) throws(ScenarioError) {
    self.scenario = scenario
    self.engine = engine
    start = Self.start(scenario)
    let host = try Host(scenario)
    do throws(TableProgram.Failure) {
      simulator = try Simulator(host: host, clock: start, seed: scenario.seed ?? 1)
      runner = PacketRunner(simulator)
      simulator.isInFirstNamespace = false
      simulator.followedSequences = scenario.followedSequences
      simulator.conntrackSettings = ConntrackSettings(scenario)
      simulator.world.addressSets = sets
      simulator.world.tickPhase = UInt64((scenario.tickPhase ?? 0) * 1e9)
    } catch {
      throw ScenarioError(path: "rules", reason: "\(error)")
    }
    simulator.world.fingerprints = try Self.fingerprints(scenario)
    try load(rulesets)
    try restore(engine.names)
    simulator.delivery = scenario.mode == .sink ? .sink : .stack
    recorder.listen(scenario, simulator)
  }

  private static func fingerprints(_ scenario: Scenario) throws(ScenarioError) -> OSFingerprints? {
    guard let text = scenario.fingerprints else { return nil }
    do throws(OSFingerprintError) {
      return try OSFingerprints(text: text)
    } catch {
      throw ScenarioError(path: "fingerprints", reason: error.description)
    }
  }

  /// Loads rules; they replace the tables of the same names.
  func load(_ rulesets: [Ruleset]) throws(ScenarioError) {
    do throws(TableProgram.Failure) {
      for ruleset in rulesets { try simulator.load(ruleset) }
    } catch {
      throw ScenarioError(path: "rules", reason: "\(error)")
    }
    simulator.world.conntrack?.recordsEvents = true
  }

  /// Adds the connections that exist at the start of the scenario.
  private func restore(_ names: NameDatabase) throws(ScenarioError) {
    guard let text = scenario.connectionListing else { return }
    let bytes = Array(text.utf8)
    let listing = ConnectionListing(bytes, label: names.connectionLabel)
    guard let error = (listing.errors + simulator.restore(listing)).first else { return }
    let line = bytes[..<error.range.lowerBound].count { $0 == UInt8(ascii: "\n") } + 1
    throw ScenarioError(path: "ct_from", reason: "line \(line): \(error.message)")
  }

  mutating func play() throws(ScenarioError) -> LabResult {
    var steps: [LabStep] = []
    for (index, step) in scenario.steps.enumerated() { steps.append(try play(step, index)) }
    return result(steps)
  }

  /// The answer to the steps played so far.
  package func result(_ steps: [LabStep]) -> LabResult {
    var result = LabResult(name: scenario.name)
    result.steps = steps
    result.counters = tables(.ipv4)
    result.counters6 = tables(.ipv6)
    if scenario.recordsConntrack {
      result.connections = simulator.connections().map { LabConnection($0) }
      result.expectations = simulator.expectations().map { LabExpectation($0) }
    }
    return result
  }

  /// Plays a step that loads rules which have been parsed already.
  package mutating func play(loading rulesets: [Ruleset], _ index: Int) throws(ScenarioError) -> LabStep {
    reports = []
    try load(rulesets)
    var record = LabStep(index: index)
    conclude(&record, lists: scenario.listsConntrackEachStep)
    return record
  }

  package mutating func play(_ step: ScenarioStep, _ index: Int) throws(ScenarioError) -> LabStep {
    reports = []
    if let at = step.at {
      let wanted = start &+ UInt64(at * 1e9)
      if wanted > simulator.world.now { simulator.advance(nanoseconds: wanted - simulator.world.now) }
    }
    var record = LabStep(index: index)
    let before = scenario.recordsHits ? (tables(.ipv4), tables(.ipv6)) : ([], [])
    let meanwhile = runner.advance(nanoseconds: UInt64(step.sleep * 1e9))
    if !meanwhile.packets.isEmpty { note(meanwhile, &record) }
    for _ in 0..<step.repetitions {
      limitTrace()
      try act(step.action, index, &record)
    }
    if scenario.recordsHits, !step.action.loadsRules {
      record.hits = LabTable.hits(from: before.0, to: tables(.ipv4))
      record.hits6 = LabTable.hits(from: before.1, to: tables(.ipv6))
    }
    conclude(&record, lists: scenario.listsConntrackEachStep || step.action == .snapshot)
    return record
  }

  /// Sets the limit for the next packet's trace; entries beyond it are only counted.
  private func limitTrace() {
    let most = entriesLeft > 0 ? Limits.traceEntries : Limits.traceEntriesOfLaterPackets
    simulator.extent = TraceExtent(entries: scenario.recordsTrace ? most : 0, countsRest: scenario.recordsTrace)
  }

  /// Adds conntrack's events and listings after a step.
  private func conclude(_ record: inout LabStep, lists: Bool) {
    if let events = simulator.world.conntrack?.takeEvents() {
      record.events = events.map { LabConntrackEvent($0) }
    }
    if lists {
      record.connections = simulator.connections().map { LabConnection($0) }
      record.expectations = simulator.expectations().map { LabExpectation($0) }
    }
  }

  private mutating func act(_ action: ScenarioStep.Action, _ index: Int, _ record: inout LabStep) throws(ScenarioError) {
    if case .receive(let frame) = action, simulator.host.device(named: frame.interface) == nil {
      throw ScenarioError(path: "steps[\(index)].in", reason: "there is no interface \(frame.interface)")
    }
    if let played = try play(action, index) {
      if let packet = played.packet { record.injected = LabInjection(packet, by: action) }
      return note(played.report, &record)
    }
    switch action {
    case .load(let rules, let rules6): try load(try engine.rulesets(rules, rules6, usesNfTables: scenario.usesNfTables))
    case .flush: simulator.world.conntrack?.flush(now: simulator.world.instant)
    case .configure(let command):
      do throws(HostError) {
        try simulator.configure(ipCommand: command)
      } catch {
        throw ScenarioError(path: "steps[\(index)].ip", reason: error.reason)
      }
    case .receive, .local, .send, .close, .snapshot, .wait: break
    }
  }

  private mutating func play(_ action: ScenarioStep.Action, _ index: Int) throws(ScenarioError) -> PacketRunner.Played? {
    do throws(PacketFields.BuildError) {
      return try runner.act(action)
    } catch {
      throw ScenarioError(path: "steps[\(index)]", reason: "the packet cannot be built: \(error)")
    }
  }

  /// Adds the effects of a packet to the step's record.
  private mutating func note(_ path: PathReport, _ record: inout LabStep) {
    reports.append(path)
    for departure in path.observableDepartures {
      record.egress.append(
        LabEgress(interface: departure.interface, destination: departure.destination.octets, packet: departure.packet.bytes))
    }
    // Packets that passed no hook are not reported.
    let seen = path.packets.filter { !$0.passages.isEmpty }
    let packets = seen.map { LabPacket($0, tracing: scenario.recordsTrace) }
    entriesLeft -= packets.reduce(0) { $0 + $1.trace.count }
    record.packets += packets
    record.sockets += path.sockets.map { LabSocketRecord($0) }
    record.errno = path.error?.rawValue ?? record.errno
    record.verdict = seen.last { $0.origin == .own }.map { LabVerdict($0.verdict) } ?? LabVerdict(.none)
  }

  private func tables(_ family: Family) -> [LabTable] {
    guard let ruleset = simulator.rulesets().first(where: { $0.family == family }) else { return [] }
    return ruleset.tables.map { table in
      LabTable(
        name: table.name.rawValue,
        chains: table.chains.map { chain in
          LabTable.Chain(
            name: chain.name, policy: chain.policy?.rawValue, count: LabCount(chain.counters.packets, chain.counters.bytes),
            rules: chain.rules.map { LabCount($0.counters.packets, $0.counters.bytes) })
        })
    }
  }
}

/// Gives the verdicts of a scenario's queues in order.
private final class LabQueueRecorder: Sendable {
  func listen(_ scenario: Scenario, _ simulator: Simulator) {
    for (number, responses) in scenario.queues {
      let length = Int(scenario.queueLength ?? 1024)
      if let first = responses.first, first.leavesBytes, responses.allSatisfy({ $0 == first }) {
        let answer = QueueAnswer(first.answer, mark: first.mark)
        simulator.queues[number] = QueueListener(maximumLength: length, isFailOpen: scenario.failOpen, always: answer)
        continue
      }
      var next = 0
      simulator.queues[number] = QueueListener(maximumLength: length, isFailOpen: scenario.failOpen) { queued in
        let response = responses.isEmpty ? QueueResponse() : responses[min(next, responses.count - 1)]
        next += 1
        return QueueAnswer(response, to: queued)
      }
    }
  }
}

extension QueueAnswer {
  init(_ response: QueueResponse, to queued: QueuedPacket) {
    self.init(response.answer, mark: response.mark, bytes: response.bytes(insteadOf: queued.packet))
  }
}

extension QueueResponse {
  fileprivate var answer: QueueAnswer.Verdict {
    switch verdict {
    case .accept: .accept
    case .drop: .drop
    case .repeat: .repeat
    case .hold: .hold
    case .queue(let number): .queue(number)
    }
  }

  /// Whether the listener returns the packet as it was.
  fileprivate var leavesBytes: Bool { packet == nil && replacement == nil }

  /// The bytes that the listener returns; nil if it leaves the packet unchanged.
  func bytes(insteadOf packet: Packet) -> [UInt8]? {
    if let spec = self.packet { return try? spec.packet(after: TCPProgress()).bytes }
    guard let replacement, let at = packet.transport else { return nil }
    let start = at.offset + packet.payloadOffset(at)
    guard start <= packet.count, let found = packet.bytes[start...].firstRange(of: replacement.old) else { return nil }
    var changed = packet
    changed.bytes.replaceSubrange(found, with: replacement.new)
    changed.updateLengthField()
    if at.proto == .udp { changed.bytes.setUInt16(UInt16(clamping: changed.count - at.offset), at: at.offset + UDPHeader.Offset.length) }
    changed.updateTransportChecksum()
    return changed.bytes
  }
}

extension Packet {
  /// The length of the transport header in bytes.
  fileprivate func payloadOffset(_ at: TransportLocator) -> Int {
    switch at.proto {
    case .tcp: tcp?.dataOffset ?? TCPHeader.minimumLength
    case .udp, .udplite: UDPHeader.length
    case .icmp, .icmpv6: ICMPHeader.length
    default: 0
    }
  }
}
