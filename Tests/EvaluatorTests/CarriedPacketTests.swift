import Evaluator
import Notation
import Suites
import Testing
import Wire

@Suite("Packets of captures that are carried")
struct CarriedPacketTests {
  /// Chains that packets enter, return from, and leave at their end.
  private static let rules = """
    *security
    :own - [0:0]
    :more - [0:0]
    -A FORWARD -j own
    -A FORWARD -p icmp -j DROP
    -A own -p udp -j more
    -A own -p tcp -m tcp --sport 1001 -j RETURN
    -A own -j more
    -A more -p tcp -m tcp --dport 40000:40001 -j DROP
    COMMIT

    """

  @Test("lines, totals and connections of one direction are those of the recorded paths", arguments: [0, 3, 4096])
  func carriedPacketsShowWhatRecordedOnesDo(entries: Int) throws {
    let (repetitions, met, totals) = try compare(entries: entries, CarriageTests.packet) { try CarriageTests.simulator(Self.rules) }
    #expect(met.count == Self.patterns.count && repetitions == 0, "\(met)")
    #expect(entries < 4096 || totals.contains("security more rule 1"))
  }

  @Test("so are those of packets that repeat the ways of earlier ones", arguments: [0, 3, 4096], [false, true])
  func repeatedWaysAreCountedAlike(entries: Int, translating: Bool) throws {
    func packet(_ random: inout SeededRandom) throws -> (packet: Packet, interface: String) {
      try KnownWayTests.packet(&random, translating: translating)
    }
    let (repetitions, met, _) = try compare(entries: entries, packet) {
      try KnownWayTests.simulator(KnownWayTests.rules(translating: translating))
    }
    #expect(repetitions > 500 && met.count >= 3, "\(repetitions) \(met)")
  }

  private static let patterns = ["reject", "drop", "drop FORWARD", "sent", "local"]

  /// Compares carried packets with recorded ones: how many repeated a way, the patterns that some met, and the totals.
  private func compare(
    entries: Int, _ make: (inout SeededRandom) throws -> (packet: Packet, interface: String), _ simulator: () throws -> Simulator
  ) throws -> (repetitions: Int, met: Set<String>, totals: String) {
    let (recorded, carried) = (try simulator(), try simulator())
    recorded.recordsTrace = true
    for simulator in [recorded, carried] { simulator.extent = TraceExtent(entries: entries) }
    var receiver = PacketRunner(recorded, assumesDefaults: false)
    var carrier = PacketRunner(carried, assumesDefaults: false)
    (receiver.followsFlows, carrier.followsFlows) = (false, false)
    let ports = ["eth0": carrier.port(named: "eth0"), "eth1": carrier.port(named: "eth1")]
    var (totals, carriedTotals) = (RunSummary(), RunSummary())
    var (directions, carriedDirections) = (DirectionCheck(), DirectionCheck())
    let patterns = try Self.patterns.map { try VerdictPattern($0) }
    var met = Set<String>()
    var lines = BriefLines { $0.text }
    var hits = HitLog()
    var random = SeededRandom(seed: 21)
    var repetitions = 0
    for round in 0..<10_000 {
      let (packet, name) = try make(&random)
      let report = receiver.receiveCaptured(packet, on: name)
      var text: [UInt8] = []
      lines.begin(packet, on: name, to: &text)
      var copy = packet
      let port = try #require(ports[name])
      totals.add(packet, report)
      directions.note(packet, report)
      switch try #require(carrier.passCaptured(&copy, at: port, noting: &hits)) {
      case .repeated(let repetition):
        repetitions += 1
        lines.end(repetition, in: carried, to: &text)
        #expect(carried.hits(onWay: repetition.way).hits.map { carried.step(of: $0) } == report.packets[0].steps, "packet \(round)")
        #expect(carried.verdict(onWay: repetition.way) == report.verdict && report.departures.count == 1, "packet \(round)")
        for pattern in patterns {
          #expect(
            pattern.holds(for: carried.verdict(onWay: repetition.way), isAnswered: false) == pattern.holds(for: report), "packet \(round)")
        }
        carriedTotals.add(copy, repetition, in: carried)
      case .carried(let carriage):
        let result = CarriedPacket(packet.portTuple, copy, carriage, hits)
        lines.end(result, hits, in: carried, to: &text)
        #expect(hits.hits.map { carried.step(of: $0) } == report.packets[0].steps, "packet \(round)")
        for pattern in patterns {
          #expect(pattern.holds(for: result) == pattern.holds(for: report), "packet \(round)")
          if pattern.holds(for: report) { met.insert(pattern.description) }
        }
        carriedTotals.add(result, hits)
        carriedDirections.note(result, hits)
      }
      #expect(String(decoding: text, as: UTF8.self) == "\(name) \(packet.brief) => \(report.verdict.text)", "packet \(round)")
      let pause = UInt64.random(in: 0..<200_000_000, using: &random)
      _ = receiver.advance(nanoseconds: pause)
      _ = carrier.advance(nanoseconds: pause)
    }
    carriedTotals.name(hitsIn: carried)
    #expect(carriedTotals.text(carried.connections()) == totals.text(recorded.connections()))
    #expect(carriedDirections.oneSided == directions.oneSided)
    return (repetitions, met, totals.text([]))
  }
}
