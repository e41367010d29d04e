import Netfilter
import Testing
import Wire
import XTables

@testable import Conntrack

@Suite struct TableTests {
  private func udp(_ index: Int, reply: Bool = false) throws -> Packet {
    let a = IPAddress.v4(IPv4Address(rawValue: 0x0A00_0000 | UInt32(index >> 12)))
    let b = IPAddress.v4(IPv4Address(10, 255, 0, 1))
    var fields = PacketFields(reply ? b : a, reply ? a : b)
    let port = UInt16(1024 + (index & 4095))
    fields.sourcePort = reply ? 53 : port
    fields.destinationPort = reply ? port : 53
    return try fields.packet()
  }

  private func pass(_ packet: Packet, _ table: ConntrackTable, _ now: Instant) -> (NetfilterVerdict, Conntrack.Attachment) {
    var attachment = Conntrack.Attachment.none
    let verdict = table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now)
    guard verdict == .accept else { return (verdict, attachment) }
    return (table.confirm(attachment: &attachment, now: now), attachment)
  }

  /// Far more flows than the table may hold: bounded, the unassured give way, and what finds no room is dropped and counted.
  @Test func aFullTableStaysBounded() throws {
    var settings = ConntrackSettings()
    settings.max = 1024
    settings.buckets = 1024
    let table = ConntrackTable(settings: settings, seed: 5)
    let now = Instant.seconds(100)
    for index in 0..<20_000 {
      _ = pass(try udp(index), table, now)
      #expect(table.count <= 1024)
    }
    #expect(table.statistics.earlyDrop > 10_000)
    #expect(table.core.entries.count <= 2100)
    #expect(table.core.index.used == 2 * table.dump(now: now).count)
  }

  /// Assured connections are never dropped early, so a table full of them refuses new ones.
  @Test func theAssuredStay() throws {
    var settings = ConntrackSettings()
    settings.max = 200
    settings.buckets = 16
    let table = ConntrackTable(settings: settings, seed: 5)
    var now = Instant.seconds(100)
    for index in 0..<200 {
      _ = pass(try udp(index), table, now)
      _ = pass(try udp(index, reply: true), table, now)
    }
    now = Instant.seconds(103)
    for index in 0..<200 { _ = pass(try udp(index), table, now) }
    #expect(table.dump(now: now).allSatisfy { $0.status.contains(.assured) })
    for index in 200..<400 {
      let (verdict, attachment) = pass(try udp(index), table, now)
      #expect(verdict == .drop)
      #expect(attachment == .none)
    }
    #expect(table.dump(now: now).count == 200)
    #expect(table.statistics.drop == 200)
    #expect(table.statistics.earlyDrop == 0)
  }

  /// With the switch on, a connection knows since when it is there; without it, not.
  @Test func startAndStopTimesAreKept() throws {
    for isOn in [false, true] {
      var settings = ConntrackSettings()
      settings.timestamp = isOn
      let table = ConntrackTable(settings: settings, seed: 5)
      _ = pass(try udp(1), table, .seconds(100))
      _ = pass(try udp(1), table, .seconds(107))
      #expect(table.dump(now: .seconds(110)).map(\.start) == [isOn ? .seconds(100) : nil])
    }
  }

  /// Two packets of one flow, both tracked before either is confirmed: the second moves over to the first one's connection.
  @Test func clashesAreResolved() throws {
    let table = ConntrackTable(seed: 5)
    let now = Instant.seconds(100)
    var first = Conntrack.Attachment.none
    var second = Conntrack.Attachment.none
    let packet = try udp(1)
    _ = table.incoming(packet: packet, attachment: &first, hook: .prerouting, now: now)
    _ = table.incoming(packet: packet, attachment: &second, hook: .prerouting, now: now)
    #expect(first.connection != second.connection)
    #expect(table.confirm(attachment: &first, now: now) == .accept)
    #expect(table.confirm(attachment: &second, now: now) == .accept)
    #expect(first.connection == second.connection)
    #expect(table.count == 1)
    #expect(table.statistics.clashResolve == 1)
  }

  /// Under a zone of one direction two connections may have a tuple in common: the newer one is found, and it is no contradiction.
  @Test func theNewerOfTwoConnectionsWithOneTupleIsFound() throws {
    let table = ConntrackTable(seed: 5)
    let now = Instant.seconds(100)
    func end(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    let (client, server, own) = (try end("10.0.0.9"), try end("10.0.1.9"), try end("10.0.1.1"))
    let shared = try #require(Tuple(proto: .udp, source: server, sourceID: 53, destination: own, destinationID: 7000))
    let request = try #require(Tuple(proto: .udp, source: client, sourceID: 1000, destination: server, destinationID: 53))
    let answer = try #require(shared.inverted())
    func enter(_ original: Tuple, _ reply: Tuple, _ zone: Zone) throws -> ConnectionHandle {
      var snapshot = ConnectionSnapshot(original: original, reply: reply, status: .confirmed, state: nil, timeout: 30)
      snapshot.zone = zone
      return try table.restore(snapshot, now: now)
    }
    let older = try enter(shared, answer, .default)
    let newer = try enter(request, shared, Zone(4, .original))
    #expect(table.find(shared, zone: .default, now: now)?.handle == newer)
    #expect(table.inconsistencies(now: now) == [])
    #expect(throws: RestoringError.exists) { try enter(request, shared, .default) }
    table.delete(newer, now: now)
    #expect(table.find(shared, zone: .default, now: now)?.handle == older)
  }

  /// However the index grows and shrinks, of equal words the newest comes first.
  @Test func theNewestIsFoundFirst() {
    var index = TupleIndex()
    var random = SeededRandom(seed: 3)
    var expected: [UInt64: [Int]] = [:]
    for step in 0..<4000 {
      let hash = (random.next() % 64) << 57 | 1 << 40
      if random.next() % 3 == 0, let slot = expected[hash]?.randomElement(using: &random) {
        index.remove(slot, .original, hash: hash)
        expected[hash]?.removeAll { $0 == slot }
      } else {
        index.insert(step, .original, hash: hash)
        expected[hash, default: []].insert(step, at: 0)
      }
    }
    for (hash, slots) in expected {
      var found: [Int] = []
      var place = index.home(hash)
      while index.words[place] != 0 {
        if TupleIndex.matches(index.words[place], hash) { found.append(TupleIndex.slot(index.words[place])) }
        place = index.after(place)
      }
      #expect(found == slots)
    }
  }

  /// A packet that is dropped takes its unconfirmed connection with it; a handle of a connection that is gone finds nothing.
  @Test func aDroppedPacketTakesItsConnectionWithIt() throws {
    let table = ConntrackTable(seed: 5)
    let now = Instant.seconds(100)
    var dropped = Conntrack.Attachment.none
    _ = table.incoming(packet: try udp(1), attachment: &dropped, hook: .prerouting, now: now)
    let handle = try #require(dropped.connection)
    #expect(table[handle] != nil)
    table.release(dropped)
    #expect(table[handle] == nil)
    #expect(table.count == 0)
    _ = pass(try udp(2), table, now)
    table.collectGarbage(now: Instant.seconds(200))
    #expect(table.count == 0)
    #expect(table.core.index.used == 0)
  }

  /// Random packets, losses, fragments, clock jumps and flushes: no trap, and after every step the structures agree with each other.
  @Test(arguments: 0..<4) func structuresStayConsistentUnderRandomPackets(seed: Int) throws {
    var settings = ConntrackSettings()
    settings.max = 300
    settings.accounting = true
    let table = ConntrackTable(settings: settings, seed: UInt64(seed))
    table.registerStandardHelpers()
    var random = SeededRandom(seed: UInt64(seed))
    var now = Instant.seconds(100)
    for step in 0..<6000 {
      now = Instant(nanoseconds: now.nanoseconds + random.next() % (random.next() % 50 == 0 ? 90_000_000_000 : 50_000_000))
      var packet = try randomPacket(&random)
      if random.next() % 12 == 0 { packet.bytes.removeLast(Int(random.next() % UInt64(packet.count))) }
      if random.next() % 20 == 0, !packet.bytes.isEmpty {
        packet.bytes[Int(random.next() % UInt64(packet.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      var attachment = Conntrack.Attachment.none
      if table.defragment(packet: &packet, attachment: attachment, hook: .prerouting, now: now) == .accept {
        let verdict = table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now)
        if verdict == .accept, random.next() % 8 != 0, table.help(packet: &packet, attachment: attachment, now: now) == .accept {
          _ = table.confirm(attachment: &attachment, now: now)
        }
        table.release(attachment)
      }
      if random.next() % 2000 == 0 { table.flush(now: now) }
      if step % 50 == 0 { checkInvariants(table, now) }
    }
    #expect(table.statistics.insert > 500)
    #expect(table.statistics.invalid > 200)
  }

  @Test("an entry takes 136 bytes, and gives back the tuples of both families, also after translation")
  func entriesAreSmall() throws {
    #expect(MemoryLayout<ConnectionEntry>.stride == 136)
    let pairs: [(IPAddress, IPAddress, IPAddress)] = [
      (.v4(IPv4Address(10, 0, 0, 9)), .v4(IPv4Address(255, 255, 255, 254)), .v4(IPv4Address(192, 0, 2, 1))),
      (
        .v6(IPv6Address(rawValue: 0x2001_0DB8 << 96 | 9)), .v6(IPv6Address(rawValue: 0xFE80 << 112 | 1 << 64 | 7)),
        .v6(IPv6Address(rawValue: 0x2001_0DB8 << 96 | 1 << 64))
      ),
    ]
    for (client, server, other) in pairs {
      var core = ConntrackCore(settings: ConntrackSettings(), seed: 1)
      let original = try #require(Tuple(proto: .udp, source: client, sourceID: 1, destination: server, destinationID: 2))
      let reply = try #require(original.inverted())
      let slot = core.allocate(original, reply, zone: Zone(7, .original))
      #expect(core.tuple(slot, .original) == original && core.tuple(slot, .reply) == reply && core.wideReplies.isEmpty)
      #expect(core.isEqual(slot, .original, original, Zone(7)) && core.isEqual(slot, .reply, reply, Zone(0)))
      var altered = reply
      (altered.source, altered.destinationID) = (other, 77)
      core.setReply(slot, altered)
      #expect(core.tuple(slot, .original) == original && core.tuple(slot, .reply) == altered)
      #expect(core.isEqual(slot, .reply, altered, Zone(0)) && !core.isEqual(slot, .reply, reply, Zone(0)))
      #expect(core.wideReplies.isEmpty == (original.family == .ipv4))
      core.free(slot)
      #expect(core.wideReplies.isEmpty)
      let again = core.allocate(original, altered, zone: .default)
      #expect(again == slot && core.tuple(again, .reply) == altered)
      core.setReply(again, reply)
      #expect(core.tuple(again, .reply) == reply && core.wideReplies.isEmpty)
    }
  }

  private func checkInvariants(_ table: ConntrackTable, _ now: Instant) {
    let listed = table.core.entries.indices.filter { table.core.entries[$0].isListed }
    let words = listed.reduce(0) { $0 + (table.core.entries[$1].status.contains(.natClash) ? 1 : 2) }
    #expect(table.core.index.used == words)
    #expect(table.core.index.words.count { $0 != 0 } == words)
    #expect(table.core.entries.count { $0.features.contains(.live) } == table.count)
    #expect(table.core.extensions.keys.allSatisfy { table.core.entries[Int($0)].features.contains(.live) })
    for slot in listed where !table.core.isExpired(slot, now: now) {
      let zone = table.core.entries[slot].zone
      #expect(table.find(table.core.reply(slot), zone: zone, now: now)?.handle == table.core.handle(slot))
    }
  }

  private func randomPacket(_ random: inout SeededRandom) throws -> Packet {
    let ends = (0..<6).map { IPAddress.v4(IPv4Address(rawValue: 0x0A00_0001 + UInt32($0))) }
    let protocols: [IPProtocol] = [.tcp, .tcp, .tcp, .udp, .udp, .icmp, .sctp, .gre, .esp]
    var fields = PacketFields(
      ends[Int(random.next() % 6)], ends[Int(random.next() % 6)], proto: protocols[Int(random.next() % 9)])
    let ports: [UInt16] = [21, 69, 1723, 6667, 1000, 1001, 1002, 1003]
    fields.sourcePort = ports[Int(random.next() % 8)]
    fields.destinationPort = ports[Int(random.next() % 8)]
    fields.tcpFlags = [.syn, [.syn, .ack], .ack, [.ack, .psh], [.fin, .ack], .rst][Int(random.next() % 6)]
    fields.sequence = 100 + UInt32(random.next() % 4)
    fields.acknowledgment = 100 + UInt32(random.next() % 4)
    fields.icmpType = [8, 0, 3, 11, 13][Int(random.next() % 5)]
    let lines = ["PORT 10,0,0,1,4,1\r\n", "227 (10,0,0,2,4,2)\r\n", "x", "", "\u{0}\u{1}file"]
    fields.payload = Array(lines[Int(random.next() % 5)].utf8)
    if random.next() % 10 == 0 {
      fields.fragment = .init(offset: Int(random.next() % 4) * 8, length: 8, moreFragments: random.next() & 1 == 0)
    }
    return try fields.packet()
  }
}
