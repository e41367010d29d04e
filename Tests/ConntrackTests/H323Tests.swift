import Testing
import Wire
import XTables

@testable import Conntrack

/// The decoder of H.323's messages; what the helper makes of them is held against the kernel among the scenarios of paths.
@Suite struct H323Tests {
  private func decode(_ root: PERSchema.Field, _ bytes: [UInt8]) -> PERValue? {
    var decoder = PERDecoder(H323Schema.schema, bytes, 0..<bytes.count)
    return decoder.message(root)
  }

  /// A gatekeeper's confirmation: request 1, no options, the address 198.51.100.9:1800.
  @Test func findsAddresses() throws {
    let bytes = try #require(Hex.bytes("04000001060008914a000500c63364090708"))
    let message = try #require(decode(H323Schema.ras, bytes))
    #expect(message.choice == "gatekeeperConfirm")
    let place = try #require(message["gatekeeperConfirm"]?["rasAddress"]?.alternative("ipAddress")?["ip"]?.place)
    #expect(bytes.uint32(at: place) == 0xC633_6409 && bytes.uint16(at: place + 4) == 1800)
  }

  /// The widths that X.691 gives to numbers, lengths and choices, and what `STOP` and components without a type are.
  @Test func fieldWidthsFollowFromTheirRanges() throws {
    let interest = PERSchema.Interest(names: ["b"], elements: ["l": 3])
    let schema = try PERSchema(
      """
      T ::= CHOICE { x NULL, y BOOLEAN, z OBJECT IDENTIFIER, ..., later }
      S ::= SEQUENCE { a INTEGER (1..4) OPTIONAL, b INTEGER (0..255), c INTEGER (0..65535), d INTEGER (0..65536), e INTEGER, f OCTET STRING (SIZE (4)),
        g OCTET STRING (SIZE (1..20)) OPTIONAL, h BMPString (SIZE (1..256)), l SEQUENCE OF OCTET STRING (CONTAINING T), t T, ..., add, end STOP }
      """, keeping: interest)
    let root = try schema.root("S")
    #expect(root.kind == .seq && root.lower == 10 && root.upper == 12 && root.size == .bits(2) && root.isExtensible)
    let fields = schema.types[try #require(root.type)]
    #expect(fields.map(\.size)[..<8] == [.bits(2), .byte, .word, .cons, .semi, .fixed, .bits(5), .byte])
    #expect(fields[5].lower == 4 && fields[6].isOptional && fields[1].isKept && !fields[2].isKept)
    #expect(fields[8].kind == .list && fields[8].upper == 3)
    let element = schema.types[try #require(fields[8].type)][0]
    #expect(element.isOpen && element.isKept && element.kind == .choice && element.size == .bits(2) && element.lower == 3)
    #expect(fields[10].kind == .skipped && fields[11].kind == .stop)
    for text in ["A ::= B", "A ::= SEQUENCE { a NULL", "A ::= INTEGER (5..1)", "A NULL", "A ::= OCTET STRING (SIZE 4)"] {
      #expect(throws: PERSchema.Malformed.self, "\(text)") { try PERSchema(text, keeping: interest) }
    }
  }

  @Test func refusesWhatIsCutOff() throws {
    let bytes = try #require(Hex.bytes("04000001060008914a000500c63364090708"))
    for count in 0..<bytes.count { #expect(decode(H323Schema.ras, Array(bytes[..<count])) == nil, "\(count)") }
    #expect(decode(H323Schema.ras, bytes) != nil)
  }

  /// Any bytes end in a value or in none, in bounded time, and every place is inside the message.
  @Test(arguments: 0..<8 as Range<UInt64>) func anyBytesAreRead(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var read = 0
    for _ in 0..<3000 {
      var bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Begin as messages with something in them do.
      let starts: [[UInt8]] = [[0x0C, 0], [0x00, 0x80], [0x20, 0x80], [0x00, 0x00], [0x24, 0x40], [0x04, 0], [0x0E, 0xC0]]
      if let start = starts.randomElement(using: &random), bytes.count > 2 { bytes.replaceSubrange(0..<2, with: start) }
      for root in [H323Schema.ras, H323Schema.userInformation, H323Schema.control] {
        guard let value = decode(root, bytes) else { continue }
        read += 1
        for place in places(value) { #expect(place >= 0 && place < bytes.count) }
      }
    }
    #expect(read > 100)
  }

  private func places(_ value: PERValue) -> [Int] {
    (value.place.map { [$0] } ?? []) + value.members.values.flatMap { places($0) } + value.items.flatMap { places($0) }
  }

  /// Counts that promise more than there is cost nothing.
  @Test func hostileElementCountsAreBounded() {
    let many: [UInt8] = [0x0C, 0xC0, 0, 1, 6, 0, 8, 0x91, 0x4A, 0, 5, 0xBF, 0xFF] + [UInt8](repeating: 0, count: 60_000)
    for root in [H323Schema.ras, H323Schema.userInformation, H323Schema.control] {
      _ = decode(root, many)
      _ = decode(root, [UInt8](repeating: 0xFF, count: 60_000))
    }
  }

  @Test func messagesAreFramed() {
    func messages(_ bytes: [UInt8], _ announced: inout Int) -> [Range<Int>] {
      var reader = TPKTReader(bytes, from: 1)
      var found: [Range<Int>] = []
      while let next = reader.next(&announced) { found.append(next) }
      return found
    }
    var announced = 0
    #expect(messages([9, 3, 0, 0, 6, 1, 2, 3, 0, 0, 5, 7], &announced) == [5..<7, 11..<12])
    // A header alone, and what belongs to it in the next segment.
    #expect(messages([9, 3, 0, 0, 6], &announced) == [] && announced == 2)
    #expect(messages([9, 1, 2], &announced) == [1..<3] && announced == 0)
    #expect(messages([9, 3, 0, 0, 3, 1, 1], &announced) == [])
    #expect(messages([9, 3, 0, 0, 9, 1, 1], &announced) == [])
    #expect(messages([9], &announced) == [])
  }
}
