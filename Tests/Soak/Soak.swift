import Conntrack
import Evaluator
import Extensions
import NAT
import Wire
import XTables

/// A network with everything that goes wrong in one, around a host whose rules are swapped while it runs.
///
/// Hosts on three links open connections, answer what reaches them, and lose, reorder, repeat, cut and spoil their packets; the clock jumps.
/// After each step every structure of the host is checked, whole: the table is kept small (`limit` connections), so that this is cheap and the
/// limit is always felt. All of it follows from the seed.
final class Soak {
  struct Outcome {
    var steps = 0
    var departures = 0
    /// Of everything that left, every verdict and every event, in order.
    var digest = Digest()
    var verdicts: [String: Int] = [:]
    /// What contradicted itself, with the step at which it did; the run ends there.
    var findings: [String] = []
    var most = 0
    var statistics = ConntrackStatistics()
  }

  let simulator: Simulator
  var random: SeededRandom
  /// Packets that will arrive, in no particular order.
  var letters: [Letter] = []
  /// Packets that left lately, for ICMP errors to quote.
  var recent: [Departure] = []
  var judge = SoakJudge()
  private(set) var outcome = Outcome()
  private var held: [UInt64] = []
  private var datagrams: UInt32 = 0
  private var nextSocket = 0

  /// - Parameter limit: `nf_conntrack_max`.
  init(seed: UInt64, limit: UInt32 = 64) throws {
    random = SeededRandom(seed: seed)
    simulator = try Simulator(host: SoakNetwork.host(), clock: 1_000_000_000_000_000, seed: seed)
    simulator.recordsTrace = false
    simulator.delivery = .stack
    simulator.conntrackSettings.max = limit
    simulator.conntrackSettings.buckets = limit / 4
    simulator.conntrackSettings.expectMax = 24
    simulator.conntrackSettings.accounting = true
    simulator.conntrackSettings.events = 1
    simulator.conntrackSettings.tcp.established = 600
    simulator.conntrackSettings.fragments.ipv4HighThreshold = 24_000
    simulator.conntrackSettings.fragments.ipv6HighThreshold = 24_000
    listenToQueues()
    try load(SoakRules.sets[0])
  }

  /// Runs until so many packets have arrived or were sent, or something is wrong.
  func run(packets: Int) throws -> Outcome {
    while outcome.steps < packets, outcome.findings.isEmpty {
      try turn()
      outcome.steps += 1
    }
    outcome.statistics = simulator.world.conntrack?.statistics ?? ConntrackStatistics()
    return outcome
  }

  // MARK: A step

  private func turn() throws {
    simulator.advance(nanoseconds: pause())
    if random.chance(1, in: 100) { try load(random.pick(SoakRules.sets)) }
    if random.chance(1, in: 500) { disturb() }
    if letters.isEmpty || random.chance(1, in: 3) { open() }
    if !held.isEmpty, random.chance(1, in: 4) {
      let id = held.remove(at: random.below(held.count))
      settle(simulator.answer(id, random.chance(1, in: 4) ? QueueAnswer(.drop) : QueueAnswer(.accept)), isSound: false)
    } else if letters.isEmpty || random.chance(1, in: 12) {
      settle(sendLocally(), isSound: true)
    } else {
      let letter = letters.remove(at: random.below(letters.count))
      settle(simulator.receive(letter.packet, on: letter.interface), isSound: letter.isSound)
    }
  }

  /// Mostly some milliseconds, now and then long enough for timers, and seldom days.
  private func pause() -> UInt64 {
    switch random.below(400) {
    case 0: UInt64(random.below(700)) * 1_000_000_000
    case 1..<8: UInt64(random.below(40)) * 1_000_000_000
    default: UInt64(random.below(50)) * 1_000_000
    }
  }

  private func load(_ set: SoakRules.Set) throws {
    for ruleset in try set.rulesets() { try simulator.load(ruleset) }
    simulator.conntrackSettings.automaticHelpers = set.helpsByPort
    simulator.world.conntrack?.recordsEvents = true
    judge.forgetCounters()
  }

  /// What an administrator does to a running host.
  private func disturb() {
    guard let table = simulator.world.conntrack else { return }
    let now = simulator.world.instant
    switch random.below(4) {
    case 0: table.flush(now: now)
    case 1: table.flushMasqueraded(interface: 4, now: now)
    case 2: table.removeAll(now: now) { _, connection in connection.mark != 0 }
    default:
      if let victim = simulator.connections().first?.handle { table.delete(victim, now: now) }
    }
  }

  /// Judges what a step did, and lets the network answer what left.
  private func settle(_ report: PathReport, isSound: Bool) {
    outcome.departures += report.departures.count
    outcome.verdicts[report.verdict.name, default: 0] += 1
    outcome.digest.add(report)
    let findings = judge.judge(report, isSound: isSound) + judge.judge(simulator, step: outcome.steps, &outcome.digest)
    outcome.findings += findings.map { "step \(outcome.steps): \($0)" }
    outcome.most = max(outcome.most, simulator.world.conntrack?.count ?? 0)
    for departure in report.departures { answer(departure) }
    recent += report.departures
    if recent.count > 16 { recent.removeFirst(recent.count - 16) }
    // A crowd waits no longer than some hundred steps.
    if letters.count > 200 { letters.removeFirst(letters.count - 200) }
  }

  // MARK: What happens to packets on their way

  /// Puts a packet on its way: it may be lost, doubled, cut or spoiled, and takes a random time.
  func post(_ packet: Packet, on interface: String) {
    var letter = Letter(packet: packet, interface: interface, isSound: packet.isTransportChecksumValid != false)
    switch random.below(40) {
    case 0...1: return
    case 2...3: letters.append(letter)
    case 4...7:
      letters += cut(letter)
      return
    case 8...10: spoil(&letter)
    default: break
    }
    letters.append(letter)
  }

  /// A number for a datagram's fragments; those of spoiled ones are never used for sound ones.
  private func identification(isSound: Bool) -> UInt32 {
    datagrams = (datagrams + 1) & 0x7FFF
    return isSound ? datagrams : 0x8000 | UInt32(random.below(64))
  }

  private func cut(_ letter: Letter) -> [Letter] {
    var packet = letter.packet
    var isSound = letter.isSound && random.chance(3, in: 4)
    let number = identification(isSound: isSound)
    if packet.family == .ipv4 {
      packet.bytes.setUInt16(UInt16(truncatingIfNeeded: number), at: IPv4Header.Offset.identification)
      packet.bytes.setUInt16(0, at: IPv4Header.Offset.fragment)
      packet.updateHeaderChecksum()
    }
    guard var pieces = packet.fragments(mtu: 72 + 8 * random.below(40), identification: number), pieces.count > 1 else { return [letter] }
    if random.chance(1, in: 8) {
      pieces.append(random.pick(pieces))
    }
    if random.chance(1, in: 8) { pieces.removeLast() }
    if !isSound, let index = pieces.indices.last {
      // It now overlaps its neighbour, or leaves a gap; or more are said to follow for ever.
      pieces[index].moveFragment(by: random.pick([-8, 8, 16]), more: random.chance(1, in: 3))
    }
    if packet.family == .ipv6, pieces[0].count < 100 { isSound = false }
    return pieces.map { Letter(packet: $0, interface: letter.interface, isSound: isSound) }
  }

  /// Damages a packet so that its header checksum, if it has one, still holds most of the time.
  private func spoil(_ letter: inout Letter) {
    letter.isSound = false
    guard letter.packet.count > 0 else { return }
    switch random.below(6) {
    case 0: letter.packet.bytes.removeLast(random.below(letter.packet.count))
    case 1:
      letter.packet.bytes.removeLast(random.below(letter.packet.count))
      letter.packet.updateLengthField()
    case 2: letter.packet.bytes.setUInt16(UInt16(random.below(2000)), at: letter.packet.family == .ipv4 ? IPv4Header.Offset.totalLength : 4)
    case 3: letter.packet.bytes += (0..<random.below(60)).map { UInt8(truncatingIfNeeded: $0) }
    default:
      for _ in 0...random.below(3) {
        letter.packet.bytes[random.below(letter.packet.count)] = UInt8(truncatingIfNeeded: random.next())
      }
    }
    if !random.chance(1, in: 5) { letter.packet.updateHeaderChecksum() }
  }

  // MARK: Packets of the host

  private func sendLocally() -> PathReport {
    let names = (0..<8).map { "s\($0)" }
    switch random.below(6) {
    case 0: return simulator.write(Array("PORT 10,0,0,1,\(random.below(256)),\(random.below(300))\r\n".utf8), to: random.pick(names))
    case 1: return simulator.close(random.pick(names), abortively: random.chance(1, in: 2))
    case 2:
      nextSocket = (nextSocket + 1) & 7
      return simulator.sendThroughSocket(opening(from: nil), by: LocalSender(facts: SocketFacts(uid: 1000)), named: names[nextSocket])
    default:
      return simulator.send(opening(from: nil), by: LocalSender(facts: SocketFacts(uid: UInt32(random.below(3)))))
    }
  }

  private func listenToQueues() {
    var repeats = 0
    func listen(_ number: UInt16, _ answer: @escaping (QueuedPacket) -> QueueAnswer) {
      simulator.queues[number] = QueueListener(maximumLength: 12, isFailOpen: number == 7, answer)
    }
    listen(0) { _ in QueueAnswer(.accept) }
    listen(1) { _ in QueueAnswer(.drop) }
    listen(2) { _ in
      repeats += 1
      return QueueAnswer(repeats % 2 == 0 ? .accept : .repeat)
    }
    listen(3) { _ in QueueAnswer(.queue(0), mark: 3) }
    listen(4) { QueueAnswer(.accept, mark: $0.mark ^ 0x40) }
    listen(5) { packet in
      var changed = packet.packet
      guard let at = changed.transport, at.fragmentOffset == 0, !at.moreFragments, changed.tcp == nil || changed.count > at.offset + 20
      else {
        return QueueAnswer(.accept)
      }
      changed.bytes.setUInt8(0x2A, at: changed.count - 1)
      if packet.packet.isTransportChecksumValid != false { changed.updateTransportChecksum() }
      return QueueAnswer(.accept, bytes: changed.bytes)
    }
    for number in [6, 7] as [UInt16] {
      listen(number) { [unowned self] packet in
        held.append(packet.id)
        return QueueAnswer(.hold)
      }
    }
  }
}

/// A packet that is about to arrive.
struct Letter {
  var packet: Packet
  var interface: String
  /// Its checksums hold, and nothing was done to it on the way.
  var isSound: Bool
}

extension SeededRandom {
  mutating func below(_ bound: Int) -> Int { bound < 1 ? 0 : Int(next() % UInt64(bound)) }
  mutating func chance(_ count: Int, in bound: Int) -> Bool { below(bound) < count }
  mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

extension Packet {
  /// Moves a fragment along its datagram by `distance` bytes, as far as the field goes.
  mutating func moveFragment(by distance: Int, more: Bool) {
    let place: Int
    if family == .ipv4 {
      place = IPv4Header.Offset.fragment
    } else if var walk = IPv6ExtensionHeaders(bytes) {
      var found: Int?
      while let header = walk.next() { if header.proto == .fragment { found = header.offset + 2 } }
      guard let found else { return }
      place = found
    } else {
      return
    }
    guard let field = bytes.uint16(at: place) else { return }
    // IPv4 counts in units of eight with three flags before; IPv6 in bytes with three bits behind.
    let moved =
      family == .ipv4
      ? field & 0xC000 | (more ? 0x2000 : field & 0x2000) | UInt16(truncatingIfNeeded: Int(field & 0x1FFF) + distance / 8) & 0x1FFF
      : UInt16(truncatingIfNeeded: Int(field & 0xFFF8) + distance) & 0xFFF8 | (more ? 1 : field & 1)
    bytes.setUInt16(moved, at: place)
    updateHeaderChecksum()
  }
}
