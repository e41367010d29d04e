import Capture
import Conntrack
import Diagnostics
import Evaluator
import Extensions
import Kernel
import Scenarios
import Syntax
import Wire
import XTables

/// Packets and captures, and what a router does with them.
enum PacketEntries {
  static let all = [
    InputEntry("packet") { read(packets: $0) },
    InputEntry("helper") { read(conversation: $0) },
    InputEntry("capture") { read(capture: $0) },
  ]

  static func host() throws -> Host {
    let text = """
      interfaces:
        eth0: {addresses: [10.0.0.1/24, "fd00::1/64"]}
        eth1: {addresses: [10.0.1.1/24, "fd01::1/64"], mtu: 1400}
        eth2: {addresses: [198.51.100.1/24, "2001:db8::1/64"]}
      routes: [default via 198.51.100.254 dev eth2, "default via 2001:db8::fe dev eth2"]
      sysctls: {net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}
      sockets:
        - {name: web, proto: tcp, port: 80}
        - {name: dns, proto: udp, port: 53}
      """
    return try Host(yaml: SourceFile(name: "host", bytes: Array(text.utf8)))
  }

  /// A router of both families that tracks, translates and helps.
  static func simulator() throws -> Simulator {
    let simulator = try Simulator(host: host(), clock: 1_700_000_000_000_000_000, seed: 1)
    for ruleset in rulesets { try simulator.load(ruleset) }
    simulator.delivery = .stack
    return simulator
  }

  /// Lines that begin with `4:` are for IPv4 alone.
  private static let rules = """
    *raw
    -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
    -A PREROUTING -p udp --dport 69 -j CT --helper tftp
    -A PREROUTING -p udp --dport 5060 -j CT --helper sip
    -A PREROUTING -p tcp --dport 5060 -j CT --helper sip
    -A PREROUTING -p udp --dport 10080 -j CT --helper amanda
    -A PREROUTING -p tcp --dport 6566 -j CT --helper sane
    -A PREROUTING -p tcp --dport 1720 -j CT --helper Q.931
    -A PREROUTING -p udp --dport 1719 -j CT --helper RAS
    4:-A PREROUTING -p tcp --dport 6667 -j CT --helper irc
    4:-A PREROUTING -p tcp --dport 1723 -j CT --helper pptp
    4:-A PREROUTING -p udp --dport 161 -j CT --helper snmp
    4:-A PREROUTING -p udp --dport 162 -j CT --helper snmp_trap
    4:-A PREROUTING -p udp --dport 137 -j CT --helper netbios-ns
    COMMIT
    *mangle
    -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
    -A PREROUTING -p tcp --dport 81 -j TCPOPTSTRIP --strip-options timestamp
    -A PREROUTING -p tcp -m tcp --tcp-option 8 -m u32 --u32 "0>>22&0x3C@12>>26&0x3C@0=0x1:0xff" -j MARK --set-mark 1
    -A PREROUTING -m string --string "GET" --algo bm -j MARK --set-mark 2
    COMMIT
    *nat
    4:-A PREROUTING -i eth2 -p tcp -j DNAT --to-destination 10.0.1.2
    4:-A POSTROUTING -o eth1 -j SNAT --to-source 10.0.1.1
    -A POSTROUTING -o eth2 -j MASQUERADE
    COMMIT
    *filter
    -A FORWARD -p tcp --dport 82 -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
    -A FORWARD -p sctp -m sctp --chunk-types any DATA:Be -j ACCEPT
    -A FORWARD -p tcp --dport 22 -j REJECT --reject-with tcp-reset
    -A FORWARD -p udp --dport 22 -j REJECT
    4:-A FORWARD -m osf --genre Linux -j ACCEPT
    -A FORWARD -j LOG --log-ip-options --log-tcp-options --log-tcp-sequence --log-uid
    COMMIT

    """

  private static let rulesets: [Ruleset] = Family.allCases.map { family in
    let lines = rules.split(separator: "\n").compactMap { line in
      line.hasPrefix("4:") ? family == .ipv4 ? String(line.dropFirst(2)) : nil : String(line)
    }
    let parsed = RulesetEntries.parser(family).parse(SourceFile(name: "rules", bytes: Array((lines.joined(separator: "\n") + "\n").utf8)))
    precondition(!parsed.hasErrors, "\(parsed.diagnostics)")
    return parsed.ruleset
  }

  // MARK: Packets

  /// Packets, each behind a byte that says by which interface it comes and two with its length.
  private static func read(packets bytes: [UInt8]) {
    guard let simulator = try? simulator() else { return }
    var rest = bytes[...]
    var count = 0
    while rest.count > 3, count < 40 {
      let start = rest.startIndex
      let length = Int(rest[start + 1]) << 8 | Int(rest[start + 2])
      let packet = Packet(bytes: Array(rest[(start + 3)...].prefix(length)))
      let way = rest[start]
      rest = rest[(start + 3)...].dropFirst(length)
      count += 1
      let report = way & 4 == 0 ? simulator.receive(packet, on: "eth\(way % 3)") : simulator.send(packet)
      _ = report.text()
      _ = report.packets.map(\.packet.brief)
      simulator.advance(nanoseconds: UInt64(way) * 20_000_000)
    }
    for connection in simulator.connections() { _ = connection.extendedLine }
  }

  private static let controlPorts: [(IPProtocol, UInt16)] = [
    (.tcp, 21), (.udp, 69), (.udp, 5060), (.tcp, 5060), (.udp, 10080), (.tcp, 6566), (.tcp, 1720), (.udp, 1719), (.tcp, 6667), (.tcp, 1723),
    (.udp, 161), (.udp, 162), (.udp, 137),
  ]

  /// The payloads of a connection to a port with a helper: a byte for port and family, then payloads that end with `0xff 0x00`, in turn from
  /// either side.
  private static func read(conversation bytes: [UInt8]) {
    guard let first = bytes.first, let simulator = try? simulator() else { return }
    let (proto, port) = controlPorts[Int(first & 0x7f) % controlPorts.count]
    let ends: (String, String) = first & 0x80 == 0 ? ("10.0.0.9", "10.0.1.9") : ("fd00::9", "fd01::9")
    guard let client = IPAddress(ends.0), let server = IPAddress(ends.1) else { return }
    var talk = Talk(simulator, client: client, server: server, proto: proto, port: port)
    talk.open()
    for (index, payload) in bytes.dropFirst().split(separator: [0xff, 0x00], maxSplits: 12).enumerated() {
      talk.say(Array(payload), isReply: index % 2 == 1)
    }
    for expectation in simulator.expectations() { _ = "\(expectation)" }
  }

  /// One packet through a ruleset.
  static func carry(through ruleset: Ruleset) {
    guard let simulator = try? Simulator(host: host(), rulesets: [ruleset]), let packet = sample() else { return }
    _ = simulator.receive(packet, on: "eth0").text()
  }

  /// One packet past `-m set` and `-j SET` with such sets.
  static func carry(knowing sets: AddressSets) {
    let names = sets.names(over: .builtin)
    let lines = ["a", "hosts", "nets", "services"].map {
      "-A FORWARD -m set --match-set \($0) src,dst,src -j SET --add-set \($0) src,src,src --exist"
    }
    let text = "*filter\n" + lines.joined(separator: "\n") + "\nCOMMIT\n"
    let parsed = RulesetParser(registry: .ferrule, names: names, family: .ipv4).parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    guard let simulator = try? Simulator(host: host(), rulesets: [parsed.ruleset]), let packet = sample() else { return }
    simulator.world.addressSets = sets
    _ = simulator.receive(packet, on: "eth0")
  }

  /// One packet past a chain beside the rules.
  static func carry(passing rules: OtherChainRules) {
    guard let host = try? host(), let packet = sample() else { return }
    var chain = OtherChain(title: "inet t c", hook: "FORWARD", priority: 0, families: [.ipv4, .ipv6])
    chain.rules = rules
    host.otherChains = [chain]
    guard let simulator = try? Simulator(host: host) else { return }
    _ = simulator.receive(packet, on: "eth0").text()
  }

  static func carry(knowing fingerprints: OSFingerprints) {
    guard let simulator = try? simulator(), let packet = sample() else { return }
    simulator.world.fingerprints = fingerprints
    _ = simulator.receive(packet, on: "eth0")
  }

  private static func sample() -> Packet? {
    guard let source = IPAddress("10.0.0.9"), let destination = IPAddress("10.0.1.9") else { return nil }
    var fields = PacketFields(source, destination, proto: .tcp)
    (fields.sourcePort, fields.destinationPort, fields.tcpOptions) = (1000, 80, [2, 4, 5, 180, 1, 3, 3, 7])
    return try? fields.packet()
  }

  // MARK: Captures

  private static func read(capture bytes: [UInt8]) {
    guard let file = AnonymousFile(called: "capture"), (try? HostFile.write(bytes, to: file.path)) != nil,
      let capture = try? CaptureReader.read(path: file.path)
    else { return }
    guard let simulator = try? simulator() else { return }
    for frame in capture.frames.prefix(20) {
      if let packet = frame.packet { _ = simulator.receive(packet, on: "eth0") }
    }
  }
}

/// A connection of a client with a server through the router, whose packets are right but for their payloads.
private struct Talk {
  let simulator: Simulator
  let proto: IPProtocol
  private var ends: [PacketFields]

  init(_ simulator: Simulator, client: IPAddress, server: IPAddress, proto: IPProtocol, port: UInt16) {
    self.simulator = simulator
    self.proto = proto
    // Behind SNAT the server knows the client by the router's address.
    let seen = client.family == .ipv4 ? IPAddress("10.0.1.1") ?? client : client
    ends = [PacketFields(client, server, proto: proto), PacketFields(server, seen, proto: proto)]
    (ends[0].sourcePort, ends[0].destinationPort, ends[0].sequence) = (1500, port, 1000)
    (ends[1].sourcePort, ends[1].destinationPort, ends[1].sequence) = (port, 1500, 5000)
  }

  mutating func open() {
    guard proto == .tcp else { return }
    send(0, .syn)
    send(1, [.syn, .ack])
    send(0, .ack)
  }

  mutating func say(_ payload: [UInt8], isReply: Bool) {
    let side = isReply ? 1 : 0
    ends[side].payload = Array(payload.prefix(1300))
    send(side, [.psh, .ack])
    ends[side].payload = []
  }

  private mutating func send(_ side: Int, _ flags: TCPFlags) {
    ends[side].tcpFlags = flags
    ends[side].acknowledgment = flags.contains(.ack) ? ends[1 - side].sequence : 0
    if let packet = try? ends[side].packet() { _ = simulator.receive(packet, on: "eth\(side)") }
    ends[side].sequence &+= UInt32(ends[side].payload.count) &+ (flags.contains(.syn) ? 1 : 0)
  }
}
