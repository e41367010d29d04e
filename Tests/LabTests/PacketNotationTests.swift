import Diagnostics
import Notation
import Testing
import Wire

/// Packets written as one line each.
@Suite struct PacketNotationTests {
  static func read(_ text: String) -> (lines: [PacketNotation.Line], diagnostics: [Diagnostic]) {
    PacketNotation.read(SourceFile(name: "packets", bytes: Array(text.utf8)))
  }

  static func brief(_ text: String) throws -> String {
    let (lines, diagnostics) = read(text)
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.message))")
    let line = try #require(lines.first)
    switch line.step.action {
    case .receive(let frame): return try "\(frame.interface) " + frame.packet.packet(after: TCPProgress()).brief
    case .local(let sender, let packet): return try "local \(sender.uid) " + packet.packet(after: TCPProgress()).brief
    default: return "\(line.step.action)"
    }
  }

  @Test(arguments: [
    ("eth0 tcp 10.0.0.9:1000 > 10.0.1.9:80 S", "eth0 tcp 10.0.0.9:1000>10.0.1.9:80 S"),
    ("eth0 tcp 10.0.0.9:1000>10.0.1.9:80 SA", "eth0 tcp 10.0.0.9:1000>10.0.1.9:80 SA"),
    ("wg+0 udp [2001:db8::1]:53 > [2001:db8::2]:53", "wg+0 udp [2001:db8::1]:53>[2001:db8::2]:53"),
    ("local uid=1000 gid=0x10 udp 10.0.0.1:53 > 8.8.8.8:53", "local 1000 udp 10.0.0.1:53>8.8.8.8:53"),
    ("eth0 icmp 10.0.0.9 > 10.0.0.1", "eth0 icmp 10.0.0.9>10.0.0.1 8/0"),
    ("eth0 icmp 2001:db8::1 > 2001:db8::2 echo-reply", "eth0 icmpv6 2001:db8::1>2001:db8::2 129/0"),
    (
      "eth1 icmp 10.0.1.9 > 10.0.0.9 port-unreachable [udp 10.0.0.9:1000 > 10.0.1.9:53]",
      "eth1 icmp 10.0.1.9>10.0.0.9 3/3 [udp 10.0.0.9:1000>10.0.1.9:53]"
    ),
    ("eth0 47 10.0.0.9 > 10.0.0.1", "eth0 gre 10.0.0.9>10.0.0.1"),
    ("eth0 udp 10.0.0.9:1>10.0.0.1:2 len=64 frag=16+8,more", "eth0 udp 10.0.0.9>10.0.0.1 frag[16, 1]"),
    ("eth0 smac=02:00:00:00:00:09 tcp 10.0.0.9:1>10.0.0.1:2", "eth0 tcp 10.0.0.9:1>10.0.0.1:2 S"),
  ]) func packet(_ text: String, _ brief: String) throws {
    #expect(try Self.brief(text) == brief)
  }

  @Test func briefOfAPacketCanBeReadAgain() throws {
    let brief = try Self.brief("eth0 icmp 10.0.1.9 > 10.0.0.9 3/4 [tcp 10.0.0.9:1000 > 10.0.1.9:53] mtu=1400")
    #expect(try Self.brief(brief) == brief)
  }

  @Test func fieldsReachThePacket() throws {
    let (lines, _) = Self.read(
      "eth0 tcp 10.0.0.9:1>10.0.0.1:2 PA ttl=3 dscp=46 seq=7 ack=9 win=100 payload=\"a > b # [c\" DF ipid=0x1234")
    guard case .receive(let frame) = try #require(lines.first).step.action else { return #expect(Bool(false)) }
    let packet = try frame.packet.packet(after: TCPProgress())
    let header = try #require(packet.tcp)
    #expect((header.sequence, header.acknowledgment, header.window, header.flags) == (7, 9, 100, [.psh, .ack]))
    #expect((packet.ttl, packet.tos, packet.ipv4?.identification, packet.bytes[6]) == (3, 46 << 2, 0x1234, 0x40))
    #expect(packet.bytes.suffix(10) == Array("a > b # [c".utf8)[...])
  }

  @Test func commentsBlankLinesWaitsAndExpectationsAreRead() throws {
    let (lines, diagnostics) = Self.read(
      """
      # a comment

      eth0 tcp 10.0.0.9:1>10.0.0.1:2   =>   drop INPUT  # why
      wait 1.5
      local tcp 10.0.0.9:1 > 10.0.0.1:2 => queue 5\r
      """)
    #expect(diagnostics.isEmpty)
    #expect(lines.map { $0.expected?.description } == ["drop INPUT", nil, "queue 5"])
    #expect(lines.map(\.text) == ["eth0 tcp 10.0.0.9:1>10.0.0.1:2", "wait 1.5", "local tcp 10.0.0.9:1 > 10.0.0.1:2"])
    #expect(lines[1].step.sleep == 1.5)
  }

  @Test(arguments: [
    ("tcp 10.0.0.9:1>10.0.0.1:2", 1, "a packet starts with the interface on which it arrives"),
    ("eth0 tpc 10.0.0.9:1>10.0.0.1:2", 6, "`tpc' is not a protocol"),
    ("eth0 tcp 10.0.0.9>10.0.0.1:2", 10, "the source needs a port"),
    ("eth0 icmp 10.0.0.9:1 > 10.0.0.1", 11, "this protocol has no ports"),
    ("eth0 tcp 10.0.0.9:1>10.0.0.1:65536", 21, "the destination needs a port"),
    ("eth0 tcp 10.0.0.9:1>[::1]:2", 21, "source and destination must be of the same address family"),
    ("eth0 tcp 10.0.0.9:1", 20, "`>' is missing"),
    ("eth0 udp 10.0.0.9:1>10.0.0.1:2 S", 32, "`S' is not a detail of udp packets"),
    ("eth0 tcp 10.0.0.9:1>10.0.0.1:2 ttl=256", 32, "`256' is not a number from 0 to 255"),
    ("eth0 tcp 10.0.0.9:1>10.0.0.1:2 payload=\"x", 40, "the quote is never closed"),
    ("eth0 icmp 10.0.0.9>10.0.0.1 3/3 [udp 1.2.3.4:1>5.6.7:8]", 48, "`5.6.7' is not an address"),
    ("eth0 tcp 10.0.0.9:1>10.0.0.1:2 => dorp", 35, "`dorp' is not a verdict"),
    ("eth0 hex 4", 10, "`4' is not a sequence of bytes in hexadecimal"),
    ("wait -1", 6, "`-1' is not a number of seconds"),
    ("=> drop", 1, "there is no packet before `=>`"),
  ]) func mistake(_ text: String, _ column: Int, _ message: String) throws {
    let (lines, diagnostics) = Self.read(text)
    #expect(lines.isEmpty)
    let found = try #require(diagnostics.first)
    #expect(found.message == message)
    #expect(Int(found.range.lowerBound) + 1 == column)
  }

  /// Whatever the bytes, reading ends with lines or with diagnostics.
  @Test func randomTextNeverTraps() {
    var state: UInt64 = 0x5EED
    let alphabet = Array("eth0 local tcpudp icmp hex wait 10.0.0.9:1>[]=\"#/+,xS\n\t\u{FF}".utf8)
    for _ in 0..<3000 {
      var bytes: [UInt8] = []
      for _ in 0..<40 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      let (_, diagnostics) = PacketNotation.read(SourceFile(name: "noise", bytes: bytes))
      for diagnostic in diagnostics { #expect(diagnostic.range.range.upperBound <= bytes.count) }
    }
  }

  /// Bytes that are no UTF-8 are longer as text: places are counted in the file's bytes, inside a quoted packet too.
  @Test func aPlaceBehindForeignBytesIsInTheFile() throws {
    let lead =
      Array("eth0 icmp 10.0.1.9 > 10.0.0.9 3/3 [udp 10.0.0.9:1000 > 10.0.1.9:53 payload=".utf8) + [0xFF, 0xFE, 0xFF, 0xFE] + Array(" ".utf8)
    let file = SourceFile(name: "packets", bytes: lead + Array("bad]".utf8))
    let diagnostic = try #require(PacketNotation.read(file).diagnostics.first)
    #expect(Int(diagnostic.range.lowerBound) == lead.count && Int(diagnostic.range.upperBound) == lead.count + 3)
    for end in 30..<file.bytes.count {
      let cut = SourceFile(name: "packets", bytes: Array(file.bytes[..<end]) + [0xFF] + Array("]".utf8))
      #expect(PacketNotation.read(cut).diagnostics.allSatisfy { $0.range.upperBound <= cut.bytes.count })
    }
  }
}
