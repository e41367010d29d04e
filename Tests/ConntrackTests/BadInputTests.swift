import Netfilter
import Testing
import Wire
import XTables

@testable import Conntrack

/// What nobody should send, and somebody does: no trap, bounded memory, and INVALID or a drop.
@Suite struct BadInputTests {
  private func track(_ packet: Packet, _ table: ConntrackTable, _ now: Instant = .seconds(100)) -> Conntrack.Attachment {
    var attachment = Conntrack.Attachment.none
    _ = table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now)
    return attachment
  }

  private func packet(_ proto: IPProtocol, isIPv6: Bool, payload: [UInt8] = [1, 2, 3, 4]) throws -> Packet {
    let ends = isIPv6 ? ["fd00::9", "fd01::9"] : ["10.0.0.9", "10.0.1.9"]
    var fields = PacketFields(try #require(IPAddress(ends[0])), try #require(IPAddress(ends[1])), proto: proto)
    (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (1000, 80, .syn)
    (fields.icmpType, fields.payload) = (isIPv6 ? 128 : 8, payload)
    return try fields.packet()
  }

  /// A packet cut anywhere within its headers belongs to no connection and begins none; nothing of it stays.
  @Test(arguments: [IPProtocol.tcp, .udp, .udplite, .icmp, .icmpv6, .sctp], [false, true])
  func cutPacketsAreInvalid(_ proto: IPProtocol, isIPv6: Bool) throws {
    guard (proto == .icmp || proto == .icmpv6) == false || (proto == .icmpv6) == isIPv6 else { return }
    let whole = try packet(proto, isIPv6: isIPv6, payload: [])
    let headers = whole.count
    for count in 0..<headers {
      let table = ConntrackTable(seed: 1)
      let attachment = track(Packet(bytes: Array(whole.bytes[..<count])), table)
      #expect(attachment == .none, "\(proto) of \(count) bytes")
      #expect(table.count == 0 && table.core.index.used == 0)
    }
  }

  /// Fragments that never end: what they hold stays within the limit, and goes when their time is over.
  @Test(arguments: [false, true]) func fragmentsThatNeverEndAreBounded(isIPv6: Bool) throws {
    var queues = FragmentQueues()
    var settings = FragmentSettings()
    (settings.ipv4HighThreshold, settings.ipv6HighThreshold) = (100_000, 100_000)
    let whole = try packet(.udp, isIPv6: isIPv6, payload: [UInt8](repeating: 7, count: 1400))
    var refused = 0
    for number in 0..<2000 {
      // Of each datagram all but the last piece, and some with pieces that contradict each other.
      let pieces = try #require(whole.fragments(mtu: 600, identification: UInt32(number + 1)))
      for piece in pieces.dropLast() + (number % 3 == 0 ? pieces.prefix(1) : []) {
        var piece = piece
        if !isIPv6 {
          piece.bytes.setUInt16(UInt16(number + 1), at: IPv4Header.Offset.identification)
          piece.updateHeaderChecksum()
        }
        let verdict = queues.gather(
          packet: &piece, attachment: .none, hook: .prerouting, interface: 1, settings: settings, now: .seconds(100))
        #expect(verdict == .stolen || verdict == .drop)
        if verdict == .drop { refused += 1 }
      }
      #expect(queues.memory <= 100_000 + FragmentQueue.largestPiece)
      if number % 100 == 0 { #expect(queues.inconsistencies(settings, now: .seconds(100)) == []) }
    }
    #expect(refused > 0 || !isIPv6)
    let waiting = queues.expire(now: .seconds(100_000)).count
    #expect(waiting > 10 && waiting < 200 && queues.memory == 0)
  }

  /// Whatever a helper is given, nobody else's ports are opened by it and its policy's limit holds.
  @Test(arguments: 0..<6 as Range<UInt64>) func helpersReadAnything(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let texts = [
      "PORT 999,0,0,1,4,1\r\n", "PORT 10,0,0,9,0,0\r\n", "PORT 10,0,0,9,255,255,255,255\r\n", "PORT ((((((((10,0,0,9,4,1))))))))\r\n",
      "EPRT |1|10.0.0.9|99999|\r\n", "EPRT |1|10.0.0.9|0|\r\n", "EPRT |2|::::|1|\r\n", "EPRT ||||||||\r\n", "227 (10,0,0,9,4,1\r\n",
      "229 (|||4294967297|)\r\n",
      "PRIVMSG a :\u{1}DCC SEND x 99999999999 1\u{1}\r\n", "PRIVMSG a :\u{1}DCC SEND x 167772169 70000\u{1}\r\n",
      "\u{1}DCC \u{1}DCC \u{1}DCC SEND",
      "INVITE sip:a@b SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n",
      "INVITE sip:[[[[::1 SIP/2.0\r\nVia: SIP/2.0/UDP [[[\r\nCSeq: 4294967296 INVITE\r\n\r\nm=audio 70000 RTP\r\nc=IN IP4 999.1.1.1\r\n",
      "CONNECT DATA 99999 MESG 0 INDEX -1\n", "\u{0}\u{1}a", "\u{0}", "",
    ]
    let ports: [(IPProtocol, UInt16)] = [
      (.tcp, 21), (.tcp, 6667), (.udp, 5060), (.tcp, 5060), (.udp, 69), (.udp, 10080), (.tcp, 1723), (.tcp, 6566), (.tcp, 1720),
      (.udp, 1719), (.udp, 161),
    ]
    var settings = ConntrackSettings()
    (settings.automaticHelpers, settings.expectMax) = (true, 40)
    let table = ConntrackTable(settings: settings, seed: seed)
    table.registerStandardHelpers()
    let (client, server) = (try #require(IPAddress("10.0.0.9")), try #require(IPAddress("10.0.1.9")))
    for (index, (proto, port)) in ports.enumerated() {
      var sequence: [UInt32] = [100, 500]
      func send(_ flags: TCPFlags, _ payload: [UInt8], isReply: Bool) throws {
        var fields = PacketFields(isReply ? server : client, isReply ? client : server, proto: proto)
        (fields.sourcePort, fields.destinationPort) = isReply ? (port, 2000 + UInt16(index)) : (2000 + UInt16(index), port)
        (fields.tcpFlags, fields.payload, fields.window) = (flags, payload, 60_000)
        (fields.sequence, fields.acknowledgment) = (sequence[isReply ? 1 : 0], sequence[isReply ? 0 : 1])
        sequence[isReply ? 1 : 0] &+= UInt32(payload.count) &+ (flags.contains(.syn) ? 1 : 0)
        var packet = try fields.packet()
        var attachment = track(packet, table)
        guard table.help(packet: &packet, attachment: attachment, now: .seconds(100)) == .accept else { return table.release(attachment) }
        _ = table.confirm(attachment: &attachment, now: .seconds(100))
      }
      if proto == .tcp {
        try send(.syn, [], isReply: false)
        try send([.syn, .ack], [], isReply: true)
        try send(.ack, [], isReply: false)
      }
      for _ in 0..<150 {
        var payload = Array(texts[random.below(texts.count)].utf8)
        for _ in 0..<random.below(4) where !payload.isEmpty {
          payload[random.below(payload.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        if random.below(5) == 0 { payload = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
        try send([.ack, .psh], payload, isReply: random.below(2) == 0)
      }
      #expect(table.inconsistencies(now: .seconds(100)) == [])
    }
    for expected in table.dumpExpectations(now: .seconds(100)).map(\.expectation) {
      #expect(expected.tuple.proto == .gre || expected.tuple.destinationID != 0)
      #expect([client, server].contains(expected.tuple.destination))
    }
  }
}

extension SeededRandom {
  fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}
