import Diagnostics
import Documents
import Evaluator
import Extensions
import Lab
import Scenarios
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// Packets that meet very many rules: what is kept of their way does not grow with it, and nothing that is told is wrong.
@Suite struct TraceTests {
  /// Chains that each jump several times to the next.
  struct Tower: CustomTestStringConvertible {
    var levels = 13
    var jumps = 2
    /// `-g` ends the walk of a chain, so that a packet takes the first.
    var option = "-j"
    var chain = "FORWARD"
    var leaf = "-p udp -j RETURN"
    var family = Family.ipv4

    var testDescription: String { "\(levels) chains with \(jumps) \(option) from \(chain), \(leaf), \(family)" }

    var rules: String {
      let names = (0..<levels).map { ":c\($0) - [0:0]\n" }.joined()
      let rules = (1..<levels).map { String(repeating: "-A c\($0 - 1) \(option) c\($0)\n", count: jumps) }.joined()
      return "*filter\n\(names)-A \(chain) -j c0\n\(rules)-A c\(levels - 1) \(leaf)\nCOMMIT\n"
    }

    /// How often a packet comes to the chain of a level, from 0.
    func visits(_ level: Int) -> UInt64 {
      option == "-g" ? 1 : (0..<level).reduce(1) { count, _ in count * UInt64(jumps) }
    }

    func simulator() throws -> Simulator {
      let host = """
        interfaces: {eth0: {addresses: [10.0.0.1/24, "fd00::1/64"]}, eth1: {addresses: [10.0.1.1/24, "fd00:1::1/64"]}}
        sysctls: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}
        """
      let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: family)
        .parse(SourceFile(name: "rules", bytes: Array(rules.utf8)))
      try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
      return try Simulator(host: Host(yaml: host), rulesets: [parsed.ruleset], clock: 1_000_000_000, seed: 1)
    }

    func report(_ simulator: Simulator) throws -> PathReport {
      let (near, far) = family == .ipv4 ? ("10.0.0.", "10.0.1.9") : ("fd00::", "fd00:1::9")
      let isLocal = chain == "OUTPUT"
      var fields = PacketFields(
        try #require(IPAddress(near + (isLocal ? "1" : "9"))), try #require(IPAddress(far)), proto: .tcp)
      (fields.sourcePort, fields.destinationPort) = (1, 2)
      let packet = try fields.packet()
      return isLocal ? simulator.send(packet) : simulator.receive(packet, on: "eth0")
    }
  }

  @Test(arguments: [
    Tower(), Tower(levels: 9, jumps: 3), Tower(chain: "OUTPUT"), Tower(family: .ipv6), Tower(option: "-g"),
    Tower(levels: 12, leaf: "-j LOG --log-prefix leaf"), Tower(levels: 12, leaf: "-j NFLOG --nflog-group 1", family: .ipv6),
    Tower(levels: 12, leaf: "-j AUDIT --type accept"),
  ])
  func aLongWayIsKeptInPartAndCountedInFull(_ tower: Tower) throws {
    let simulator = try tower.simulator()
    simulator.extent = TraceExtent(countsRest: true)
    let report = try tower.report(simulator)
    #expect(report.verdict == .sent(output: "eth1"))
    let own = try #require(report.packets.first)
    // Every entry that was hit has counted the packet.
    let hit = simulator.counters[0].reduce(0) { $0 + $1.packets }
    let omitted = own.omittedSteps.reduce(0) { $0 + $1.count }
    #expect(UInt64(own.steps.count) + omitted == hit)
    #expect(own.steps.count <= Limits.traceEntries + 1)
    #expect(omitted > 0 || tower.option == "-g")
    #expect(own.steps.last?.label == "filter:\(tower.chain):policy:2")
    #expect(
      own.logs.count + own.notes.count + own.omittedRecords == (tower.leaf.contains("RETURN") ? 0 : Int(tower.visits(tower.levels - 1))))
    #expect(own.logs.count + own.notes.count <= Limits.recordsOfPacket)
    let text = report.text()
    #expect(text.contains("… \(omitted) more entries\n") == (omitted > 0))
    #expect(text.split(separator: "\n").count < Limits.traceEntries + Limits.recordsOfPacket + 20)
  }

  @Test(arguments: [Tower(levels: 10), Tower(levels: 10, leaf: "-j DROP"), Tower(levels: 10, leaf: "-m tcp -p tcp --dport 2 -j REJECT")])
  func withoutAWayTheVerdictIsTheSame(_ tower: Tower) throws {
    let (full, brief) = (try tower.simulator(), try tower.simulator())
    brief.extent = .decider
    let (long, short) = (try tower.report(full), try tower.report(brief))
    #expect(long.verdict == short.verdict)
    #expect(full.counters == brief.counters)
    #expect(short.packets[0].steps == long.packets[0].steps.suffix(1))
    #expect(long.packets.map(\.packet.bytes) == short.packets.map(\.packet.bytes))
  }

  /// A target that changes the packet, and entries behind it: the report shows the packet as the last of them saw it.
  @Test func theReportShowsThePacketAsTheLastEntrySawIt() throws {
    var tower = Tower(levels: 6, leaf: "-j TTL --ttl-dec 1")
    tower.chain = "FORWARD"
    let rules = tower.rules.replacing("*filter", with: "*mangle")
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(
      SourceFile(name: "rules", bytes: Array(rules.utf8)))
    let simulator = try Simulator(host: Host(yaml: SimulatorTests.host), rulesets: [parsed.ruleset], clock: 1, seed: 1)
    let report = try tower.report(simulator)
    // The host takes one as it forwards, each of 32 leaves one.
    let ttl = try #require(report.packets.first?.packet.ttl)
    #expect(ttl == 31)
  }

  @Test func copiesBeyondTheLimitAreCountedOnly() throws {
    let tower = Tower(levels: 12, leaf: "-j TEE --gateway 10.0.1.7")
    let rules = tower.rules.replacing("*filter", with: "*mangle")
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(
      SourceFile(name: "rules", bytes: Array(rules.utf8)))
    let simulator = try Simulator(host: Host(yaml: SimulatorTests.host), rulesets: [parsed.ruleset], clock: 1, seed: 1)
    let report = try tower.report(simulator)
    #expect(report.verdict == .sent(output: "eth1"))
    #expect(report.packets.count == Limits.packetsOfReport && report.departures.count == Limits.packetsOfReport)
    #expect(report.packets.count - 1 + report.omittedCopies == Int(tower.visits(11)))
  }

  /// What a scenario's packets list together is limited; what they met is known all the same.
  @Test func theLabTellsWhatItLeavesOut() throws {
    let tower = Tower(levels: 13)
    var scenario = try Scenario(
      line:
        #"{"name": "t", "rules": "", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "proto": "tcp", "sport": 1, "dport": 2}]}"#
    )
    scenario.rules = tower.rules
    let packet = try #require(LabEngine(registry: .ferrule).play(scenario).steps.first?.packets.first)
    #expect(packet.trace.count == Limits.traceEntries + 1)
    #expect(packet.omitted["filter:c12:return:2"] ?? 0 > 2000)
    #expect(packet.json["omitted"]?["filter:c12:return:2"] != nil)
  }
}
