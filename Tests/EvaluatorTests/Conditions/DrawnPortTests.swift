import Conntrack
import Evaluator
import Netfilter
import Testing
import Wire
import XTables

/// Matches of a packet whose ports NAT has chosen by chance, against the same matches for every port that it may have chosen.
@Suite struct DrawnPortTests {
  private static func test(_ draw: inout SeededRandom) -> Condition {
    let field = draw.next() % 2 == 0 ? Field.sourcePort : .destinationPort
    let low = UInt64(995 + draw.next() % 20)
    // Rules of nf_tables compare with numbers of any length.
    let high = draw.next() % 5 == 0 ? UInt64.max : low + draw.next() % 8
    return .inRange(field, low, high).inverted(draw.next() % 3 == 0)
  }

  private static func condition(_ draw: inout SeededRandom) -> Condition {
    let parts = (0..<(1 + draw.next() % 4)).map { _ in test(&draw) }
    return draw.next() % 2 == 0 ? .all(parts) : .any(parts)
  }

  @Test func theResultIsThatOfAllChoices() throws {
    var draw = SeededRandom(seed: 20_261_130)
    var counts: [String: Int] = [:]
    let world = World(now: 0, random: SeededRandom(seed: 1), host: Host())
    for _ in 0..<3000 {
      let condition = Self.condition(&draw)
      let behaviour = MatchBehaviour(condition: { _, _ in condition }, evaluate: { _ in { _ in .mismatched } })
      var program = MatchProgram()
      let start = program.add([(behaviour, [])], .ipv4, firstSlot: 0)
      var drawn = DrawnPorts()
      if draw.next() % 3 != 0 { drawn.destination = 1000...UInt16(1000 + draw.next() % 6) }
      if drawn.isEmpty || draw.next() % 3 == 0 { drawn.source = 998...UInt16(998 + draw.next() % 6) }
      var outcomes: Set<MatchOutcome> = []
      for source in drawn.source ?? 1001...1001 {
        for destination in drawn.destination ?? 1003...1003 {
          var context = try Self.context(source, destination, world)
          outcomes.insert(program.run(from: start, &context, TransportPlace(context.packet.transport)))
        }
      }
      var context = try Self.context(drawn.source?.lowerBound ?? 1001, drawn.destination?.lowerBound ?? 1003, world)
      context.drawnPorts = drawn
      let before = context.packet.bytes
      let found = program.run(from: start, drawn: &context, TransportPlace(context.packet.transport))
      #expect(context.packet.bytes == before)
      if case .unknown = found {
        #expect(outcomes.count == 2)
        counts["unknown", default: 0] += 1
      } else {
        #expect(outcomes == [found])
        counts["decided", default: 0] += 1
      }
    }
    #expect(counts["unknown", default: 0] > 200 && counts["decided", default: 0] > 200, "\(counts)")
  }

  private static func context(_ source: UInt16, _ destination: UInt16, _ world: World) throws -> PacketContext {
    var fields = PacketFields(.v4(IPv4Address(192, 0, 2, 9)), .v4(IPv4Address(192, 0, 2, 1)), proto: .udp)
    (fields.sourcePort, fields.destinationPort) = (source, destination)
    return PacketContext(packet: try fields.packet(), family: .ipv4, hook: .input, world: world)
  }
}
