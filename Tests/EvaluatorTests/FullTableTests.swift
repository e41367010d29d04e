import Conntrack
import Extensions
import Kernel
import TestSupport
import Testing
import Wire
import XTables

@testable import Documents
@testable import Evaluator
@testable import KernelLab
@testable import Lab
@testable import Notation
@testable import Scenarios

/// A table with `nf_conntrack_max` connections, and packets of further flows: in the engine, and in a namespace, whose own count the kernel
/// holds against the limit of the machine.
///
/// The limit cannot be set in a namespace, so the table is filled to the machine's. Which connection gives way, and how many that stand in one
/// bucket with it, follows from the secret of a hash, so that the sum of both is compared and not they.
@Suite("A full table, in the engine and in the kernel", .asRoot, .serialized)
struct FullTableTests {
  struct Outcome: Equatable, Sendable {
    /// Of each packet, whether it was forwarded.
    var passes: [Bool] = []
    /// Connections at the end, with those that gave way.
    var countAndDropped = 0
    var drop = 0
    var insertFailed = 0
    var droppedEarly = false
  }

  static let rules = """
    *filter
    -A FORWARD -m conntrack --ctstate INVALID -j DROP
    COMMIT
    """

  static func scenario() throws -> Scenario {
    let interfaces = #"{"eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}"#
    let setup = #"["route add 10.64.0.0/10 dev eth0"]"#
    return try Scenario(
      line:
        #"{"name": "full", "rules": \#(JSONValue.string(rules + "\n")), "topology": {"ifaces": \#(interfaces), "setup": \#(setup)}, "steps": []}"#
    )
  }

  /// The connection that all are alike to; its client's address and port are those of none of the packets.
  private static func connection(_ index: Int, isAssured: Bool) throws -> ConnectionSnapshot {
    let client = IPAddress.v4(IPv4Address(rawValue: 0x0A40_0000 + UInt32(index >> 8)))
    let server = IPAddress.v4(IPv4Address(10, 0, 1, 9))
    let original = try #require(
      Tuple(proto: .udp, source: client, sourceID: 0x9000 + UInt16(index & 255), destination: server, destinationID: 53))
    let status: ConnectionStatus = isAssured ? [.confirmed, .seenReply, .assured] : .confirmed
    return ConnectionSnapshot(original: original, reply: try #require(original.inverted()), status: status, state: nil, timeout: 600)
  }

  /// One packet of a flow that is there, then the first packets of new ones. In a full table even the tracker of TCP is not asked any more, and
  /// an answer is as new as the packet that it answers.
  private static func packets() throws -> [(packet: Packet, interface: String)] {
    func packet(_ proto: IPProtocol, _ port: UInt16, _ source: IPv4Address = IPv4Address(10, 0, 0, 9), flags: TCPFlags = .syn) throws
      -> Packet
    {
      var fields = PacketFields(.v4(source), .v4(IPv4Address(10, 0, 1, 9)), proto: proto)
      (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (port, 53, flags)
      return try fields.packet()
    }
    var answer = PacketFields(.v4(IPv4Address(10, 0, 1, 9)), .v4(IPv4Address(10, 0, 0, 9)), proto: .udp)
    (answer.sourcePort, answer.destinationPort) = (53, 1000)
    return [
      (try packet(.udp, 0x9005, IPv4Address(10, 64, 0, 0)), "eth0"), (try packet(.udp, 1000), "eth0"), (try answer.packet(), "eth1"),
      (try packet(.tcp, 1001), "eth0"), (try packet(.udp, 1002), "eth0"),
      (try packet(.tcp, 1003, flags: [.syn, .fin]), "eth0"),
    ]
  }

  // MARK: The engine

  private func engine(_ limit: Int, isAssured: Bool) throws -> Outcome {
    let scenario = try Self.scenario()
    let engine = LabEngine(registry: .ferrule)
    let run = try LabEngineRun(scenario, try engine.rulesets(scenario.rules, nil), nil, engine: engine)
    let simulator = run.simulator
    simulator.conntrackSettings.max = UInt32(limit)
    simulator.conntrackSettings.buckets = UInt32(limit)
    let table = simulator.conntrackTable()
    for index in 0..<limit { try table.restore(try Self.connection(index, isAssured: isAssured), now: simulator.world.instant) }
    var outcome = Outcome()
    for (packet, interface) in try Self.packets() { outcome.passes.append(!simulator.receive(packet, on: interface).departures.isEmpty) }
    let statistics = table.statistics
    outcome.countAndDropped = table.count + Int(statistics.earlyDrop)
    outcome.drop = Int(statistics.drop)
    outcome.insertFailed = Int(statistics.insertFailed)
    outcome.droppedEarly = statistics.earlyDrop > 0
    #expect(table.inconsistencies(now: simulator.world.instant) == [])
    return outcome
  }

  // MARK: The kernel

  private static func kernel(_ limit: Int, isAssured: Bool) throws -> Outcome {
    try NetworkNamespace.onNewThread {
      let scenario = try scenario()
      try LabHost.prepare(usesIPv6: false)
      let plan = try LabPlan(scenario, LabEngine(registry: .ferrule))
      let host = try LabHost(plan)
      _ = try LabRules(plan)
      try fill(limit, isAssured: isAssured)
      #expect(try count() == limit)
      var outcome = Outcome()
      for (packet, interface) in try packets() {
        let tap = try #require(host.tap(named: interface))
        let other = try #require(host.taps.first { $0.name != interface })
        let header = try tap.hardwareAddress() + ScenarioStep.Frame.defaultSource + [0x08, 0x00]
        try tap.write(header + packet.bytes)
        outcome.passes.append(try !other.readAll().isEmpty)
      }
      let statistics = try StatisticsTests.statistics().mapValues { Int($0) }
      outcome.countAndDropped = try count() + (statistics["early_drop"] ?? 0)
      outcome.drop = statistics["drop"] ?? 0
      outcome.insertFailed = statistics["insert_failed"] ?? 0
      outcome.droppedEarly = statistics["early_drop"] ?? 0 > 0
      return outcome
    }
  }

  /// Enters connections by one message, in which client and port are written again for each.
  private static func fill(_ count: Int, isAssured: Bool) throws {
    var socket = try NetlinkSocket(.netfilter, receiveBuffer: 8 << 20)
    let plain = ConntrackWriting.message(try connection(0, isAssured: isAssured))
    func places(_ bytes: [UInt8]) -> [Int] { plain.body.indices.filter { plain.body[$0...].starts(with: bytes) } }
    let addresses = places([0x0A, 0x40, 0, 0])
    let ports = places([0x90, 0])
    var message = plain
    for index in 0..<count {
      for place in addresses { message.body.setUInt32(0x0A40_0000 + UInt32(index >> 8), at: place) }
      for place in ports { message.body.setUInt8(UInt8(index & 255), at: place + 1) }
      try socket.post(message)
    }
    #expect(try socket.receiveAll() == [])
  }

  private static func count() throws -> Int {
    try #require(Int(try HostFile.read("/proc/sys/net/netfilter/nf_conntrack_count").filter(\.isNumber)))
  }

  @Test("a full table replaces an unassured connection, and drops the new one where all are assured", arguments: [false, true])
  func aFullTableReplacesTheUnassuredAndKeepsTheAssured(_ isAssured: Bool) throws {
    let limit = try #require(Int(try HostFile.read("/proc/sys/net/netfilter/nf_conntrack_max").filter(\.isNumber)))
    // Each connection costs the kernel some 400 bytes.
    guard limit <= 1 << 20 else {
      print("a table of \(limit) connections is too large to be filled here")
      return
    }
    let kernel = try Self.kernel(limit, isAssured: isAssured)
    let engine = try engine(limit, isAssured: isAssured)
    #expect(engine == kernel)
    #expect(kernel.passes.first == true)
    #expect(kernel.droppedEarly == !isAssured)
    #expect(kernel.drop == (isAssured ? 5 : 0))
    print("a table full of \(limit) \(isAssured ? "assured" : "unassured") connections: \(kernel)")
  }
}
