import Compiler
import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@Suite("Packets through a host")
struct SimulatorTests {
  static let host = """
    interfaces: {eth0: {addresses: [10.0.0.1/24]}, eth1: {addresses: [10.0.1.1/24]}}
    routes: []
    sysctls: {net.ipv4.ip_forward: 1}
    """

  private func simulator(_ rules: String, seed: UInt64 = 1) throws -> Simulator {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
      .parse(SourceFile(name: "rules", bytes: Array(rules.utf8)))
    try #require(!parsed.hasErrors)
    return try Simulator(host: Host(yaml: Self.host), rulesets: [parsed.ruleset], clock: 1_000_000_000, seed: seed)
  }

  private func udp(_ port: UInt16, from source: String = "10.0.0.9", to destination: String = "10.0.1.9") throws -> Packet {
    var fields = PacketFields(try #require(IPAddress(source)), try #require(IPAddress(destination)), proto: .udp)
    fields.sourcePort = 1000
    fields.destinationPort = port
    fields.payload = Array("hello".utf8)
    return try fields.packet()
  }

  @Test("a table with a loop cannot be run")
  func aTableWithALoopIsRefused() throws {
    var table = Table(.filter, .ipv4)
    _ = table.addChain("a")
    _ = table.addChain("b")
    for (from, to) in [("FORWARD", "a"), ("a", "b"), ("b", "a")] {
      let index = try #require(table.index(of: from))
      table.update(at: index) { $0.rules.append(Rule(target: .goto(to))) }
    }
    #expect(throws: TableProgram.Failure.self) { try TableProgram(table) }
  }

  @Test("a table that jumps to a chain it does not have cannot be run")
  func aJumpToAMissingChainIsRefused() throws {
    var table = Table(.filter, .ipv4)
    let index = try #require(table.index(of: "FORWARD"))
    table.update(at: index) { $0.rules.append(Rule(target: .jump("nowhere"))) }
    #expect(throws: TableProgram.Failure.self) { try TableProgram(table) }
  }

  @Test("a chain may nest as deep as there are chains")
  func chainsNestAsDeepAsThereAreChains() throws {
    var rules = "*filter\n"
    let count = 2000
    for index in 0..<count { rules += ":c\(index) - [0:0]\n" }
    rules += "-A FORWARD -j c0\n-A FORWARD -j DROP\n"
    for index in 0..<(count - 1) { rules += "-A c\(index) -j c\(index + 1)\n" }
    rules += "-A c\(count - 1) -j RETURN\nCOMMIT\n"
    let simulator = try simulator(rules)
    let report = simulator.receive(try udp(80), on: "eth0")
    guard case .dropped(at: .forward, by: let step?, _) = report.verdict else { return #expect(Bool(false), "\(report.verdict)") }
    #expect(step.label == "filter:FORWARD:rule:2")
  }

  @Test("a copy for this host is copied again when it comes in, until a limit makes its verdict unknown")
  func copiesOfCopiesEnd() throws {
    let simulator = try simulator("*mangle\n-A PREROUTING -j TEE --gateway 127.0.0.1\nCOMMIT\n")
    let report = simulator.receive(try udp(80), on: "eth0")
    #expect(report.verdict == .sent(output: "eth1"))
    #expect(report.packets.count == 258)
    #expect(report.packets.filter { if case .unknown = $0.verdict { true } else { false } }.count == 1)
  }

  @Test("a held packet goes on at the next operation when its listener answers")
  func aHeldPacketGoesOnAtTheNextOperation() throws {
    let simulator = try simulator(
      "*mangle\n-A FORWARD -j NFQUEUE --queue-num 3\nCOMMIT\n*filter\n-A FORWARD -m mark --mark 7 -j ACCEPT\n-A FORWARD -j DROP\nCOMMIT\n")
    var id: UInt64 = 0
    simulator.queues[3] = QueueListener { packet in
      id = packet.id
      return QueueAnswer(.hold)
    }
    #expect(simulator.receive(try udp(80), on: "eth0").verdict == .queued(number: 3, at: .forward))
    let report = simulator.answer(id, QueueAnswer(.accept, mark: 7))
    #expect(report.verdict == .sent(output: "eth1"))
    #expect(report.packets.first?.steps.map(\.label) == ["filter:FORWARD:rule:1", "mangle:POSTROUTING:policy:1"])
    // It is answered once.
    #expect(simulator.answer(id, QueueAnswer(.accept)).packets.isEmpty)
  }

  @Test("a full queue drops, or lets pass where its listener asked for that", arguments: [false, true])
  func aFullQueueDropsUnlessItIsFailOpen(_ isFailOpen: Bool) throws {
    let simulator = try simulator("*filter\n-A FORWARD -j NFQUEUE --queue-num 3\nCOMMIT\n")
    simulator.queues[3] = QueueListener(maximumLength: 1, isFailOpen: isFailOpen) { _ in QueueAnswer(.hold) }
    #expect(simulator.receive(try udp(80), on: "eth0").verdict == .queued(number: 3, at: .forward))
    #expect(simulator.receive(try udp(81), on: "eth0").verdict.name == (isFailOpen ? "sent" : "drop"))
  }

  @Test("a balance picks queues by the kernel's hash of a seed that is given, else says which there are")
  func aBalancedQueueFollowsTheKernelsHash() throws {
    let rules = "*filter\n-A FORWARD -j NFQUEUE --queue-balance 3:6\nCOMMIT\n"
    func queue(_ seed: UInt32?) throws -> (number: UInt16?, notes: [String]) {
      let simulator = try simulator(rules)
      simulator.world.queueSeed = seed
      for number in 3...6 as ClosedRange<UInt16> { simulator.queues[number] = QueueListener(always: QueueAnswer(.accept)) }
      let report = simulator.receive(try udp(80), on: "eth0")
      return (report.packets.first?.queueStays.first?.queue, report.packets.first?.notes ?? [])
    }
    // jhash_3words of 10.0.0.9, 10.0.1.9 and 17, as a program in C computes it.
    for (seed, number) in [(0, 6), (1, 6), (2, 5), (12345, 5), (.max, 4)] as [(UInt32, UInt16)] {
      #expect(try queue(seed).number == number, "\(seed)")
    }
    #expect(try queue(1).notes.isEmpty)
    #expect(try queue(nil).notes.first?.contains("of 3 to 6") == true)
  }

  /// Which queue it is, is only of importance if they differ.
  @Test(arguments: ["--queue-balance 3:5", "--queue-balance 3:5 --queue-cpu-fanout", "--queue-balance 3:5 --queue-bypass"])
  func aBalanceOverQueuesThatDifferIsUnknown(_ options: String) throws {
    func verdict(_ listeners: [UInt16: QueueListener], misses: Bool = false, silent: Set<UInt16> = []) throws -> String {
      let simulator = try simulator("*filter\n-A FORWARD -j NFQUEUE \(options)\nCOMMIT\n")
      simulator.queues = listeners
      simulator.silentQueues = silent
      if misses { simulator.host.missing.insert(.queueListeners) } else { simulator.host.missing.remove(.queueListeners) }
      let verdict = simulator.receive(try udp(80), on: "eth0").verdict
      return if case .unknown(let reason, _) = verdict { "unknown: \(reason.sentence)" } else { verdict.name }
    }
    func always(_ verdict: QueueAnswer.Verdict, mark: UInt32? = nil) -> QueueListener {
      QueueListener(always: QueueAnswer(verdict, mark: mark))
    }
    let (accept, drop) = (always(.accept), always(.drop))
    #expect(try verdict([3: accept, 4: accept, 5: accept]) == "sent")
    #expect(try verdict([3: drop, 4: drop, 5: drop, 6: accept]) == "drop")
    #expect(try verdict([6: drop]) == (options.contains("bypass") ? "sent" : "drop"))
    #expect(try verdict([3: accept, 4: accept, 5: accept], misses: true) == "sent")
    #expect(try verdict([6: drop], misses: true, silent: [3, 4, 5]) == (options.contains("bypass") ? "sent" : "drop"))
    let decides = options.contains("fanout") ? "the processor that handles the packet" : "the secret number"
    let differing: [[UInt16: QueueListener]] = [
      [3: accept, 4: drop, 5: accept], [3: accept, 4: accept], [3: always(.accept, mark: 1), 4: accept, 5: accept],
    ]
    for listeners in differing {
      #expect(try verdict(listeners).hasPrefix("unknown: the verdict of one of the queues 3 to 5 cannot be decided without \(decides)"))
    }
    // The answer of a closure may depend on the packets before.
    let other = QueueListener { _ in QueueAnswer(.accept) }
    #expect(try verdict([3: other, 4: other, 5: other]).hasPrefix("unknown"))
    #expect(try verdict([3: drop], misses: true).hasSuffix("without the program that listens to the queue (--queue NUMBER=VERDICT)"))
  }

  @Test("an operation that is asked for again without end ends as unknown")
  func anOperationRepeatedWithoutEndIsUnknown() throws {
    let simulator = try simulator("*filter\n-A FORWARD -j NFQUEUE --queue-num 3\nCOMMIT\n")
    simulator.queues[3] = QueueListener { _ in QueueAnswer(.repeat) }
    #expect(simulator.receive(try udp(80), on: "eth0").verdict.name == "unknown")
  }

  @Test("a queue that hands a packet to itself without end ends as unknown")
  func aQueueThatFeedsItselfWithoutEndIsUnknown() throws {
    let simulator = try simulator("*filter\n-A FORWARD -j NFQUEUE --queue-num 3\nCOMMIT\n")
    simulator.queues[3] = QueueListener { _ in QueueAnswer(.queue(3)) }
    #expect(simulator.receive(try udp(80), on: "eth0").verdict.name == "unknown")
  }

  @Test("counters tell packets and bytes, and begin at zero with a new table")
  func countersCountPacketsAndBytesFromZero() throws {
    let rules = "*filter\n-A FORWARD -p udp --dport 80 -j ACCEPT\nCOMMIT\n"
    let simulator = try simulator(rules)
    for port in [80, 80, 81] as [UInt16] { _ = simulator.receive(try udp(port), on: "eth0") }
    let chain = try #require(simulator.rulesets().first?[table: .filter]?[chain: "FORWARD"])
    #expect(chain.rules.map(\.counters) == [Counters(packets: 2, bytes: 66)])
    #expect(chain.counters == Counters(packets: 1, bytes: 33))
    try simulator.load(try #require(simulator.rulesets().first))
    #expect(simulator.rulesets().first?[table: .filter]?[chain: "FORWARD"]?.counters == .zero)
  }

  @Test("the same seed gives the same run, with or without a trace")
  func theSameSeedGivesTheSameRun() throws {
    let rules =
      "*nat\n-A POSTROUTING -o eth1 -j MASQUERADE --random-fully\nCOMMIT\n*filter\n-A FORWARD -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT\n"
    func run(_ seed: UInt64, isTraced: Bool) throws -> [String] {
      let simulator = try simulator(rules, seed: seed)
      simulator.recordsTrace = isTraced
      return try (0..<50).flatMap { port in
        let report = simulator.receive(try udp(UInt16(port)), on: "eth0")
        return [report.verdict.name] + report.departures.map { Hex.string($0.packet.bytes) }
      }
    }
    #expect(try run(5, isTraced: true) == run(5, isTraced: true))
    #expect(try run(5, isTraced: true) == run(5, isTraced: false))
    #expect(try run(5, isTraced: true) != run(6, isTraced: true))
  }

  @Test("random bytes never trap", arguments: [UInt64(1), 2, 3])
  func randomBytesNeverTrap(_ seed: UInt64) throws {
    let simulator = try simulator(
      "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n*nat\n-A POSTROUTING -o eth1 -j MASQUERADE\n-A PREROUTING -p tcp --dport 9 -j REDIRECT --to-ports 10\nCOMMIT\n"
        + "*filter\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n-A FORWARD -m conntrack --ctstate INVALID -j REJECT\n-A FORWARD -p udp -m multiport --dports 1:100 -j LOG\nCOMMIT\n"
    )
    simulator.delivery = .stack
    var random = SeededRandom(seed: seed)
    let destinations = ["10.0.1.9", "10.0.0.1", "10.0.0.255", "9.9.9.9"]
    for round in 0..<2000 {
      var packet = try udp(UInt16(truncatingIfNeeded: random.next() % 200), to: destinations[round % destinations.count])
      let proto: [UInt8] = [1, 6, 17, 132, 47, 50, 99]
      packet.bytes.setUInt8(proto[Int(random.next() % 7)], at: IPv4Header.Offset.proto)
      for _ in 0..<(random.next() % 4) {
        packet.bytes.setUInt8(UInt8(truncatingIfNeeded: random.next()), at: Int(random.next() % UInt64(packet.count)))
      }
      if random.next() % 4 == 0 { packet.bytes.removeLast(Int(random.next() % UInt64(packet.count))) }
      packet.updateLengthField()
      packet.updateHeaderChecksum()
      let report = simulator.receive(packet, on: "eth0")
      #expect(!report.packets.isEmpty)
      simulator.advance(nanoseconds: random.next() % 2_000_000_000)
    }
  }
}
