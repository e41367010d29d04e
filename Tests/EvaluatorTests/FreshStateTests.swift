import Diagnostics
import Extensions
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Evaluator

/// Packets that set every field that a packet can have on its way through a host, one after the other: none leaves anything to the next.
@Suite("Nothing of a packet survives it")
struct FreshStateTests {
  private static let host = """
    interfaces:
      eth0: {addresses: [10.0.0.1/24, "fd00::1/64"]}
      eth1: {addresses: [10.0.1.1/24, "fd01::1/64"]}
      br0: {type: bridge, addresses: [10.0.2.1/24]}
      p0: {bridge: br0}
      p1: {bridge: br0}
    routes: [10.0.9.0/24 via 10.0.1.9]
    neighbours: {eth1: {10.0.1.77: none}}
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv6.conf.all.forwarding: 1
      net.ipv4.conf.all.accept_source_route: 1
      net.ipv4.conf.eth0.accept_source_route: 1
      net.ipv4.fwmark_reflect: 1
      net.bridge.bridge-nf-call-iptables: 1
    sockets: [{port: 9000, proto: udp, uid: 7}, {port: 80, uid: 8, mark: 3}]
    """

  private static let rules = """
    *raw
    -A PREROUTING -p udp --dport 1 -j TRACE
    -A PREROUTING -p udp --dport 2 -j LOG
    COMMIT
    *mangle
    -A PREROUTING -p udp --dport 3 -j MARK --set-mark 5
    -A PREROUTING -p udp --dport 4 -j TPROXY --on-port 9000 --tproxy-mark 0x9
    -A PREROUTING -p udp --dport 5 -j TEE --gateway 10.0.1.9
    -A PREROUTING -p udp --dport 6 -j TOS --set-tos 0x10
    -A FORWARD -p udp --dport 7 -j CLASSIFY --set-class 1:2
    -A FORWARD -p udp --dport 8 -j NFQUEUE --queue-num 3
    -A FORWARD -p udp --dport 9 -j NFQUEUE --queue-num 4
    COMMIT
    *filter
    :deep - [0:0]
    -A FORWARD -p udp --dport 10 -j REJECT
    -A FORWARD -p udp --dport 11 -j deep
    -A FORWARD -m mark ! --mark 0 -j LOG --log-prefix "marked "
    -A FORWARD -m physdev --physdev-in p0 -j LOG --log-prefix "bridged "
    -A INPUT -m owner --uid-owner 8 -j LOG --log-prefix "owned "
    -A deep -p udp -j DROP
    COMMIT

    """

  /// Connection tracking and reassembly, for the events that need them; the state of connections may outlive a packet.
  private static let tracking = """
    *filter
    -A FORWARD -m conntrack --ctstate INVALID -j LOG
    COMMIT

    """

  private func simulator(_ rules: String = Self.rules) throws -> Simulator {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
      .parse(SourceFile(name: "rules", bytes: Array(rules.utf8)))
    try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
    let simulator = try Simulator(host: Host(yaml: Self.host), rulesets: [parsed.ruleset], clock: 1_000_000_000, seed: 1)
    simulator.delivery = .stack
    simulator.queues[3] = QueueListener { _ in QueueAnswer(.accept, mark: 6) }
    simulator.queues[4] = QueueListener { _ in QueueAnswer(.hold) }
    return simulator
  }

  /// A received packet, and the interface.
  private struct Arrival {
    let packet: Packet
    let interface: String
  }

  private func udp(_ port: UInt16, to destination: String = "10.0.1.9", _ change: (inout PacketFields) -> Void = { _ in }) throws -> Packet
  {
    let target = try #require(IPAddress(destination))
    var fields = PacketFields(try #require(IPAddress(target.family == .ipv4 ? "10.0.0.9" : "fd00::9")), target, proto: .udp)
    (fields.sourcePort, fields.destinationPort) = (1000, port)
    fields.payload = Array("hello".utf8)
    change(&fields)
    return try fields.packet()
  }

  /// Packets that differ in all that a journey stores.
  private func arrivals() throws -> [Arrival] {
    var packets = try (0...11).map { try udp($0) }
    packets += try ["10.0.0.1", "10.0.9.9", "10.0.1.77", "10.0.7.7", "127.0.0.1", "10.0.1.255", "224.0.0.1", "fd01::9", "ff02::1"].map {
      try udp(9000, to: $0)
    }
    packets.append(try udp(9) { $0.ttl = 1 })
    packets.append(try udp(9) { $0.payload = [UInt8](repeating: 1, count: 2000) })
    packets.append(try udp(9, to: "10.0.0.1") { $0.fragment = PacketFields.Fragment(offset: 0, length: 8, moreFragments: true) })
    packets.append(try udp(9, to: "10.0.0.1") { $0.fragment = PacketFields.Fragment(offset: 8, length: 3, moreFragments: true) })
    packets.append(try udp(9) { $0.hasBadChecksum = true })
    packets.append(
      try udp(80, to: "10.0.0.1") {
        $0.proto = .tcp
        $0.tcpFlags = .syn
      })
    // A loose source route, a record route, a faulty option.
    for options in [[131, 7, 4, 10, 0, 1, 9, 0], [7, 7, 4, 0, 0, 0, 0, 0], [7, 2, 0, 0]] as [[UInt8]] {
      packets.append(try udp(9, to: options[0] == 131 ? "10.0.0.1" : "10.0.1.9") { $0.ipOptions = options })
    }
    var cut = try udp(0)
    cut.bytes.removeLast(cut.bytes.count - 10)
    packets += [cut, Packet(bytes: [])]
    var arrivals = packets.map { Arrival(packet: $0, interface: "eth0") }
    for (port, link) in [("p0", 0xFFFF_FFFF_FFFF), ("p0", 0x0200_0000_0099), ("eth0", 0xFFFF_FFFF_FFFF), ("eth0", 0x0200_0000_0098)] {
      var packet = try udp(2)
      packet.link = LinkHeader(
        source: MACAddress(rawValue: 0x0200_0000_0055), destination: MACAddress(rawValue: UInt64(link)), etherType: 0x0800)
      arrivals.append(Arrival(packet: packet, interface: port))
    }
    return arrivals
  }

  private func text(_ value: some Any) -> String {
    var text = ""
    dump(value, to: &text)
    return text
  }

  /// What a simulator makes of a packet: everything that its caller can see.
  private func outcome(of arrival: Arrival, by simulator: Simulator) throws -> String {
    simulator.world.random = SeededRandom(seed: 2)
    let interface = try #require(simulator.host.interface(named: arrival.interface))
    var packet = arrival.packet
    let carriage = simulator.carry(&packet, on: interface)
    return "\(carriage.verdict) \(String(describing: carriage.frameDestination)) \(packet) \(String(describing: carriage.report))"
  }

  @Test("a packet fares after any other packet as it does in a simulator that has seen none")
  func packetsFareAlikeAfterEachOther() throws {
    let arrivals = try arrivals()
    let alone = try arrivals.map { try outcome(of: $0, by: simulator()) }
    #expect(Set(alone).count > 30)
    for distance in 1..<arrivals.count {
      let simulator = try simulator()
      // Each packet once, so that the fragments, connections and ports that the host keeps on purpose concern no other packet.
      var left = Set(arrivals.indices)
      var number = 0
      while !left.isEmpty {
        while !left.contains(number) { number = (number + 1) % arrivals.count }
        left.remove(number)
        let result = try outcome(of: arrivals[number], by: simulator)
        #expect(result == alone[number], "packet \(number) of distance \(distance)")
        // Hosts get a limited number of errors in a second.
        simulator.advance(nanoseconds: 2_000_000_000)
        number = (number + distance) % arrivals.count
      }
    }
  }

  @Test("between two events nothing of the last one is left", arguments: [FreshStateTests.rules, FreshStateTests.tracking])
  func eventsLeaveNothing(_ rules: String) throws {
    let simulator = try simulator(rules)
    let untouched = text(HostEvent())
    func expectNothingLeft(_ event: String) { #expect(text(simulator.event) == untouched, "after \(event)") }
    for (number, arrival) in try arrivals().enumerated() {
      _ = simulator.receive(arrival.packet, on: arrival.interface)
      expectNothingLeft("packet \(number), received")
      _ = try outcome(of: arrival, by: simulator)
      expectNothingLeft("packet \(number), carried")
      _ = simulator.send(arrival.packet)
      expectNothingLeft("packet \(number), sent")
      _ = simulator.sendThroughSocket(arrival.packet, by: LocalSender(), named: "socket")
      expectNothingLeft("packet \(number), sent through a socket")
    }
    for id in 1...20 as ClosedRange<UInt64> { _ = simulator.answer(id, QueueAnswer(.accept)) }
    expectNothingLeft("verdicts")
    _ = simulator.write(Array("x".utf8), to: "socket")
    expectNothingLeft("data")
    _ = simulator.close("socket")
    expectNothingLeft("the end of a socket")
    simulator.advance(nanoseconds: 60_000_000_000)
    expectNothingLeft("a minute")
    _ = simulator.receive(try udp(0), on: "nowhere")
    expectNothingLeft("a packet of no interface")
  }

  @Test("what a listener causes while a packet waits is reported apart")
  func eventsOfListenersAreApart() throws {
    let simulator = try simulator()
    let (rejected, logged) = (try udp(10), try udp(2))
    let interface = try #require(simulator.host.interface(named: "eth0"))
    var inner: [String] = []
    simulator.queues[3] = QueueListener { _ in
      var packet = rejected
      inner.append(text(simulator.carry(&packet, on: interface).report?.departures.map(\.interface)))
      inner.append(text(simulator.receive(logged, on: "eth0").packets.map(\.logs.count)))
      inner.append(text(simulator.write([], to: "nothing").error))
      inner.append(text(simulator.close("nothing").error))
      return QueueAnswer(.accept)
    }
    let report = simulator.receive(try udp(8), on: "eth0")
    #expect(report.verdict == .sent(output: "eth1") && report.error == nil)
    #expect(report.packets.map(\.queueStays.count) == [1] && report.departures.count == 1)
    #expect(
      inner == [
        text(["eth0"] as [String]?), text([1]), text(SendError.noSuchSocket as SendError?), text(SendError.noSuchSocket as SendError?),
      ])
  }
}
