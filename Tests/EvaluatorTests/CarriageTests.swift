import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Netfilter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@Suite("Packets that are carried without a record")
struct CarriageTests {
  private static let rules = """
    *raw
    -A PREROUTING -p udp --dport 9 -j NOTRACK
    COMMIT
    *mangle
    -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 7
    -A POSTROUTING -m mark --mark 7 -j TOS --set-tos 0x10
    COMMIT
    *nat
    -A PREROUTING -i eth0 -d 10.0.0.1 -p tcp --dport 8080 -j DNAT --to-destination 10.0.1.9:80
    -A POSTROUTING -o eth1 -p tcp -j SNAT --to-source 10.0.1.1:40000-40100
    -A POSTROUTING -o eth1 -j MASQUERADE
    COMMIT
    *filter
    :FORWARD DROP
    -A INPUT -p icmp -m limit --limit 1/min -j ACCEPT
    -A INPUT -j DROP
    -A FORWARD -m conntrack --ctstate INVALID -j LOG --log-prefix "invalid "
    -A FORWARD -p udp --dport 53 -j NFQUEUE --queue-num 3
    -A FORWARD -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
    -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -i eth0 -m statistic --mode random --probability 0.9 -j ACCEPT
    COMMIT

    """

  static func simulator(_ more: String = "") throws -> Simulator {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
      .parse(SourceFile(name: "rules", bytes: Array((rules + more).utf8)))
    try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
    let simulator = try Simulator(host: Host(yaml: SimulatorTests.host), rulesets: [parsed.ruleset], clock: 1_000_000_000, seed: 1)
    simulator.recordsTrace = false
    simulator.queues[3] = QueueListener { $0.packet.count % 2 == 0 ? QueueAnswer(.accept, mark: 9) : QueueAnswer(.drop) }
    return simulator
  }

  /// A packet of a few flows: of both directions, of all protocols, some broken, some in pieces, some too long for the link.
  static func packet(_ random: inout SeededRandom) throws -> (packet: Packet, interface: String) {
    let isForward = Int.random(in: 0..<4, using: &random) > 0
    let client = IPAddress.v4(IPv4Address(10, 0, 0, UInt8.random(in: 9...11, using: &random)))
    let server = IPAddress.v4(
      IPv4Address(10, 0, isForward && Bool.random(using: &random) ? 0 : 1, isForward ? [1, 9].randomElement(using: &random) ?? 9 : 1))
    let proto: IPProtocol = [.tcp, .udp, .icmp].randomElement(using: &random) ?? .tcp
    var fields = isForward ? PacketFields(client, server, proto: proto) : PacketFields(.v4(IPv4Address(10, 0, 1, 9)), server, proto: proto)
    let ports: [UInt16] = [25, 53, 80, 8080, 9, 40000, 40001]
    fields.sourcePort = isForward ? UInt16.random(in: 1000...1003, using: &random) : 80
    fields.destinationPort = ports.randomElement(using: &random) ?? 80
    fields.tcpFlags = [.syn, [.syn, .ack], .ack, [.psh, .ack], .rst].randomElement(using: &random) ?? .syn
    fields.sequence = UInt32.random(in: 0..<3, using: &random)
    fields.ttl = UInt8.random(in: 0..<40, using: &random) == 0 ? 1 : 64
    fields.payload = [UInt8](repeating: 1, count: [0, 1, 8, 900, 2000].randomElement(using: &random) ?? 0)
    fields.hasBadChecksum = UInt8.random(in: 0..<40, using: &random) == 0
    if UInt8.random(in: 0..<10, using: &random) == 0 {
      let isFirst = Bool.random(using: &random)
      fields.fragment = PacketFields.Fragment(offset: isFirst ? 0 : 8, length: isFirst ? 8 : nil, moreFragments: isFirst)
    }
    var packet = try fields.packet()
    if UInt8.random(in: 0..<40, using: &random) == 0 { packet.bytes.removeLast(min(packet.bytes.count, 15)) }
    return (packet, isForward ? "eth0" : "eth1")
  }

  @Test("a carried packet gets the verdict and the bytes of a received one")
  func carriedPacketsFareAsReceivedOnes() throws {
    let (recorded, carried) = (try Self.simulator(), try Self.simulator())
    var random = SeededRandom(seed: 20)
    var verdicts: [String: Int] = [:]
    var besides = 0
    for round in 0..<20_000 {
      let (packet, name) = try Self.packet(&random)
      let interface = try #require(carried.host.interface(named: name))
      let report = recorded.receive(packet, on: name)
      var copy = packet
      let carriage = carried.carry(&copy, on: interface)
      #expect(carriage.verdict == report.verdict, "packet \(round)")
      let departures = carriage.report?.departures ?? []
      if carriage.frameDestination != nil {
        let own = try #require(report.departures.last)
        #expect(own.packet.bytes == copy.bytes && own.destination == carriage.frameDestination, "packet \(round)")
        #expect(departures == report.departures.dropLast(), "packet \(round)")
      } else {
        #expect(departures == report.departures, "packet \(round)")
      }
      let logs = report.packets.flatMap(\.logs)
      #expect(carriage.report?.packets.flatMap(\.logs) ?? [] == logs, "packet \(round)")
      verdicts[String("\(carriage.verdict)".prefix(4)), default: 0] += 1
      if carriage.report != nil { besides += 1 }
      let pause = UInt64.random(in: 0..<200_000_000, using: &random)
      recorded.advance(nanoseconds: pause)
      carried.advance(nanoseconds: pause)
    }
    #expect(carried.connections().map(\.extendedLine) == recorded.connections().map(\.extendedLine))
    #expect(
      carried.rulesets().flatMap(\.tables).map { $0.chains.map { $0.rules.map(\.counters) } }
        == recorded.rulesets().flatMap(\.tables).map { $0.chains.map { $0.rules.map(\.counters) } })
    // Each fate occurs, and each side effect.
    for word in ["sent", "drop", "lost", "abso", "refu", "deli"] { #expect(verdicts[word, default: 0] > 20, "\(word)") }
    #expect(besides > 500)
  }

  @Test("a listener may have another packet carried while one waits")
  func aListenerMayCarryAnotherPacketWhileOneWaits() throws {
    let simulator = try Self.simulator()
    let interface = try #require(simulator.host.interface(named: "eth0"))
    var fields = PacketFields(.v4(IPv4Address(10, 0, 0, 9)), .v4(IPv4Address(10, 0, 1, 9)), proto: .tcp)
    fields.destinationPort = 25
    let other = try fields.packet()
    var inner: [Carriage] = []
    simulator.queues[3] = QueueListener { _ in
      var packet = other
      inner.append(simulator.carry(&packet, on: interface))
      return QueueAnswer(.accept)
    }
    fields.proto = .udp
    fields.destinationPort = 53
    var packet = try fields.packet()
    let carriage = simulator.carry(&packet, on: interface)
    #expect(carriage.verdict == .sent(output: "eth1") && packet.ttl == 63)
    #expect(carriage.report?.packets.map { $0.queueStays.count } == [1])
    // The one within was rejected, and its reset has left.
    let reset = try #require(inner.first?.report?.departures.first)
    #expect(reset.interface == "eth0" && reset.packet.tcp?.flags.contains(.rst) == true)

    let report = simulator.receive(try fields.packet(), on: "eth0")
    #expect(report.packets.map { $0.queueStays.map(\.answer) } == [[.accept]])
    #expect(inner.count == 2)
  }

  @Test("a held packet keeps its bytes when the buffer handed in is reused")
  func aHeldPacketKeepsItsOwnBytes() throws {
    let simulator = try Self.simulator()
    let interface = try #require(simulator.host.interface(named: "eth0"))
    simulator.queues[3] = QueueListener { _ in QueueAnswer(.hold) }
    var fields = PacketFields(.v4(IPv4Address(10, 0, 0, 9)), .v4(IPv4Address(10, 0, 1, 9)), proto: .udp)
    fields.destinationPort = 53
    var packet = try fields.packet()
    #expect(simulator.carry(&packet, on: interface).verdict == .queued(number: 3, at: .forward))
    packet.bytes = []
    let report = simulator.answer(1, QueueAnswer(.accept))
    #expect(report.verdict == .sent(output: "eth1"))
    #expect(report.departures.first?.packet.ttl == 63)
  }
}
