import Conntrack
import Diagnostics
import Extensions
import Netfilter
import Notation
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Evaluator

@Suite("Ways that later packets of connections go")
struct KnownWayTests {
  /// Rules that read only what the packets of a connection share, and at some ports each kind of what they do not.
  private static let mangle = """
    *mangle
    -A PREROUTING -p tcp --dport 81 -m dscp --dscp 4 -j MARK --set-mark 7
    -A FORWARD -p tcp --dport 82 -j TTL --ttl-set 9
    -A POSTROUTING -p udp -m length --length 100: -m comment --comment long
    COMMIT

    """
  private static let nat = """
    *nat
    -A PREROUTING -i eth0 -p tcp --dport 81 -j DNAT --to-destination 10.0.1.10:8081
    -A PREROUTING -i eth0 -p udp --dport 80 -j DNAT --to-destination 10.0.1.10
    -A POSTROUTING -o eth1 -p tcp --dport 83 -j SNAT --to-source 10.0.1.77
    -A POSTROUTING -o eth1 -p tcp --dport 80 -j MASQUERADE
    -A POSTROUTING -o eth1 -p tcp --dport 8081 -j MASQUERADE
    COMMIT

    """
  private static let filter = """
    *filter
    :FORWARD DROP
    :own - [0:0]
    -A FORWARD -m conntrack --ctstate INVALID -j DROP
    -A FORWARD -p tcp --dport 84 -m tcp ! --tcp-flags FIN,SYN,RST,ACK ACK -m comment --comment flags
    -A FORWARD -p tcp --dport 85 -m statistic --mode nth --every 3 --packet 0 -j DROP
    -A FORWARD -p tcp --dport 86 -m connmark --mark 0/1 -j own
    -A FORWARD -p tcp -m tcp --sport 2000:30000 --dport 87 -m comment --comment source
    -A FORWARD -m tos --tos 0x10 -j own
    -A FORWARD -p udp -j own
    -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -i eth0 -o eth1 -m conntrack --ctstate NEW -j ACCEPT
    -A own -p tcp -m multiport --dports 80,86 -j RETURN
    -A own -d 10.0.0.0/23 -j ACCEPT
    COMMIT

    """
  /// Without translation, connections that begin go known ways too.
  static func rules(translating: Bool) -> String { mangle + (translating ? nat : "") + filter }
  private static let others = "*filter\n:FORWARD ACCEPT\n-A FORWARD -p tcp --dport 80 -j DROP\nCOMMIT\n"

  private static func ruleset(_ text: String) throws -> Ruleset {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    try #require(!parsed.hasErrors, "\(parsed.diagnostics.map(\.message))")
    return parsed.ruleset
  }

  static func simulator(_ text: String) throws -> Simulator {
    try Simulator(host: Host(yaml: SimulatorTests.host), rulesets: [try ruleset(text)], clock: 1_000_000_000, seed: 1)
  }

  /// The ends of a translated connection as the server sees them; nil for a port that is not translated.
  private static func translated(_ port: UInt16, _ proto: IPProtocol) -> (server: (IPv4Address, UInt16), client: IPv4Address)? {
    switch (proto, port) {
    case (.tcp, 80): ((IPv4Address(10, 0, 1, 9), 80), IPv4Address(10, 0, 1, 1))
    case (.tcp, 81): ((IPv4Address(10, 0, 1, 10), 8081), IPv4Address(10, 0, 1, 1))
    case (.tcp, 83): ((IPv4Address(10, 0, 1, 9), 83), IPv4Address(10, 0, 1, 77))
    case (.udp, 80): ((IPv4Address(10, 0, 1, 10), 80), IPv4Address(10, 0, 0, 9))
    default: nil
    }
  }

  /// A packet of one of a few connections: mostly one that continues it.
  ///
  /// - Parameter translating: whether most answers are such to packets that ``nat`` has translated.
  static func packet(_ random: inout SeededRandom, translating: Bool = false) throws -> (packet: Packet, interface: String) {
    func rarely(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &random) == 0 }
    let isForward = Bool.random(using: &random)
    let (client, server) = (IPAddress.v4(IPv4Address(10, 0, 0, 9)), IPAddress.v4(IPv4Address(10, 0, 1, 9)))
    let proto: IPProtocol = rarely(3) ? .udp : .tcp
    let port = UInt16.random(in: 80...87, using: &random)
    // Few ports for connections with many packets, and many for connections that begin.
    let client16 = rarely(4) ? UInt16.random(in: 2000...60_000, using: &random) : UInt16.random(in: 1000...1001, using: &random)
    var fields = PacketFields(client, server, proto: proto)
    (fields.sourcePort, fields.destinationPort) = (client16, port)
    if !isForward {
      let ends = translating && !rarely(4) ? Self.translated(port, proto) : nil
      let (address, answering) = ends?.server ?? (IPv4Address(10, 0, 1, 9), port)
      fields = PacketFields(.v4(address), ends.map { .v4($0.client) } ?? client, proto: proto)
      (fields.sourcePort, fields.destinationPort) = (answering, client16)
    }
    let isOpening = rarely(12)
    fields.tcpFlags = isOpening ? (isForward ? .syn : [.syn, .ack]) : rarely(40) ? .rst : rarely(3) ? [.psh, .ack] : .ack
    fields.sequence = isOpening ? 1 : 2
    fields.acknowledgment = isOpening && isForward ? 0 : 2
    fields.tos = rarely(5) ? 0x10 : 0
    fields.ttl = rarely(30) ? 1 : rarely(2) ? 64 : 63
    fields.payload = [UInt8](repeating: 1, count: rarely(30) ? 2000 : [0, 4, 40, 90].randomElement(using: &random) ?? 0)
    fields.hasBadChecksum = rarely(40)
    if rarely(40) { fields.ipOptions = [1, 1, 1, 0] }
    if rarely(40) { fields.fragment = PacketFields.Fragment(offset: 0, length: 8, moreFragments: true) }
    var packet = try fields.packet()
    if rarely(40) { packet.bytes.append(0) }
    if rarely(40) { packet.bytes[10] ^= 1 }
    return (packet, rarely(60) ? "eth0" : isForward ? "eth0" : "eth1")
  }

  @Test("packets on known ways fare as packets whose paths are recorded, while rules and host change", arguments: [false, true])
  func packetsOnKnownWaysFareAsRecordedOnes(translating: Bool) throws {
    let rules = Self.rules(translating: translating)
    let (recorded, carried) = (try Self.simulator(rules), try Self.simulator(rules))
    recorded.recordsTrace = true
    var hits = HitLog()
    var random = SeededRandom(seed: 22)
    var (sent, most) = (0, 0)
    for round in 0..<8000 {
      for simulator in [recorded, carried] {
        switch round {
        case 2000: try simulator.configure(ipCommand: "route add 10.0.1.9/32 via 10.0.1.5 dev eth1")
        case 2400: try simulator.configure(ipCommand: "neighbour add 10.0.1.5 lladdr 02:00:00:00:00:55 dev eth1")
        case 2800: simulator.host.sysctls["net.ipv4.ip_forward"] = 0
        case 2850: simulator.host.sysctls["net.ipv4.ip_forward"] = 1
        case 3600: try simulator.load(try Self.ruleset(Self.others))
        case 4000: try simulator.load(try Self.ruleset(rules))
        case 4800: try simulator.configure(ipCommand: "link set eth1 mtu 100")
        case 5200: try simulator.configure(ipCommand: "link set eth1 mtu 1500")
        default: break
        }
      }
      let (packet, name) = try Self.packet(&random, translating: translating)
      let interface = try #require(carried.host.interface(named: name))
      let report = recorded.receive(packet, on: name)
      var copy = packet
      let carriage = round % 2 == 0 ? carried.carry(&copy, on: interface, noting: &hits) : carried.carry(&copy, on: interface)
      #expect(withoutRule(report.verdict) == carriage.verdict, "packet \(round)")
      if carriage.frameDestination != nil {
        let own = try #require(report.departures.last)
        #expect(own.packet == copy && own.destination == carriage.frameDestination, "packet \(round)")
        sent += 1
      } else {
        #expect(report.departures == carriage.report?.departures ?? [], "packet \(round)")
      }
      if round % 2 == 0 {
        #expect(hits.hits.map { carried.step(of: $0) } == report.packets[0].steps, "packet \(round)")
        #expect(hits.isInvalid == (report.packets[0].tracking?.isInvalid == true), "packet \(round)")
      }
      most = max(most, carried.wayCount)
      let pause = UInt64.random(in: 0..<200_000_000, using: &random)
      recorded.advance(nanoseconds: pause)
      carried.advance(nanoseconds: pause)
      if round % 400 == 399 {
        #expect(carried.connections().map(\.extendedLine) == recorded.connections().map(\.extendedLine), "packet \(round)")
        #expect(carried.counters == recorded.counters, "packet \(round)")
      }
    }
    #expect(sent > 2000 && most >= 6)
  }

  private func withoutRule(_ verdict: PacketVerdict) -> PacketVerdict {
    if case .dropped(let hook, _, let reason) = verdict { .dropped(at: hook, by: nil, because: reason) } else { verdict }
  }

  @Test("what a rule reads of one packet, or changes, keeps others off its way")
  func onlyRepeatableWaysAreKept() throws {
    let accept = "-A FORWARD -j ACCEPT"
    let cases: [(rule: String, isKept: Bool)] = [
      ("-A FORWARD -p tcp -m tcp --dport 80 -m comment --comment x", true), ("-A FORWARD -p tcp ! --syn", true),
      ("-A FORWARD -m ttl --ttl-lt 9", false), ("-A FORWARD -m length --length 0:9", false), ("-A FORWARD -m connmark --mark 1", false),
      ("-A FORWARD -m limit --limit 1/s", false), ("-A FORWARD -m mac --mac-source 02:00:00:00:00:01", false),
      ("-A FORWARD -j MARK --set-mark 1", false), ("-A FORWARD -p tcp -m tcp --tcp-option 5", false),
      ("-A FORWARD -p udp -m limit --limit 1/s", true),
    ]
    for (rule, isKept) in cases {
      let simulator = try Self.simulator("*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\n\(rule)\n\(accept)\nCOMMIT\n")
      for (isForward, flags) in [(true, TCPFlags.syn), (false, [.syn, .ack]), (true, .ack), (true, .ack), (false, .ack)] {
        let (client, server) = (IPAddress.v4(IPv4Address(10, 0, 0, 9)), IPAddress.v4(IPv4Address(10, 0, 1, 9)))
        var fields = isForward ? PacketFields(client, server, proto: .tcp) : PacketFields(server, client, proto: .tcp)
        (fields.sourcePort, fields.destinationPort) = isForward ? (1000, 80) : (80, 1000)
        fields.tcpFlags = flags
        fields.sequence = flags.contains(.syn) ? 1 : 2
        fields.acknowledgment = flags == .syn ? 0 : 2
        var packet = try fields.packet()
        let interface = try #require(simulator.host.interface(named: isForward ? "eth0" : "eth1"))
        #expect(simulator.carry(&packet, on: interface).verdict == .sent(output: isForward ? "eth1" : "eth0"), "\(rule)")
      }
      #expect((simulator.wayCount > 0) == isKept, "\(rule)")
    }
  }

  @Test("a connection that begins goes the way of one with another source port, unless a rule may tell the two apart")
  func beginningsShareWays() throws {
    let accept = "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT"
    // Of a chain with an index, it is not known which rules it has read.
    let long = (0..<70).map { "-A FORWARD -s 192.168.\($0).0/24 -j DROP\n" }.joined()
    let cases: [(rules: String, isShared: Bool)] = [
      ("-A FORWARD -p tcp -m tcp --dport 81 -j DROP", true), (long, true), (long + "-A FORWARD -p udp -m udp --sport 53 -j DROP", false),
      ("-A FORWARD -p tcp -m tcp --sport 81 -j DROP", false), ("-A FORWARD -p udp -m udp --sport 53 -j DROP", true),
      ("-A FORWARD -m multiport -p tcp --ports 81,82 -j DROP", false), ("-A FORWARD -m limit --limit 1/s", false),
      ("COMMIT\n*nat\n-A POSTROUTING -p udp -j MASQUERADE\nCOMMIT\n*filter", false),
    ]
    for (rules, isShared) in cases {
      let simulator = try Simulator(
        host: Host(yaml: SimulatorTests.host), rulesets: [try Self.ruleset("*filter\n\(rules)\n\(accept)\nCOMMIT\n")], indexing: .always)
      for port in UInt16(1000)..<1006 {
        var fields = PacketFields(.v4(IPv4Address(10, 0, 0, 9)), .v4(IPv4Address(10, 0, 1, 9)), proto: .tcp)
        (fields.sourcePort, fields.destinationPort, fields.tcpFlags) = (port, 80, .syn)
        var packet = try fields.packet()
        let interface = try #require(simulator.host.interface(named: "eth0"))
        #expect(simulator.carry(&packet, on: interface).verdict == .sent(output: "eth1"), "\(rules)")
      }
      #expect((simulator.wayCount > 0) == isShared, "\(rules)")
      #expect(simulator.connections().count == 6 && simulator.counters.joined().contains { $0.packets == 6 }, "\(rules)")
    }
  }
}
