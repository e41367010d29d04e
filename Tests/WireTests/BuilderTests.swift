import Documents
import TestSupport
import Testing
import Wire

extension PacketFields {
  /// The fields of PACKET as the lab protocol writes them.
  init?(_ json: JSONValue) {
    let numbers: [String: IPProtocol] = ["tcp": .tcp, "udp": .udp, "icmp": .icmp]
    guard let source = json["src"]?.text.flatMap({ IPAddress($0) }),
      let destination = json["dst"]?.text.flatMap({ IPAddress($0) }),
      let proto = numbers[json["proto"]?.text ?? "udp"]
    else { return nil }
    self.init(source, destination, proto: proto)
    if let text = json["payload"]?.text { payload = Array(text.utf8) }
    if let count = json["payload"]?["len"]?.integer { payload = [UInt8](repeating: 0x78, count: count) }
    sourcePort = UInt16(json["sport"]?.integer ?? 0)
    destinationPort = UInt16(json["dport"]?.integer ?? 0)
    sequence = UInt32(json["seq"]?.integer ?? 0)
    acknowledgment = UInt32(json["ack"]?.integer ?? 0)
    if let text = json["flags"]?.text { tcpFlags = TCPFlags(text) ?? [] }
    icmpType = json["type"]?.integer.map { UInt8($0) }
    icmpCode = UInt8(json["code"]?.integer ?? 0)
    icmpIdentifier = UInt16(json["id"]?.integer ?? 1)
    ttl = UInt8(json["ttl"]?.integer ?? 64)
    tos = UInt8(json["tos"]?.integer ?? 0)
    identification = UInt32(json["ipid"]?.integer ?? 1)
    hasBadChecksum = json["badsum"] == true
    if let piece = json["frag"] {
      fragment = Fragment(
        offset: piece["off"]?.integer ?? 0, length: piece["len"]?.integer, moreFragments: piece["mf"] == true || piece["mf"] == 1)
    }
    if let inner = json["inner"] { quoted = try? PacketFields(inner)?.packet().bytes }
  }
}

@Suite struct BuilderTests {
  /// Every packet that the lab injected, built from the scenario's fields, is the lab's packet byte for byte.
  @Test func reproducesTheLabsPackets() throws {
    let lines = try PackageFolder.fixture("injected.jsonl")
    #expect(lines.count >= 80)
    for line in lines {
      let fields = try #require(line["fields"].flatMap { PacketFields($0) })
      let packet = try fields.packet()
      #expect(Hex.string(packet.bytes) == line["hex"]?.text)
      #expect(packet.brief == line["brief"]?.text)
      #expect(packet.isHeaderChecksumValid == true)
      if fields.fragment == nil { #expect(packet.isTransportChecksumValid == !fields.hasBadChecksum) }
    }
  }

  @Test func refusesWhatCannotBeBuilt() throws {
    let a = try #require(IPAddress("10.0.0.1"))
    let b = try #require(IPAddress("::1"))
    #expect(throws: PacketFields.BuildError.mixedFamilies) { try PacketFields(a, b).packet() }
    var long = PacketFields(a, a)
    long.payload = [UInt8](repeating: 0, count: 70_000)
    #expect(throws: PacketFields.BuildError.tooLong(70_028)) { try long.packet() }
  }

  @Test func buildsIPv6WithExtensionHeaders() throws {
    let a = try #require(IPAddress("2001:db8::1"))
    let b = try #require(IPAddress("2001:db8::2"))
    var fields = PacketFields(a, b, proto: .tcp)
    fields.destinationPort = 443
    fields.extensions = [.init(.hopByHop, body: [1, 4, 0, 0, 0, 0]), .init(.destinationOptions), .init(.routing, body: [2, 0])]
    let packet = try fields.packet()
    #expect(packet.isTransportChecksumValid == true)
    #expect(packet.tcp?.destinationPort == 443)
    #expect(packet.transport?.offset == 40 + 8 + 8 + 8)
    #expect(packet.brief == "tcp [2001:db8::1]:0>[2001:db8::2]:443 S")
    var walk = try #require(IPv6ExtensionHeaders(packet.bytes))
    #expect(Array(sequence(state: walk) { $0.next() }).map(\.proto) == [.hopByHop, .destinationOptions, .routing])
    while walk.next() != nil {}
    #expect(walk.nextHeader == .tcp)
    fields.fragment = .init(offset: 8, length: 8, moreFragments: true)
    let piece = try fields.packet()
    #expect(
      piece.transport
        == TransportLocator(
          family: .ipv6, proto: .tcp, offset: 64, fragmentOffset: 8, moreFragments: true))
    #expect(piece.tcp == nil)
  }
}
