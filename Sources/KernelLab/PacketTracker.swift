internal import Lab
internal import Scenarios
internal import Wire

/// Assigns the observer's reports to the packets of a step.
///
/// The kernel processes one packet at a time, and finishes the packets that it causes (a REJECT, a copy, a reply) before it continues. A
/// report therefore belongs to the youngest packet in a state in which such a report can follow.
struct PacketTracker {
  /// The origin of a step's own packet.
  enum Source: Equatable {
    case frame(interface: UInt32)
    /// A packet sent by this host.
    case local
    case none
  }

  /// The state of one packet.
  struct Track {
    var packet: LabPacket
    var hook: Int
    /// True if it has passed its hook's last operation.
    var hasPassed: Bool
    var input: UInt32?
    var output: UInt32?
    /// True if it was sent and received through the loopback interface.
    var hasReturned = false
    var held: UInt16?
    /// The length of its trace when it entered the hook.
    var entryTrace = 0
    var firstPayload: [UInt8]
    /// True if a rule has dropped it.
    var hasEnded = false
    /// True if a rule has queued it, and the queue's report is not read yet.
    var isQueued = false
    /// The number of its last report.
    var lastSeen = 0
  }

  private(set) var tracks: [Track] = []
  /// What the packets to come are: nothing is sent while a step waits.
  var source: Source
  private let loopback: UInt32
  private let interfaceNames: [UInt32: String]
  private var resumed: Int?
  /// The packet of the last trace report: messages of targets refer to it.
  private var traced: Int?
  private var hasOwn = false
  private var reports = 0
  /// The packet that entered a hook last, until its number is known; and the packets by the numbers that nf_tables gives them.
  private var entered: Int?
  private var numbered: [UInt32: Int] = [:]
  private let usesNfTables: Bool
  private let drops: Set<TracedRule>
  private let queues: Set<TracedRule>

  /// - Parameters:
  ///   - drops: the rules that only drop packets.
  ///   - queues: the rules after which a packet waits for an answer.
  ///   - usesNfTables: true if the rules under test are in nf_tables.
  init(
    source: Source, loopback: UInt32, interfaceNames: [UInt32: String], drops: Set<TracedRule> = [], queues: Set<TracedRule> = [],
    usesNfTables: Bool = false
  ) {
    self.source = source
    self.usesNfTables = usesNfTables
    (self.drops, self.queues) = (drops, queues)
    self.loopback = loopback
    self.interfaceNames = interfaceNames
  }

  mutating func see(_ record: ObserverRecord) {
    reports += 1
    let index: Int
    switch record.kind {
    case .entry:
      index = entering(record)
      (entered, traced) = (index, index)
      tracks[index].hook = record.hook
      tracks[index].hasPassed = false
      tracks[index].entryTrace = tracks[index].packet.trace.count
      tracks[index].packet.hooks.append(
        LabPacket.hook(ObserverRecord.hookNames[record.hook], isExit: false, mark: record.mark))
    case .exit:
      guard let found = inside(record.hook, seen: record) else { return }
      index = found
      tracks[index].hasPassed = true
      tracks[index].packet.hooks.append(
        LabPacket.hook(ObserverRecord.hookNames[record.hook], isExit: true, mark: record.mark))
      resumed = nil
    case .trace(let place):
      guard let found = tracked(record) ?? inside(record.hook, meeting: place, seen: record.packet == nil ? record : nil) else { return }
      index = found
      tracks[index].packet.trace.append(place)
      traced = index
      if let place = TracedRule(trace: place, record.family ?? Packet(bytes: record.payload).family ?? .ipv4) {
        tracks[index].hasEnded = drops.contains(place)
        tracks[index].isQueued = queues.contains(place)
        if tracks[index].isQueued, resumed == index { resumed = nil }
      }
    case .identified(let number):
      if let entered { numbered[number] = entered }
      entered = nil
      return
    case .native: return
    case .log(let group, let prefix):
      let last = traced.flatMap { tracks[$0].hook == record.hook && !tracks[$0].hasPassed ? $0 : nil }
      guard let found = last ?? inside(record.hook) else { return }
      tracks[found].packet.logs.append(LabPacket.Log(group: group, prefix: prefix))
      return
    }
    tracks[index].lastSeen = reports
    tracks[index].packet.mark = record.mark
    if !record.payload.isEmpty { tracks[index].packet.final = record.payload }
    if let owner = record.owner { tracks[index].packet.owner = owner }
    // After OUTPUT, a report may name the input interface of an earlier packet in the same buffer.
    if record.hook == 0, let input = record.input { tracks[index].input = input }
    if let output = record.output { tracks[index].output = output }
  }

  /// The packet with the number that a trace has, if it is in the hook.
  private func tracked(_ record: ObserverRecord) -> Int? {
    guard let index = record.packet.flatMap({ numbered[$0] }), tracks[index].hook == record.hook, !tracks[index].hasPassed else {
      return nil
    }
    return index
  }

  /// The packet that enters a hook: one in progress, or a new one.
  private mutating func entering(_ record: ObserverRecord) -> Int {
    let found: Int?
    switch record.hook {
    case 0:
      guard record.input == loopback else {
        // Only the injected packet arrives from outside; a bridge or tunnel may present it on another interface. What a multicast or broadcast
        // packet of the host leaves behind comes back on the same interface.
        let isLooped = tracks.contains {
          $0.hook == 4 && $0.hasPassed && $0.output == record.input && PacketTracker.isSame($0.packet.final, record.payload)
        }
        if case .frame(let interface) = source { return begin(record, isOwn: record.input == interface && !isLooped || !hasOwn) }
        return begin(record, isOwn: false)
      }
      found = returning(record)
    case 3: found = nil
    // A copy of a bridged packet comes back from the loopback interface without passing PREROUTING.
    case 1: found = standing(behind: [0], record) ?? returning(record)
    case 2: found = standing(behind: [0], record)
    default: found = standing(behind: [2, 3], record)
    }
    if let found { return found }
    let isOwn = record.hook == 3 && source == .local && !hasOwn
    return begin(record, isOwn: isOwn)
  }

  /// The packet that left by the loopback interface and comes back with this payload.
  private mutating func returning(_ record: ObserverRecord) -> Int? {
    let away = tracks.indices.filter {
      let track = tracks[$0]
      return track.hook == 4 && track.hasPassed && track.output == loopback && !track.hasReturned
        && PacketTracker.isSame(track.packet.final, record.payload)
    }
    let found = away.first { tracks[$0].packet.final == record.payload } ?? away.last
    if let found {
      tracks[found].hasReturned = true
      tracks[found].input = record.input
    }
    return found
  }

  private mutating func begin(_ record: ObserverRecord, isOwn: Bool) -> Int {
    if isOwn { hasOwn = true }
    // A new packet precedes the resumed one.
    resumed = nil
    let packet = LabPacket(origin: isOwn ? .own : .kernel, verdict: LabVerdict(.none), final: record.payload)
    tracks.append(Track(packet: packet, hook: record.hook, hasPassed: false, firstPayload: record.payload))
    return tracks.count - 1
  }

  /// The youngest packet that has passed one of these hooks and has not continued; of several, the one with the same addresses.
  private func standing(behind hooks: [Int], _ record: ObserverRecord) -> Int? {
    let candidates = tracks.indices.reversed().filter {
      tracks[$0].hasPassed && hooks.contains(tracks[$0].hook)
    }
    return candidates.first { PacketTracker.isSame(tracks[$0].packet.final, record.payload) } ?? candidates.first
  }

  /// The packet inside this hook: the one resumed by a verdict, otherwise the youngest that may reach the place.
  ///
  /// A packet and its copy, one of which was dropped without a report, are distinguished by their bytes or their output interface.
  private func inside(_ hook: Int, meeting place: String? = nil, seen record: ObserverRecord? = nil) -> Int? {
    if let resumed, tracks[resumed].hook == hook, !tracks[resumed].hasPassed { return resumed }
    let candidates = tracks.indices.filter { index in
      let track = tracks[index]
      return track.hook == hook && !track.hasPassed && !track.hasEnded && !track.isQueued && track.held == nil
        && place.map { canMeet($0, after: track.packet.trace[track.entryTrace...], in: hook) } ?? true
    }
    guard let record, candidates.count > 1 else { return candidates.last }
    let alike = candidates.filter { tracks[$0].packet.final == record.payload }
    let likely = alike.isEmpty ? candidates : alike
    return likely.last { tracks[$0].output == record.output } ?? likely.last
  }

  /// True if a packet that hit these places in its hook may hit another one: it continues in its chain, does not return to earlier tables, and
  /// does not re-enter a table whose end it reached. A drop by policy has no other report.
  private func canMeet(_ place: String, after met: ArraySlice<String>, in hook: Int) -> Bool {
    guard let last = met.last, let new = TracePlace(place), let old = TracePlace(last) else { return true }
    guard new.table == old.table else { return new.rank(in: hook, usesNfTables) > old.rank(in: hook, usesNfTables) }
    return new.chain == old.chain ? new.number > old.number : old.kind != "policy"
  }

  /// True for the same protocol and addresses, which routing between two hooks does not change.
  private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    let (a, b) = (Packet(bytes: a), Packet(bytes: b))
    return a.source == b.source && a.destination == b.destination && a.transport?.proto == b.transport?.proto
  }

  /// True if a frame holds a packet as it left, or a fragment of it. The fragments in which a packet came have no DF when they leave.
  ///
  /// If a packet with the same addresses left without DF, the fragments are of that one.
  private func isSent(_ packet: [UInt8], as frame: [UInt8]) -> Bool {
    let (whole, piece) = (Packet(bytes: packet), Packet(bytes: frame))
    guard Self.isSame(packet, frame), whole.ttl == piece.ttl else { return false }
    if whole.ipv4?.dontFragment == piece.ipv4?.dontFragment { return true }
    return piece.ipv4?.isFragment == true
      && !tracks.contains { track in
        let other = track.packet.final
        return track.hook == 4 && track.hasPassed && Self.isSame(other, frame) && Packet(bytes: other).ipv4?.dontFragment == false
      }
  }

  // MARK: Queues

  /// Records a stay in a queue and the verdict.
  mutating func see(_ queued: NetlinkQueuedPacket, answer: QueueResponse) {
    let alike = tracks.indices.filter {
      tracks[$0].hook == queued.hook && !tracks[$0].hasPassed && !tracks[$0].hasEnded && tracks[$0].packet.final == queued.payload
    }
    // Of packets alike, the one is queued first whose last report is older: a copy by TEE goes on before its packet does.
    let along = alike.filter { tracks[$0].output == queued.output }.min {
      (tracks[$0].isQueued ? 0 : 1, tracks[$0].lastSeen) < (tracks[$1].isQueued ? 0 : 1, tracks[$1].lastSeen)
    }
    guard
      let index = along ?? alike.first ?? inside(queued.hook)
        ?? tracks.lastIndex(where: { $0.hook == queued.hook && !$0.hasPassed })
    else { return }
    tracks[index].packet.queued.append(
      LabPacket.Queued(
        queue: queued.queue, hook: ObserverRecord.hookNames[queued.hook], mark: queued.mark,
        brief: Packet(bytes: queued.payload).brief, verdict: answer.name, input: queued.input.flatMap { interfaceNames[$0] },
        output: queued.output.flatMap { interfaceNames[$0] }))
    tracks[index].isQueued = if case .queue = answer.verdict { true } else { false }
    resumed = answer.verdict == .hold ? nil : index
    tracks[index].held = answer.verdict == .hold ? queued.queue : nil
  }

  // MARK: The end of a step

  /// The facts about rules and host that the verdict depends on.
  struct Surroundings {
    /// The number of rules in each chain, by `table:chain`.
    var ruleCounts: [String: Int]
    var ruleCounts6: [String: Int]
    /// The datagrams that left, by external interface.
    var frames: [UInt32: [[UInt8]]]
    /// True if the packet is addressed to this host.
    var isLocal: (Packet) -> Bool
  }

  /// The packets of the step with their verdicts.
  func packets(_ surroundings: Surroundings) -> [LabPacket] {
    tracks.map { track in
      var packet = track.packet
      let isSix = Packet(bytes: packet.final).family == .ipv6
      packet.trace = packet.trace.map {
        PacketTracker.corrected($0, isSix ? surroundings.ruleCounts6 : surroundings.ruleCounts)
      }
      packet.input = track.input.flatMap { interfaceNames[$0] }
      packet.verdict = verdict(track, packet, surroundings)
      return packet
    }
  }

  /// ip_tables reports an unconditional rule with a verdict as `policy` or `return`, like the end of a chain. If the number does not exceed the
  /// number of rules, it is a rule.
  private static func corrected(_ place: String, _ ruleCounts: [String: Int]) -> String {
    let parts = place.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 4, let number = Int(parts[parts.count - 1]), parts[parts.count - 2] != "rule" else { return place }
    let chain = parts[..<(parts.count - 2)].joined(separator: ":")
    guard let count = ruleCounts[chain], number <= count else { return place }
    return "\(chain):rule:\(number)"
  }

  private func verdict(_ track: Track, _ packet: LabPacket, _ surroundings: Surroundings) -> LabVerdict {
    let hook = ObserverRecord.hookNames[track.hook]
    if let queue = track.held { return LabVerdict(.queued, hook: hook, queue: queue) }
    let final = Packet(bytes: packet.final)
    let isFragment = final.isFragment
    if track.hasPassed {
      switch track.hook {
      case 1: return LabVerdict(.local)
      case 4:
        guard let output = track.output,
          surroundings.frames[output]?.contains(where: { isSent(packet.final, as: $0) }) == true
            || isPassedOn(packet.final, by: output, surroundings)
        else { return LabVerdict(.lost) }
        return LabVerdict(.sent, out: interfaceNames[output])
      // Without conntrack, fragments for this host are reassembled after PREROUTING, outside of hooks.
      case 0 where isFragment && surroundings.isLocal(final): return LabVerdict(.absorbed)
      default: return LabVerdict(.lost)
      }
    }
    // Reassembly precedes all tables.
    if isFragment, track.hook == 0 || track.hook == 3, packet.trace.isEmpty { return LabVerdict(.absorbed, hook: hook) }
    return LabVerdict(.drop, hook: hook, by: packet.trace.last)
  }

  /// True if an interface such as a bridge passed the packet to another, which has a frame of it and no packet of its own like it.
  private func isPassedOn(_ packet: [UInt8], by output: UInt32, _ surroundings: Surroundings) -> Bool {
    guard output != loopback, surroundings.frames[output] == nil else { return false }
    return surroundings.frames.contains { port, frames in
      frames.contains { isSent(packet, as: $0) }
        && !tracks.contains { $0.hook == 4 && $0.hasPassed && $0.output == port && PacketTracker.isSame($0.packet.final, packet) }
    }
  }

  /// The order in which packets left: the output interface of each packet that passed POSTROUTING.
  var exits: [UInt32] { tracks.filter { $0.hook == 4 && $0.hasPassed }.compactMap(\.output) }
}

extension Packet {
  /// True for a fragment, or a whole datagram with a fragment header.
  fileprivate var isFragment: Bool {
    guard var headers = IPv6ExtensionHeaders(bytes), family == .ipv6 else { return ipv4?.isFragment == true }
    while let header = headers.next() { if header.proto == .fragment { return true } }
    return false
  }
}

/// The place of a rule.
struct TracedRule: Hashable {
  let family: Family
  let table: String
  let chain: String
  /// From 1.
  let number: Int

  init(family: Family, table: String, chain: String, number: Int) {
    (self.family, self.table, self.chain, self.number) = (family, table, chain, number)
  }

  /// Parses a trace label. The kernel reports an unconditional rule as `policy`; the number identifies the rule.
  init?(trace: String, _ family: Family) {
    guard let place = TracePlace(trace) else { return nil }
    self.init(family: family, table: String(place.table), chain: String(place.chain), number: place.number)
  }
}

/// A line of a trace: `filter:FORWARD:rule:3`.
private struct TracePlace {
  let table: Substring
  let chain: Substring
  let kind: Substring
  let number: Int

  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let number = Int(parts[3]) else { return nil }
    (table, chain, kind, self.number) = (parts[0], parts[1], parts[2], number)
  }

  /// The table's position in the order of the hook; nat comes last at hooks where it translates sources, but for the security table of
  /// nf_tables.
  func rank(in hook: Int, _ usesNfTables: Bool) -> Int {
    let late = usesNfTables ? ["nat", "security"] : ["security", "nat"]
    let order = hook == 1 || hook == 4 ? ["raw", "mangle", "filter"] + late : ["raw", "mangle", "nat", "filter", "security"]
    return order.firstIndex(of: String(table)) ?? 0
  }
}
