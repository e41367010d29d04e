import Compiler
import Kernel
import Lab
import Scenarios
import Testing
import Wire
import XTables

@testable import KernelLab

/// What comes from a socket is read without a trap, however it is broken.
@Suite struct NetlinkFuzzTests {

  /// A message of each kind that is listened to, whole.
  private static var messages: [NetlinkMessage] {
    var log = NetlinkMessage(subsystem: 4, 0, family: 2, resource: 0)
    log.add(1, [8, 0, 2, 0])
    log.add(2, network32: 7)
    log.add(4, network32: 2)
    log.add(9, [0x45, 0, 0, 20, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    log.add(10, text: "TRACE: filter:FORWARD:rule:3 ")
    var queue = NetlinkMessage(subsystem: 3, 0, family: 2, resource: 1)
    queue.add(1, [0, 0, 0, 1, 8, 0, 2])
    queue.add(10, [0x45, 0, 0, 20, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    func tuple(_ message: inout NetlinkMessage) {
      message.add(1) { ends in
        ends.add(1, [10, 0, 0, 1])
        ends.add(2, [10, 0, 0, 2])
      }
      message.add(2) { transport in
        transport.add(1, [6])
        transport.add(2, network16: 1000)
        transport.add(3, network16: 80)
      }
    }
    var connection = NetlinkMessage(subsystem: 1, 0, flags: 0x600, family: 2)
    for type in [1, 2, 14] as [UInt16] { connection.add(type, nested: tuple) }
    connection.add(3, network32: 0x18E)
    connection.add(4) { $0.add(1) { $0.add(1, [3]) } }
    connection.add(5) { $0.add(1, text: "ftp") }
    connection.add(9) { counters in
      counters.add(1, [0, 0, 0, 0, 0, 0, 0, 5])
      counters.add(2, [0, 0, 0, 0, 0, 0, 1, 5])
    }
    var expectation = NetlinkMessage(subsystem: 2, 0, family: 2)
    for type in [1, 2, 3] as [UInt16] { expectation.add(type, nested: tuple) }
    return [log, queue, connection, expectation] + nfTables
  }

  /// A table, a chain, a rule of it, and a trace of that rule, in nf_tables.
  private static var nfTables: [NetlinkMessage] {
    var table = NetlinkMessage(subsystem: 10, 0, family: 2)
    table.add(1, text: "filter")
    table.add(2, network32: 0)
    var chain = NetlinkMessage(subsystem: 10, 3, family: 2)
    chain.add(1, text: "filter")
    chain.add(3, text: "INPUT")
    chain.add(4) { hook in
      hook.add(1, network32: 1)
      hook.add(2, network32: 0)
    }
    chain.add(5, network32: 1)
    chain.add(7, text: "filter")
    var rule = NetlinkMessage(subsystem: 10, 6, family: 2)
    rule.add(1, text: "filter")
    rule.add(2, text: "INPUT")
    rule.add(3, [0, 0, 0, 0, 0, 0, 0, 9])
    rule.add(4) { expressions in
      for (name, fields) in [("meta", [(1, 1), (2, 16)]), ("counter", []), ("limit", [(3, 5), (4, 0)])] as [(String, [(UInt16, UInt32)])] {
        expressions.add(1) { element in
          element.add(1, text: name)
          element.add(2) { data in for (type, value) in fields { data.add(type, network32: value) } }
        }
      }
    }
    var trace = NetlinkMessage(subsystem: 10, 17, family: 2)
    trace.add(1, text: "filter")
    trace.add(2, text: "INPUT")
    trace.add(3, [0, 0, 0, 0, 0, 0, 0, 9])
    trace.add(4, network32: 3)
    trace.add(6, network32: 77)
    trace.add(15, network32: 2)
    return [table, chain, rule, trace]
  }

  @Test func wholeMessagesAreUnderstood() throws {
    let messages = NetlinkMessage.messages(in: NetlinkFuzzTests.messages.flatMap(\.bytes))
    #expect(messages == NetlinkFuzzTests.messages)
    let record = try #require(Observer.record(messages[0]))
    #expect(record.kind == .trace("filter:FORWARD:rule:3"))
    #expect(record.hook == 2 && record.mark == 7 && record.input == 2)
    #expect(NetlinkQueues.packet(messages[1])?.queue == 1)
    guard case .connection(.new, let connection)? = ConntrackListener.event(messages[2]) else {
      Issue.record("no connection")
      return
    }
    #expect(connection.state == "ESTABLISHED")
    #expect(connection.status.names == ["SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT_DONE", "DST_NAT_DONE"])
    #expect(connection.helper == "ftp")
    #expect(connection.originalCount == LabCount(5, 261))
    #expect(ConntrackListener.event(messages[3]) != nil)
    var assembly = NftAssembly(generation: 1)
    for message in messages[4...6] {
      let isRead = assembly.add(message)
      #expect(isRead)
    }
    var places = NftPlaces(assembly.ruleset)
    guard case .native(let trace) = Observer.record(messages[7])?.kind else {
      Issue.record("no trace")
      return
    }
    let found = places.record(trace)
    let placed = try #require(found)
    #expect(placed.kind == .trace("filter:INPUT:rule:1") && placed.hook == 1 && placed.packet == 77)
  }

  @Test func aTransactionNamesItsProgramAndTables() {
    var commits = NftCommitAssembly()
    var rule = NetlinkMessage(subsystem: 10, 6, family: 10)
    rule.add(1, text: "filter")
    var end = NetlinkMessage(subsystem: 10, 15)
    end.add(1, network32: 7)
    end.add(2, network32: 4711)
    end.add(3, text: "fail2ban")
    #expect(commits.add(rule) == nil && commits.add(rule) == nil)
    let commit = commits.add(end)
    #expect(commit?.program == "fail2ban" && commit?.process == 4711 && commit?.tables == ["ip6 filter"])
    // The next one begins without tables; a program that the kernel does not name is `?'.
    let next = commits.add(NetlinkMessage(subsystem: 10, 15))
    #expect(next?.tables.isEmpty == true && next?.program == "?")
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func brokenMessagesDoNotTrap(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let whole = NetlinkFuzzTests.messages.flatMap(\.bytes)
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(at...)
        default: bytes[at] = [0, 1, 0xFF, 0x80].randomElement(using: &random) ?? 0
        }
        if bytes.isEmpty { bytes = [0] }
      }
      var tracker = PacketTracker(source: .frame(interface: 2), loopback: 1, interfaceNames: [1: "lo", 2: "eth0"])
      var assembly = NftAssembly(generation: 1)
      var commits = NftCommitAssembly()
      for message in NetlinkMessage.messages(in: bytes) {
        _ = commits.add(message)
        if assembly.add(message) { _ = NftIptables(assembly.ruleset, .ipv4, registry: Registry()).natives }
        var places = NftPlaces(assembly.ruleset)
        if let record = Observer.record(message) {
          tracker.see(record)
          if case .native(let trace) = record.kind, let placed = places.record(trace) { tracker.see(placed) }
        }
        if let packet = NetlinkQueues.packet(message) { tracker.see(packet, answer: QueueResponse(verdict: .hold)) }
        _ = ConntrackListener.event(message).map(\.json)
        _ = message.errorNumber
      }
      _ = tracker.packets(.init(ruleCounts: [:], ruleCounts6: [:], frames: [2: [[0x45]]], isLocal: { _ in true }))
    }
  }

  /// Records in any order, as a lost one would leave them.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func recordsInAnyOrderDoNotTrap(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      var tracker = PacketTracker(source: .local, loopback: 1, interfaceNames: [1: "lo", 2: "eth0"])
      for _ in 0..<20 {
        let kinds: [ObserverRecord.Kind] = [.entry, .exit, .trace("filter:a:policy:1"), .trace("x"), .log(group: 1, prefix: "")]
        var record = ObserverRecord(
          kind: kinds.randomElement(using: &random) ?? .entry, hook: Int.random(in: 0..<5, using: &random),
          payload: (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        record.input = UInt32.random(in: 0..<3, using: &random)
        record.output = UInt32.random(in: 0..<3, using: &random)
        tracker.see(record)
        if Bool.random(using: &random) {
          tracker.see(
            NetlinkQueuedPacket(queue: 1, identifier: 1, hook: Int.random(in: 0..<5, using: &random), mark: 0, payload: []),
            answer: QueueResponse(verdict: Bool.random(using: &random) ? .hold : .accept))
        }
      }
      let packets = tracker.packets(.init(ruleCounts: [:], ruleCounts6: [:], frames: [2: [[0x45]]], isLocal: { _ in false }))
      for packet in packets { _ = packet.json }
    }
  }

  /// A blob that is no table ends the walk over it.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func brokenTablesDoNotTrap(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for family in Family.allCases {
      let rules = (0..<6).flatMap { _ in EntryEncoder(family: family).entry(Rule()) }
      for _ in 0..<500 {
        var entries = rules
        for _ in 0..<4 { entries[Int.random(in: 0..<entries.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
        if Bool.random(using: &random) { entries.removeLast(Int.random(in: 0..<entries.count, using: &random)) }
        let table = TableBlob(
          name: .filter, family: family, validHooks: 0xE, hookEntries: [0, 0, 152, 304, 0], underflows: [0, 152, 304, 456, 0],
          entryCount: 6, entries: entries)
        for chain in (try? table.chains()) ?? [] { _ = try? table.ruleCounters(chain) }
        for offset in stride(from: 0, to: entries.count, by: 8) { _ = table.rule(at: offset) }
      }
    }
  }
}
