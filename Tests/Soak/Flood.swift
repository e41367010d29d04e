import Conntrack
import Evaluator
import Wire
import XTables

/// Very many flows, each of one packet, against a table that holds few: what gets in, what gives way, and what it costs.
struct Flood {
  struct Outcome {
    var sent = 0
    var dropped = 0
    /// Connections at most, and slots that were ever needed for them.
    var most = 0
    var findings: [String] = []
    var statistics = ConntrackStatistics()
  }

  private let simulator: Simulator
  private let limit: Int

  /// - Parameter limit: `nf_conntrack_max`, and as many buckets.
  init(limit: UInt32, seed: UInt64 = 1) throws {
    self.limit = Int(limit)
    simulator = try Simulator(host: SoakNetwork.host(), clock: 1_000_000_000_000_000, seed: seed)
    simulator.recordsTrace = false
    simulator.conntrackSettings.max = limit
    simulator.conntrackSettings.buckets = limit
    for ruleset in try SoakRules.Set(name: "flood", text: "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT").rulesets() {
      try simulator.load(ruleset)
    }
  }

  /// Lets as many flows as the table holds be answered and go on, two seconds later: they are assured, and stay.
  func assure() throws {
    for reply in [false, true, false] {
      if reply == false { simulator.advance(nanoseconds: 2_500_000_000) }
      for index in 0..<limit { _ = simulator.receive(try Flood.packet(index, isReply: reply), on: reply ? "eth1" : "eth0") }
    }
  }

  /// Sends the first packets of so many flows that were not there before, and checks all structures every so often.
  func run(flows: Int, checkEvery interval: Int) throws -> Outcome {
    var outcome = Outcome()
    for index in 0..<flows {
      // Far from those that were assured.
      switch simulator.receive(try Flood.packet(index + 0x40_0000, isReply: false), on: "eth0").verdict {
      case .sent: outcome.sent += 1
      case .dropped: outcome.dropped += 1
      case let other: outcome.findings.append("flow \(index): \(other)")
      }
      outcome.most = max(outcome.most, simulator.world.conntrack?.count ?? 0)
      if index % interval == 0 || index == flows - 1 { outcome.findings += simulator.inconsistencies() }
      if !outcome.findings.isEmpty { break }
    }
    outcome.statistics = simulator.world.conntrack?.statistics ?? ConntrackStatistics()
    return outcome
  }

  /// The packet of a flow: 16 Mi of them differ in address and port.
  private static func packet(_ index: Int, isReply: Bool) throws -> Packet {
    let client = IPAddress.v4(IPv4Address(rawValue: 0x0A40_0000 | UInt32(index >> 8)))
    let server = IPAddress.v4(IPv4Address(10, 0, 1, 2))
    var fields = PacketFields(isReply ? server : client, isReply ? client : server)
    let port = UInt16(2000 + (index & 255))
    (fields.sourcePort, fields.destinationPort) = isReply ? (53, port) : (port, 53)
    return try fields.packet()
  }
}
