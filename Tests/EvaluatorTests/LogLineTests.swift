import Conntrack
import Diagnostics
import Extensions
import Syntax
import TestSupport
import Testing
import Wire
import XTables

@testable import Evaluator

/// The lines of the kernel log, word for word.
@Suite struct LogLineTests {
  struct Case: Sendable {
    let rule: String
    let packet: PacketFields
    let line: String
  }

  static let ends = "IN=eth0 OUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.0.0.9 DST=10.0.1.9 "

  static func fields(_ proto: IPProtocol, _ change: (inout PacketFields) -> Void = { _ in }) -> PacketFields {
    var fields = PacketFields(.v4(IPv4Address(10, 0, 0, 9)), .v4(IPv4Address(10, 0, 1, 9)), proto: proto)
    (fields.sourcePort, fields.destinationPort) = (1000, 80)
    fields.identification = 7
    change(&fields)
    return fields
  }

  static let quoted = (try? fields(.udp).packet().bytes) ?? []

  static let cases: [Case] = [
    Case(
      rule: "", packet: fields(.tcp) { ($0.dontFragment, $0.tos) = (true, 0xb8) },
      line: ends + "LEN=40 TOS=0x18 PREC=0xA0 TTL=63 ID=7 DF PROTO=TCP SPT=1000 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0 "),
    Case(
      rule: "--log-tcp-sequence --log-tcp-options",
      packet: fields(.tcp) {
        ($0.tcpOptions, $0.sequence, $0.acknowledgment, $0.tcpFlags) = ([2, 4, 5, 0xb4], 5, 6, [.cwr, .ece, .ack, .psh])
      },
      line: ends
        + "LEN=44 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=TCP SPT=1000 DPT=80 SEQ=5 ACK=6 WINDOW=65535 RES=0x00 CWR ECE ACK PSH URGP=0 OPT (020405B4) "
    ),
    Case(
      rule: "--log-macdecode", packet: fields(.udp) { $0.payload = [1, 2] },
      line: "IN=eth0 OUT=eth1 MACSRC=02:00:00:00:00:02 MACDST=02:00:00:00:00:01 MACPROTO=0800 SRC=10.0.0.9 DST=10.0.1.9 "
        + "LEN=30 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=UDP SPT=1000 DPT=80 LEN=10 "),
    Case(
      rule: "--log-ip-options", packet: fields(.icmp) { $0.ipOptions = [0x94, 4, 0, 0] },
      line: ends + "LEN=32 TOS=0x00 PREC=0x00 TTL=63 ID=7 OPT (94040000) PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 "),
    Case(
      rule: "", packet: fields(.icmp) { ($0.icmpType, $0.icmpCode, $0.mtu, $0.quoted) = (3, 4, 1400, quoted) },
      line: ends
        + "LEN=56 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=ICMP TYPE=3 CODE=4 [SRC=10.0.0.9 DST=10.0.1.9 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=7 PROTO=UDP SPT=1000 DPT=80 LEN=8 ] MTU=1400 "
    ),
    Case(
      rule: "",
      packet: fields(.udp) { ($0.fragment, $0.payload) = (.init(offset: 8, moreFragments: true), [UInt8](repeating: 1, count: 16)) },
      line: ends + "LEN=36 TOS=0x00 PREC=0x00 TTL=63 ID=7 MF FRAG:1 PROTO=UDP "),
    Case(rule: "", packet: fields(200), line: ends + "LEN=20 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=200 "),
  ]

  @Test(arguments: cases) func aLogLineIsTheKernels(_ test: Case) throws {
    let logs = try logs("*filter\n-A FORWARD -j LOG --log-prefix \"P: \" --log-level 6 \(test.rule)\nCOMMIT\n", test.packet)
    #expect(logs == [.line(level: 6, text: "P: " + test.line)])
  }

  @Test func traceTellsEveryRule() throws {
    let rules =
      "*raw\n-A PREROUTING -j TRACE\nCOMMIT\n*filter\n:a - [0:0]\n-A FORWARD -p udp -j a\n-A FORWARD -j ACCEPT\n-A a -p tcp -j DROP\nCOMMIT\n"
    let lines = try logs(rules, Self.fields(.udp)).compactMap { log -> String? in
      guard case .line(4, let text) = log else { return nil }
      return text.split(separator: " ").prefix(2).joined(separator: " ")
    }
    #expect(
      lines == [
        "TRACE: raw:PREROUTING:policy:2", "TRACE: filter:FORWARD:rule:1", "TRACE: filter:a:return:2", "TRACE: filter:FORWARD:policy:2",
      ])
  }

  /// Whatever a rule's genre is, what looks like a fingerprint is told, in a line of its own before the packet's.
  @Test func fingerprintsAreTold() throws {
    let rules = "*filter\n-A FORWARD -p tcp -m osf --genre None --log 0 --ttl 2\nCOMMIT\n"
    let known = try OSFingerprints(text: "S4:64:0:44:M*:Penguin:2:x:details\n%5:70:0:44:M*:Other:1::\nS4:64:0:44:M*:Penguin:2:x:twice\n")
    let packet = Self.fields(.tcp) { ($0.tcpOptions, $0.tcpFlags, $0.window, $0.sequence) = ([2, 4, 5, 0xb4], .syn, 5840, 5) }
    let rest =
      Self.ends
      + "LEN=44 TOS=0x00 PREC=0x00 TTL=63 ID=7 PROTO=TCP SPT=1000 DPT=80 SEQ=5 ACK=0 WINDOW=5840 RES=0x00 SYN URGP=0 OPT (020405B4) "
    #expect(
      try logs(rules, packet, known) == [
        .line(level: 5, text: "Penguin [2:x] : 10.0.0.9:1000 -> 10.0.1.9:80 hops=1\n" + rest),
        .line(level: 5, text: "Other [1:] : 10.0.0.9:1000 -> 10.0.1.9:80 hops=7\n" + rest),
      ])
    let strange = try logs(rules, Self.fields(.tcp) { $0.tcpFlags = .syn }, known)
    guard case .line(5, let text) = strange.first, strange.count == 1 else {
      Issue.record("\(strange)")
      return
    }
    #expect(text.hasPrefix("Remote OS is not known: 10.0.0.9:1000 -> 10.0.1.9:80\nIN=eth0 OUT=eth1 "))
  }

  private func logs(_ rules: String, _ fields: PacketFields, _ known: OSFingerprints? = nil) throws -> [LogRecord] {
    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: .ipv4)
      .parse(SourceFile(name: "rules", bytes: Array(rules.utf8)))
    let host = try Host(
      yaml:
        "interfaces:\n  eth0: {addresses: [10.0.0.1/24], mac: \"02:00:00:00:00:01\"}\n  eth1: {addresses: [10.0.1.1/24]}\nroutes: []\nsysctls: {net.ipv4.ip_forward: 1}\n"
    )
    let simulator = try Simulator(host: host, rulesets: [parsed.ruleset])
    simulator.world.fingerprints = known
    var packet = try fields.packet()
    packet.link = LinkHeader(
      source: MACAddress(rawValue: 0x02_00_00_00_00_02), destination: MACAddress(rawValue: 0x02_00_00_00_00_01), etherType: 0x0800)
    return try #require(simulator.receive(packet, on: "eth0").packets.first).logs
  }
}
