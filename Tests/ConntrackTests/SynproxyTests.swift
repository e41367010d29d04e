import Netfilter
import Testing
import Wire

@testable import Conntrack

/// What of a SYN proxy a kernel cannot be held against: its secret, and the clock of its timestamps.
@Suite struct SynproxyTests {
  private func flow(_ port: UInt16 = 1000) throws -> Tuple {
    try #require(
      Tuple(proto: .tcp, source: try address("10.0.0.9"), sourceID: port, destination: try address("10.0.1.9"), destinationID: 80))
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test func cookiesAgeAndAreBoundToTheirFlow() throws {
    let cookie = SynproxyCookie(try flow(), HashSeed(7))
    let now = Instant.seconds(6000)
    for (size, kept) in [(0, 536), (536, 536), (1299, 536), (1300, 1300), (1459, 1440), (1460, 1460), (9000, 1460)] as [(UInt16, UInt16)] {
      let sequence = cookie.sequence(client: 100, segmentSize: size, now: now)
      #expect(cookie.segmentSize(in: sequence, client: 100, now: now) == kept)
      #expect(cookie.segmentSize(in: sequence, client: 100, now: now.adding(seconds: 119)) == kept)
      #expect(cookie.segmentSize(in: sequence, client: 100, now: now.adding(seconds: 121)) == nil)
      #expect(cookie.segmentSize(in: sequence, client: 200, now: now) == nil)
      #expect(cookie.segmentSize(in: sequence &+ 0x100, client: 100, now: now) == nil)
      #expect(SynproxyCookie(try flow(1001), HashSeed(7)).segmentSize(in: sequence, client: 100, now: now) == nil)
      #expect(SynproxyCookie(try flow(), HashSeed(8)).segmentSize(in: sequence, client: 100, now: now) == nil)
    }
  }

  private func segment(_ flags: TCPFlags, isReply: Bool, _ sequence: UInt32, _ acknowledgment: UInt32, timestamps: (UInt32, UInt32)) throws
    -> Packet
  {
    let ends = [try address("10.0.0.9"), try address("10.0.1.9")]
    var fields = PacketFields(ends[isReply ? 1 : 0], ends[isReply ? 0 : 1], proto: .tcp)
    (fields.sourcePort, fields.destinationPort) = isReply ? (80, 1000) : (1000, 80)
    (fields.tcpFlags, fields.sequence, fields.acknowledgment, fields.window) = (flags, sequence, acknowledgment, 9000)
    fields.tcpOptions = [1, 1, TCPOptionKind.timestamps, 10]
    fields.tcpOptions.appendUInt32(timestamps.0)
    fields.tcpOptions.appendUInt32(timestamps.1)
    return try fields.packet()
  }

  private func timestamps(_ packet: Packet) throws -> [UInt32] {
    let segment = try #require(packet.tcp)
    let at = try #require(packet.transport)
    let option = try #require(segment.options(in: packet.bytes, at: at.offset).first { $0.kind == TCPOptionKind.timestamps })
    return [try #require(packet.bytes.uint32(at: option.offset + 2)), try #require(packet.bytes.uint32(at: option.offset + 6))]
  }

  /// A client that knows timestamps was told the proxy's clock: the server's is moved to it, and what the client echoes is moved back.
  @Test func timestampsAreShiftedBetweenTheTwoConnections() throws {
    let table = ConntrackTable(seed: 5)
    let now = Instant.seconds(1000)
    let server = Synproxy.Server(options: 0x0F, windowScale: 7, segmentSize: 1460)
    func proxy(_ packet: Packet) throws -> Synproxy { try #require(Synproxy(packet, ttl: 64)) }
    let offer = try #require(
      try proxy(try segment(.syn, isReply: false, 100, 0, timestamps: (70, 0))).handshake(server, .none, in: table, now: now)?.sent.first?
        .packet)
    let told = try timestamps(offer)
    #expect(told[1] == 70 && told[0] & ~0x3F == 1_000_000 & ~0x3F)
    let answer = try segment(.ack, isReply: false, 101, try #require(offer.tcp?.sequence) &+ 1, timestamps: (71, told[0]))
    let opening = try #require(try proxy(answer).handshake(server, .none, in: table, now: now))
    #expect(opening.verdict == .stolen)
    var sent: [Synproxy.Segment] = opening.sent

    func pass(_ packet: Packet, _ attachment: Conntrack.Attachment = .none) throws -> (Packet, NetfilterVerdict) {
      var (packet, attachment) = (packet, attachment)
      #expect(table.incoming(packet: packet, attachment: &attachment, hook: .prerouting, now: now) == .accept)
      let handle = try #require(attachment.connection)
      let info = try #require(attachment.info)
      let verdict = try proxy(packet).relay(&packet, handle, info.direction, in: table, now: now) {
        sent.append($0)
        // What goes to the server leaves before numbers are moved.
        if $0.attachment == .none { #expect((try? pass($0.packet).1) == .accept) }
      }
      guard verdict == .accept else { return (packet, verdict) }
      #expect(table.help(packet: &packet, attachment: attachment, now: now) == .accept)
      return (packet, table.confirm(attachment: &attachment, now: now))
    }
    #expect(try pass(sent[0].packet, sent[0].attachment).1 == .accept)
    // The server's clock is at 5,000,000.
    #expect(try pass(try segment([.syn, .ack], isReply: true, 9000, 101, timestamps: (5_000_000, 71))).1 == .stolen)
    #expect(sent.count == 3)
    let data = try pass(try segment(.ack, isReply: true, 9001, 101, timestamps: (5_000_010, 71))).0
    #expect(try timestamps(data) == [told[0] &+ 10, 71])
    #expect(data.tcp?.sequence == (offer.tcp?.sequence ?? 0) &+ 1)
    #expect(data.isTransportChecksumValid == true)
    let reply = try pass(try segment(.ack, isReply: false, 101, (offer.tcp?.sequence ?? 0) &+ 1, timestamps: (80, told[0] &+ 10))).0
    #expect(try timestamps(reply) == [80, 5_000_010])
    #expect(reply.tcp?.acknowledgment == 9001)
    #expect(reply.isTransportChecksumValid == true)
  }
}
