import Documents
import TestSupport
import Testing
import Wire
import XTables

@Suite struct FuzzTests {
  /// Touches everything that reads a packet; the test is that nothing traps.
  private func read(_ packet: Packet) -> Int {
    var seen = 0
    func note(_ value: Any?) { if value != nil { seen += 1 } }
    note(packet.ipv4)
    note(packet.ipv6)
    note(packet.transport)
    note(packet.tcp)
    note(packet.udp)
    note(packet.udplite)
    note(packet.icmp)
    note(packet.icmpv6)
    note(packet.sctp)
    note(packet.dccp)
    note(packet.gre)
    note(packet.esp)
    note(packet.ah)
    note(packet.tos)
    note(packet.ttl)
    note(packet.isHeaderChecksumValid)
    note(packet.isTransportChecksumValid)
    note(packet.trimmed())
    seen += packet.brief.count
    if let ipv4 = packet.ipv4 { for option in ipv4.options(in: packet.bytes) { seen += option.length } }
    for offset in [0, 19, 20, 40, packet.count - 1, packet.count, .max, .min, -1] {
      note(TCPHeader(packet.bytes, at: offset))
      note(UDPHeader(packet.bytes, at: offset))
      note(IPv4Header(packet.bytes, at: offset))
      note(IPv6Header(packet.bytes, at: offset))
      note(DCCPHeader(packet.bytes, at: offset))
      note(GREHeader(packet.bytes, at: offset))
      note(AHHeader(packet.bytes, at: offset))
      note(TransportLocator(packet.bytes, at: offset))
      if let tcp = TCPHeader(packet.bytes, at: offset) {
        for option in tcp.options(in: packet.bytes, at: offset) { seen += option.length }
        for chunk in SCTPHeader.chunks(packet.bytes, at: offset) { seen += chunk.type == 0 ? 1 : 0 }
      }
      if let walk = IPv6ExtensionHeaders(packet.bytes, at: offset) { for header in walk { seen += header.length } }
    }
    return seen
  }

  private func write(_ packet: Packet, with random: inout SeededRandom) -> Packet {
    var packet = packet
    packet.setTTL(UInt8(truncatingIfNeeded: random.next()))
    packet.setTOS(UInt8(truncatingIfNeeded: random.next()))
    packet.setNetworkAddress(.v4(IPv4Address(rawValue: 1)), of: .source)
    packet.setNetworkAddress(.v6(IPv6Address(rawValue: 1)), of: .destination, at: Int(random.next() % 90))
    packet.updateLengthField()
    packet.updateHeaderChecksum()
    packet.updateTransportChecksum()
    return packet
  }

  @Test(arguments: 0..<8) func randomBytesNeverTrap(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let protocols: [UInt8] = [0, 1, 6, 17, 33, 43, 44, 47, 50, 51, 58, 59, 60, 132, 136]
    var seen = 0
    for _ in 0..<1500 {
      var bytes = (0..<Int(random.next() % 120)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      // Most of the time say a version and a known protocol, or nothing past the first check would be reached.
      if !bytes.isEmpty, random.next() % 8 != 0 {
        bytes[0] = random.next() & 1 == 0 ? 0x45 + UInt8(random.next() % 2) : 0x60
        if bytes.count > 9 {
          bytes[9] = protocols[Int(random.next() % UInt64(protocols.count))]
          bytes[6] = bytes[0] >> 4 == 6 ? protocols[Int(random.next() % UInt64(protocols.count))] : 0
          bytes[7] = 0
        }
      }
      let packet = Packet(bytes: bytes)
      seen += read(packet)
      seen += read(write(packet, with: &random))
    }
    #expect(seen > 10_000)
  }

  /// Cuts every whole packet at every length.
  @Test func truncationNeverTraps() throws {
    for line in try PackageFolder.fixture("injected.jsonl").prefix(40) {
      let bytes = try #require(Hex.bytes(line["hex"]?.text ?? ""))
      for end in 0..<min(bytes.count, 80) {
        let packet = Packet(bytes: Array(bytes[..<end]))
        #expect(read(packet) >= 0)
        #expect(packet.trimmed() == nil)
      }
    }
  }
}

@Suite struct ChecksumTests {
  /// An incremental update gives what a full computation gives.
  @Test func anIncrementalChecksumEqualsAFullOne() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<3000 {
      var bytes = (0..<40).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let before = Checksum.compute(bytes, in: 0..<40)
      let at = Int(random.next() % 10) * 4
      let old = bytes.uint32(at: at) ?? 0
      let new = UInt32(truncatingIfNeeded: random.next())
      bytes.setUInt32(new, at: at)
      #expect(Checksum.updated(before, from: old, to: new) == Checksum.compute(bytes, in: 0..<40))
    }
  }

  @Test func checksumsHaveTheValuesOfTheRFCs() {
    // RFC 1071 §3 and RFC 3720 B.4.
    #expect(Checksum.fold(Checksum.sum([0, 1, 0xF2, 3, 0xF4, 0xF5, 0xF6, 0xF7], in: 0..<8)) == 0xDDF2)
    #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32), in: 0..<32) == 0x8A91_36AA)
    #expect(Checksum.sum([1, 2, 3], in: 0..<3) == 0x0402)
  }

  @Test func rewritingKeepsTheHeaderSumRight() throws {
    let a = try #require(IPAddress("10.0.0.1"))
    let b = try #require(IPAddress("10.0.0.2"))
    let c = try #require(IPAddress("203.0.113.9"))
    var packet = try PacketFields(a, b).packet()
    packet.setTTL(3)
    packet.setTOS(0x10)
    packet.setNetworkAddress(c, of: .source)
    #expect(packet.isHeaderChecksumValid == true)
    #expect(packet.ttl == 3)
    #expect(packet.tos == 0x10)
    #expect(packet.source == c)
    #expect(packet.isTransportChecksumValid == false)
    packet.updateTransportChecksum()
    #expect(packet.isTransportChecksumValid == true)
    packet.bytes += [0, 0, 0]
    #expect(packet.trimmed()?.count == 28)
  }
}
