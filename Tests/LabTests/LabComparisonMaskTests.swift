import Documents
import Lab
import Scenarios
import Testing
import Wire

/// What the comparison sets aside of fragments and identifiers that the kernel chose, and what it does not.
struct LabComparisonMaskTests {
  // MARK: Fragments

  private static func datagram(_ identification: UInt32, offset: Int?, more: Bool = false) throws -> String {
    var fields = PacketFields(try #require(IPAddress("fd00::9")), try #require(IPAddress("fd01::9")), proto: .udp)
    fields.payload = [UInt8](repeating: 120, count: 40)
    var packet = try fields.packet()
    if let offset {
      packet = try #require(packet.fragments(mtu: 1280, identification: identification)?.first)
      packet.bytes.insert(contentsOf: [17, 0, UInt8(offset >> 8), UInt8(offset & 0xF8) | (more ? 1 : 0)], at: 40)
      var number: [UInt8] = []
      number.appendUInt32(identification)
      packet.bytes.insert(contentsOf: number, at: 44)
      packet.bytes[6] = IPProtocol.fragment.rawValue
      packet.bytes.setUInt16(UInt16(packet.count - 40), at: 4)
    }
    return Hex.string(packet.bytes)
  }

  /// An answer in which one packet passed the hooks and fragments left.
  private static func answer(_ passed: String, _ left: [String]) -> JSONValue {
    let egress = left.map { hex -> JSONValue in ["if": "eth1", "dmac": "02:00:00:00:00:01", "hex": .string(hex), "brief": "udp"] }
    let record: JSONValue = ["origin": "self", "verdict": "sent", "final": .string(passed), "brief": "udp"]
    return ["name": "x", "steps": [["i": 0, "packets": [record], "egress": .array(egress)]]]
  }

  private static func agree(_ left: JSONValue, _ right: JSONValue) throws -> Bool {
    let scenario = try Scenario(line: #"{"name": "x", "rules6": "", "steps": [{"in": "eth0", "src": "fd00::9", "dst": "fd01::9"}]}"#)
    return LabComparison(scenario).firstDifference(left, right) == nil
  }

  // MARK: Expired connections

  /// An answer in which a connection begins in the first of three steps and its end is told in one of them.
  private static func answer(endingIn end: Int, listedAfter listed: ClosedRange<Int> = 0...0, packets: Int = 1) -> JSONValue {
    let connection: JSONValue = ["proto": "udp", "orig": ["src": "10.0.0.9", "dst": "10.0.1.9", "sport": 1, "dport": 2]]
    let steps = (0...2).map { number -> JSONValue in
      var events: [JSONValue] = number == 0 ? [["event": "NEW", "proto": "udp", "orig": connection["orig"] ?? "none"]] : []
      if number == end {
        events.append(
          ["event": "DESTROY", "proto": "udp", "orig": connection["orig"] ?? "none", "acct_orig": [.integer(packets), 28]])
      }
      return ["i": .integer(number), "ct": .array(events), "conntrack": .array(listed.contains(number) ? [connection] : [])]
    }
    return ["name": "x", "steps": .array(steps)]
  }

  /// When the garbage collector comes around depends on the other namespaces of the machine.
  @Test func theStepThatRemovesAnExpiredConnectionIsNotCompared() throws {
    func agree(_ left: JSONValue, _ right: JSONValue, second: String = #"{"sleep": 1}"#) throws -> Bool {
      let line = #"{"name": "x", "rules": "", "ct_each": true, "steps": [{"sleep": 1}, \#(second), {"sleep": 1}]}"#
      return LabComparison(try Scenario(line: line)).firstDifference(left, right) == nil
    }
    #expect(try agree(Self.answer(endingIn: 2), Self.answer(endingIn: 1)))
    #expect(try agree(Self.answer(endingIn: 1), Self.answer(endingIn: 2)))
    // Where no time passes, nothing expires.
    #expect(try !agree(Self.answer(endingIn: 2), Self.answer(endingIn: 1), second: #"{"snapshot": 1}"#))
    // One that is listed still has not expired, and one that never ends is another answer.
    #expect(try !agree(Self.answer(endingIn: 2, listedAfter: 0...1), Self.answer(endingIn: 1)))
    #expect(try !agree(Self.answer(endingIn: 3), Self.answer(endingIn: 1)))
    #expect(try !agree(Self.answer(endingIn: 2, packets: 2), Self.answer(endingIn: 1)))
  }

  @Test func theIdentificationOfFragmentsMadeHereIsNotCompared() throws {
    let whole = try Self.datagram(0, offset: nil)
    func train(_ first: UInt32, _ second: UInt32) throws -> JSONValue {
      Self.answer(whole, [try Self.datagram(first, offset: 0, more: true), try Self.datagram(second, offset: 24)])
    }
    #expect(try Self.agree(try train(7, 7), try train(9, 9)))
    // Pieces of one datagram have the same.
    #expect(try !Self.agree(try train(7, 7), try train(9, 10)))
  }

  @Test func theIdentificationOfForwardedFragmentsIsCompared() throws {
    func passing(_ number: UInt32) throws -> JSONValue {
      let piece = try Self.datagram(number, offset: 24)
      return Self.answer(try Self.datagram(7, offset: 24), [piece])
    }
    #expect(try Self.agree(try passing(7), try passing(7)))
    #expect(try !Self.agree(try passing(7), try passing(9)))
    // One that is the whole datagram is a fragment all the same.
    func whole(_ number: UInt32) throws -> JSONValue {
      Self.answer(try Self.datagram(7, offset: 0), [try Self.datagram(number, offset: 0)])
    }
    #expect(try !Self.agree(try whole(7), try whole(9)))
  }

  // MARK: Identifiers

  private static func echo(_ source: String, _ destination: String, _ identifier: UInt16) throws -> String {
    var fields = PacketFields(try #require(IPAddress(source)), try #require(IPAddress(destination)), proto: .icmp)
    (fields.icmpType, fields.icmpIdentifier) = (8, identifier)
    return Hex.string(try fields.packet().bytes)
  }

  /// An answer in which a connection was translated, and an echo request left.
  private static func translated(to chosen: Int, _ left: String) -> JSONValue {
    let entry: JSONValue = [
      "event": "NEW", "proto": "icmp", "orig": ["src": "10.0.0.9", "dst": "10.0.1.9", "type": 8, "code": 0, "id": 1],
      "reply": ["src": "10.0.1.9", "dst": "10.0.1.1", "type": 0, "code": 0, "id": .integer(chosen)],
    ]
    return ["name": "x", "steps": [["i": 0, "ct": [entry], "egress": [["if": "eth1", "hex": .string(left)]]]]]
  }

  @Test func anEchoIdentifierThatNATChoseIsNotCompared() throws {
    let between = Self.translated(to: 700, try Self.echo("10.0.1.1", "10.0.1.9", 700))
    #expect(try Self.agree(between, Self.translated(to: 900, try Self.echo("10.0.1.1", "10.0.1.9", 900))))
    // The one that was asked for is no choice.
    #expect(try !Self.agree(between, Self.translated(to: 1, try Self.echo("10.0.1.1", "10.0.1.9", 1))))
    // Another packet's has nothing to do with it.
    let stranger = Self.translated(to: 700, try Self.echo("10.0.0.9", "10.0.0.1", 700))
    #expect(try !Self.agree(stranger, Self.translated(to: 900, try Self.echo("10.0.0.9", "10.0.0.1", 900))))
  }
}
