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
    let (recorded, carried) = (try CarriageTests.simulator(Self.rules), try CarriageTests.simulator(Self.rules))
    recorded.recordsTrace = true
    for simulator in [recorded, carried] { simulator.extent = TraceExtent(entries: entries) }
    var receiver = PacketRunner(recorded, assumesDefaults: false)
    var carrier = PacketRunner(carried, assumesDefaults: false)
    (receiver.followsFlows, carrier.followsFlows) = (false, false)
    let ports = ["eth0": carrier.port(named: "eth0"), "eth1": carrier.port(named: "eth1")]
    var (totals, carriedTotals) = (RunSummary(), RunSummary())
    var (directions, carriedDirections) = (DirectionCheck(), DirectionCheck())
    let patterns = try ["reject", "drop", "drop FORWARD", "sent", "local"].map { try VerdictPattern($0) }
    var met = Set<String>()
    var lines = BriefLines { $0.text }
    var hits = HitLog()
    var random = SeededRandom(seed: 21)
    for round in 0..<10_000 {
      let (packet, name) = try CarriageTests.packet(&random)
      let report = receiver.receiveCaptured(packet, on: name)
      var text: [UInt8] = []
      lines.begin(packet, on: name, to: &text)
      var copy = packet
      let port = try #require(ports[name])
      let carriage = try #require(carrier.carryCaptured(&copy, at: port, noting: &hits))
      let result = CarriedPacket(packet.portTuple, copy, carriage, hits)
      lines.end(result, hits, in: carried, to: &text)
      #expect(String(decoding: text, as: UTF8.self) == "\(name) \(packet.brief) => \(report.verdict.text)", "packet \(round)")
      #expect(hits.hits.map { carried.step(of: $0) } == report.packets[0].steps, "packet \(round)")
      for pattern in patterns {
        #expect(pattern.holds(for: result) == pattern.holds(for: report), "packet \(round)")
        if pattern.holds(for: report) { met.insert(pattern.description) }
      }
      totals.add(packet, report)
      carriedTotals.add(result, hits)
      directions.note(packet, report)
      carriedDirections.note(result, hits)
      let pause = UInt64.random(in: 0..<200_000_000, using: &random)
      _ = receiver.advance(nanoseconds: pause)
      _ = carrier.advance(nanoseconds: pause)
    }
    carriedTotals.name(hitsIn: carried)
    #expect(carriedTotals.text(carried.connections()) == totals.text(recorded.connections()))
    #expect(carriedDirections.oneSided == directions.oneSided && directions.oneSided > 0)
    #expect(met.count == patterns.count, "\(met)")
    #expect(entries < 4096 || totals.text([]).contains("security more rule 1"))
  }
}
