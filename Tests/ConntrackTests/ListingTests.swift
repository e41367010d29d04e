import TestSupport
import Testing
import Wire
import XTables

@testable import Conntrack

/// Connections read from what `conntrack -L` prints. The lines are those that conntrack 1.4.7 and Linux 6.18 printed.
@Suite struct ListingTests {
  static let extended = [
    "ipv4     2 tcp      6 998 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1000 dport=80 packets=0 bytes=0 src=10.0.1.9 dst=10.0.0.9 sport=80 dport=1000 packets=0 bytes=0 [ASSURED] mark=5 use=1",
    "ipv4     2 udp      17 28 src=127.0.0.1 dst=127.0.0.1 sport=51917 dport=53 zone-orig=7 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=53 dport=51917 packets=0 bytes=0 mark=0 use=1",
    "ipv4     2 sctp     132 999 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1001 dport=80 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 sport=80 dport=1001 mark=0 use=1",
    "ipv4     2 unknown  51 999 src=10.0.0.9 dst=10.0.1.9 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 mark=0 use=1",
    "ipv6     10 udplite  136 9 src=fd00::9 dst=fd00::8 sport=1 dport=2 [UNREPLIED] src=fd00::8 dst=fd00::9 sport=2 dport=1 mark=0 use=1",
    "ipv4     2 udp      17 3598 src=127.0.0.1 dst=127.0.0.1 sport=52324 dport=5060 packets=1 bytes=31 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=5060 dport=52324 packets=0 bytes=0 mark=0 zone=3 helper=sip use=1 labels=5,127",
    "ipv4     2 tcp      6 998 SYN_SENT src=10.0.0.9 dst=10.0.1.9 sport=1001 dport=80 [UNREPLIED] src=10.0.1.9 dst=198.51.100.1 sport=80 dport=2000 mark=0 use=1",
    "ipv4     2 udp      17 28 src=127.0.0.1 dst=127.0.0.1 sport=58598 dport=54 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=54 dport=58598 zone-reply=7 mark=0 use=1",
    "ipv4     2 gre      47 999 src=10.0.0.9 dst=10.0.1.9 srckey=0x10 dstkey=0x80 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 srckey=0x80 dstkey=0x10 mark=0 use=1",
    "ipv4     2 icmp     1 29 src=10.0.0.9 dst=10.0.1.9 type=8 code=0 id=77 src=10.0.1.9 dst=198.51.100.1 type=0 code=0 id=78 mark=0 use=1",
    "ipv4     2 tcp      6 86400 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1 dport=2 src=10.0.1.9 dst=10.0.0.9 sport=2 dport=1 [OFFLOAD] mark=0 use=1",
  ]

  private func read(_ text: String) -> ConnectionListing { ConnectionListing(Array(text.utf8), label: { $0 == "wan" ? 9 : nil }) }

  @Test(arguments: extended) func printsWhatItRead(_ line: String) throws {
    let listing = read(line)
    #expect(listing.errors.isEmpty, "\(listing.errors)")
    #expect(try #require(listing.entries.first).connection.extendedLine == line)
  }

  /// What is entered is what is listed, in the same order.
  @Test func listsWhatWasEntered() throws {
    var settings = ConntrackSettings()
    settings.accounting = true
    let table = ConntrackTable(settings: settings, seed: 3)
    table.registerStandardHelpers()
    let now = Instant.seconds(50)
    let lines = Self.extended.filter { !$0.contains("sport=1 ") }
    for line in lines { try table.restore(try #require(read(line).entries.first).connection, now: now) }
    func uncounted(_ line: String) -> String {
      line.split(separator: " ").filter { !$0.hasPrefix("packets=") && !$0.hasPrefix("bytes=") }.joined(separator: " ")
    }
    #expect(table.dump(now: now).map(\.extendedLine).map(uncounted) == lines.map(uncounted))
    #expect(table.dump(now: now)[0].accounting?.originalPackets == 0)
    #expect(table.dump(now: .seconds(150)).map(\.timeout) == [898, 899, 899, 3498, 898, 899])
  }

  /// Every other form of the same: without the family, with timestamps and ids, and the kernel's own file.
  @Test(arguments: [
    "tcp      6 998 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1000 dport=80 src=10.0.1.9 dst=10.0.0.9 sport=80 dport=1000 [ASSURED] mark=5 secctx=system_u:object_r:unlabeled_t:s0 delta-time=1 [start=Sat Nov 21 09:29:57 2026] use=1 id=2731470264",
    "ipv4     2 tcp      6 998 ESTABLISHED src=10.0.0.9 dst=10.0.1.9 sport=1000 dport=80 packets=0 bytes=0 src=10.0.1.9 dst=10.0.0.9 sport=80 dport=1000 packets=0 bytes=0 [ASSURED] mark=5 zone=0 delta-time=2 use=2",
  ]) func readsOtherForms(_ line: String) throws {
    let found = try #require(
      read("# before\n\n\(line)\r\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n").entries.first)
    #expect(found.connection.original.description == "tcp 10.0.0.9:1000>10.0.1.9:80")
    #expect(found.connection.status == [.confirmed, .seenReply, .assured])
    #expect(found.connection.timeout == 998 && found.connection.mark == 5 && found.connection.zone == .default)
  }

  @Test func readsTheKernelsFile() throws {
    let text = """
      ipv6     10 udplite  136 8 src=fd00:0000:0000:0000:0000:0000:0000:0009 dst=fd00:0000:0000:0000:0000:0000:0000:0008 sport=1 dport=2 packets=0 bytes=0 [UNREPLIED] src=fd00:0000:0000:0000:0000:0000:0000:0008 dst=fd00:0000:0000:0000:0000:0000:0000:0009 sport=2 dport=1 packets=0 bytes=0 mark=0 zone=0 delta-time=1 use=2
      ipv4     2 unknown  33 998 src=10.0.0.9 dst=10.0.1.9 packets=0 bytes=0 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 packets=0 bytes=0 mark=0 zone=0 delta-time=1 use=2
      ipv4     2 gre      47 998 timeout=0, stream_timeout=0 src=10.0.0.9 dst=10.0.1.9 srckey=0x10 dstkey=0x80 packets=0 bytes=0 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 srckey=0x80 dstkey=0x10 packets=0 bytes=0 mark=0 zone=0 delta-time=1 use=2
      ipv4     2 tcp      6 src=10.0.0.9 dst=10.0.1.9 sport=1 dport=2 packets=0 bytes=0 src=10.0.1.9 dst=10.0.0.9 sport=2 dport=1 packets=0 bytes=0 [OFFLOAD] mark=0 zone=0 use=3
      dccp     33 999 src=10.0.0.9 dst=10.0.1.9 sport=0 dport=0 [UNREPLIED] src=10.0.1.9 dst=10.0.0.9 sport=0 dport=0 mark=0 use=1
      udp      17 9 src=10.0.0.9 dst=10.0.1.9 sport=1 dport=2 src=10.0.1.9 dst=10.0.0.9 sport=2 dport=1 mark=0 use=1 labels=wan,3
      """
    let listing = read(text)
    #expect(listing.errors.isEmpty, "\(listing.errors)")
    #expect(listing.entries.map(\.connection.state) == [nil, nil, nil, "ESTABLISHED", nil, nil])
    #expect(listing.entries.last?.connection.labels == 1 << 9 | 1 << 3)
    #expect(listing.entries[3].connection.status.isSuperset(of: [.assured, .offload, .seenReply]))
  }

  @Test(arguments: [
    ("tcp", "the protocol's number is missing", 3..<3),
    ("ipv4 10 tcp 6", "ipv4 has the number 2", 5..<7),
    ("tcp 17 9", "protocol 17 is not tcp", 0..<3),
    ("tcp 6 9 RUNNING src=1.1.1.1", "tcp has no state RUNNING", 8..<15),
    ("udp 17 9 ESTABLISHED", "a connection of udp has no state", 9..<20),
    ("udp 17 99999999999 src=1.1.1.1", "`99999999999' is not a number of seconds", 7..<18),
    ("udp 17 9 sport=1", "sport= must follow src=", 9..<16),
    (
      "udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=65536 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1", "`65536' is not a valid dport",
      47..<52
    ),
    ("udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2", "the reply's dport= is missing", 80..<80),
    ("udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2", "the reply's src= is missing", 48..<48),
    (
      "udp 17 9 src=1.1.1.1 dst=fd00::1 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1",
      "source and destination must be of the same address family", 25..<32
    ),
    ("udp 17 9 src=1.1.1.256", "the reply's src= is missing", 22..<22),
    (
      "udp 17 9 src=1.1.1.256 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1", "`1.1.1.256' is not an address", 13..<22
    ),
    ("udp 17 9 src=1.1.1.1 src=2.2.2.2 src=3.3.3.3", "there are two directions, no more", 33..<44),
    ("udp 17 9 src=1.1.1.1 mark=1 mark=2", "mark= appears twice", 28..<34),
    ("udp 17 9 src=1.1.1.1 color=red", "`color' is not a field of a connection", 21..<30),
    ("udp 17 9 src=1.1.1.1 [LOST]", "`[LOST]' is not a field of a connection", 21..<27),
    ("udp 17 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1", "the timeout is missing", 86..<86),
    (
      "ipv6 10 udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1",
      "its addresses are of another family", 0..<4
    ),
    (
      "udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 zone-orig=1 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 zone=2",
      "a connection has one zone", 59..<60
    ),
    (
      "udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 labels=lan", "there is no label `lan'",
      96..<99
    ),
  ]) func saysWhereAMistakeIs(_ line: String, _ message: String, _ range: Range<Int>) {
    #expect(read(line).errors == [ConnectionListingError(message, at: range)])
    // The lines behind it are read.
    #expect(read(line + "\n" + Self.extended[0]).entries.count == 1)
  }

  @Test func refusesWhatTheKernelRefuses() throws {
    var settings = ConntrackSettings()
    settings.max = 3
    let table = ConntrackTable(settings: settings)
    func enter(_ line: String) -> RestoringError? {
      do throws(RestoringError) {
        guard let entry = read(line).entries.first else { return .notTracked }
        try table.restore(entry.connection, now: .seconds(1))
        return nil
      } catch { return error }
    }
    #expect(enter(Self.extended[0]) == nil)
    #expect(enter(Self.extended[0]) == .exists)
    // Its reply is the other's original.
    #expect(enter("tcp 6 9 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=10.0.0.9 dst=10.0.1.9 sport=1000 dport=80") == .exists)
    #expect(
      enter("udp 17 9 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 helper=sip") == nil)
    // What a helper does that is not registered is unknown.
    #expect(table.unknownHelperNames == ["sip"])
    #expect(enter("icmp 1 9 src=1.1.1.1 dst=2.2.2.2 type=3 code=0 id=1 src=2.2.2.2 dst=1.1.1.1 type=0 code=0 id=1") == .notTracked)
    #expect(enter(Self.extended[0].replacing("sport=1000", with: "sport=1").replacing("dport=1000", with: "dport=1")) == nil)
    #expect(enter(Self.extended[0].replacing("sport=1000", with: "sport=2").replacing("dport=1000", with: "dport=2")) == .tableFull)
  }

  /// Each bracket that is never closed was looked for to the end of the line.
  @Test func aLineOfOpeningBracketsTakesTimeByItsLength() {
    let used = ThreadTime.seconds {
      let listing = read("tcp 6 119 SYN_SENT src=10.0.0.9 dst=" + String(repeating: "&a [", count: 400_000))
      #expect(listing.entries.isEmpty && listing.errors.count == 1)
    }
    #expect(used < 30)
  }

  /// Changed listings end in connections or in errors inside the text, never in a trap; what can be read and entered can be listed.
  @Test(arguments: 0..<8 as Range<UInt64>) func changedListingsDoNotTrap(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let pieces = [
      "src=", "=", "[", "]", " ", "\n", "id=1", "65536", "-1", "+1", "0x", "fd00::1", "[OFFLOAD]", "labels=128", "zone=1", "\u{E9}",
    ]
    let table = ConntrackTable(seed: seed)
    table.registerStandardHelpers()
    for _ in 0..<600 {
      var bytes = Array(Self.extended.shuffled(using: &random).prefix(3).joined(separator: "\n").utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(at..<min(bytes.count - 1, at + Int.random(in: 0..<20, using: &random)))
        default: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: at)
        }
      }
      let listing = ConnectionListing(bytes)
      for error in listing.errors { #expect(0 <= error.range.lowerBound && error.range.upperBound <= bytes.count) }
      for entry in listing.entries {
        let again = read(entry.connection.extendedLine)
        #expect(again.entries.first?.connection.extendedLine == entry.connection.extendedLine)
        _ = try? table.restore(entry.connection, now: .seconds(2))
      }
    }
    #expect(table.dump(now: .seconds(2)).count == table.count)
  }
}
