import Conntrack
import Diagnostics
import Documents
import Extensions
import Kernel
import KernelLab
import Lab
import Netfilter
import Scenarios
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// What a target does to a packet, against what the running kernel does to the same one.
@Suite(.asRoot, .serialized) struct TargetActionTests {
  /// A rule, and packets that come in by eth0 for a host behind eth1.
  struct Case: Sendable {
    let table: TableName
    let hook: Hook
    let rule: String
    let family: Family
    let packets: [String]

    init(_ table: TableName, _ hook: Hook, _ rule: String, _ packets: String..., family: Family = .ipv4) {
      (self.table, self.hook, self.rule, self.family, self.packets) = (table, hook, rule, family, packets)
    }
  }

  static let udp = #""proto": "udp", "sport": 1000, "dport": 53, "payload": "hello""#
  static let syn = #""proto": "tcp", "sport": 1000, "dport": 80, "flags": "S", "seq": 100"#
  static let mss = #", "opts": "020405b40101080a0000000100000000""#

  static let cases: [Case] = [
    Case(.mangle, .postrouting, "-j TTL --ttl-set 9", udp), Case(.mangle, .postrouting, "-j TTL --ttl-inc 250", udp),
    Case(.mangle, .postrouting, "-j TTL --ttl-dec 60", udp), Case(.mangle, .postrouting, "-j TTL --ttl-dec 63", udp),
    Case(.mangle, .forward, "-j TOS --set-tos 0x55/0x0f", udp + #", "tos": 255"#, udp),
    Case(.mangle, .forward, "-j DSCP --set-dscp 10", udp + #", "tos": 255"#, udp),
    Case(.mangle, .forward, "-p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 --ecn-ip-ect 2", syn, syn + #", "tos": 3"#),
    Case(.mangle, .forward, "-p tcp -j ECN --ecn-tcp-remove", syn.replacing(#""S""#, with: #""SEC""#)),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --set-mss 1200", syn, syn + mss, syn + #", "payload": "x""#),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --set-mss 1200", syn + #", "opts": "01020405b4010101""#),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --set-mss 100", syn),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", syn, syn + #", "opts": "020423f0""#),
    Case(.mangle, .forward, "-p tcp -j TCPOPTSTRIP --strip-options timestamp", syn + mss),
    Case(.mangle, .forward, "-p tcp -j TCPOPTSTRIP --strip-options 2", syn + #", "opts": "01020405b4010101""#),
    Case(.mangle, .forward, "-j MARK --set-mark 7", udp), Case(.mangle, .forward, "-j CHECKSUM --checksum-fill", udp),
    Case(.mangle, .forward, "-j HMARK --hmark-tuple src,dst,sport,dport,proto --hmark-mod 1000 --hmark-rnd 99 --hmark-offset 5", udp, syn),
    Case(.mangle, .forward, "-j HMARK --hmark-src-prefix 24 --hmark-mod 4096 --hmark-rnd 3", udp),
    Case(
      .mangle, .forward, "-j HMARK --hmark-tuple src,dst,sport --hmark-mod 4096 --hmark-rnd 3",
      #""proto": "icmp", "type": 3, "code": 1, "inner": {"src": "10.0.1.9", "dst": "10.0.0.9", "proto": "udp", "sport": 9, "dport": 8}"#),
    Case(.mangle, .forward, "-j TEE --gateway 10.0.1.77", udp), Case(.mangle, .prerouting, "-j TEE --gateway 10.0.1.77", udp),
    Case(.filter, .forward, "-j REJECT", udp, udp + #", "tos": 255"#, udp + #", "badsum": true"#, udp + #", "nosum": true"#),
    Case(.filter, .forward, "-j REJECT --reject-with icmp-net-unreachable", udp + #", "frag": {"off": 0, "len": 8, "mf": true}"#),
    Case(.filter, .forward, "-j REJECT --reject-with icmp-host-prohibited", udp + #", "frag": {"off": 8, "len": 8, "mf": false}"#),
    Case(
      .filter, .forward, "-j REJECT --reject-with icmp-admin-prohibited", #""proto": "icmp", "type": 8"#, #""proto": "icmp", "type": 9"#,
      #""proto": "icmp", "type": 13"#, #""proto": "icmp", "type": 19"#),
    Case(
      .filter, .forward, "-j REJECT --reject-with icmp-proto-unreachable", #""proto": 200, "l4": "0102""#, #""proto": 200, "l4": "0000""#),
    Case(
      .filter, .forward, "-j REJECT --reject-with icmp-net-prohibited",
      #""proto": "icmp", "type": 3, "code": 1, "inner": {"src": "10.0.1.9", "dst": "10.0.0.9", "proto": "udp", "sport": 9, "dport": 8}"#),
    Case(.filter, .forward, "-p udp -j REJECT --reject-with icmp-host-unreachable", #""proto": "udp", "payload": {"len": 900}"#),
    Case(
      .filter, .forward, "-p tcp -j REJECT --reject-with tcp-reset", syn, syn + #", "payload": "abc""#,
      syn.replacing(#""S""#, with: #""FA", "ack": 77"#), syn.replacing(#""S""#, with: #""F""#), syn.replacing(#""S""#, with: #""R""#),
      syn + #", "badsum": true"#),
    Case(
      .filter, .forward, "-p tcp -j SYNPROXY --mss 1460 --wscale 7 --timestamp --sack-perm --ecn", syn + mss, syn,
      syn.replacing(#""S""#, with: #""SEC""#) + #", "opts": "020405b40402080a00000009000000000103030a""#),
    Case(.mangle, .postrouting, "-j HL --hl-dec 60", udp, family: .ipv6),
    Case(.mangle, .postrouting, "-j HL --hl-inc 255", udp, family: .ipv6),
    Case(.mangle, .forward, "-j TOS --or-tos 0x0c", udp + #", "tos": 3"#, family: .ipv6),
    Case(.mangle, .forward, "-j DSCP --set-dscp-class EF", udp + #", "tos": 255"#, family: .ipv6),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --set-mss 1300", syn, syn + mss, family: .ipv6),
    Case(.mangle, .forward, "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", syn, syn + mss, family: .ipv6),
    Case(.mangle, .forward, "-j HMARK --hmark-tuple src,dst,sport,dport --hmark-mod 1000 --hmark-rnd 5", udp, family: .ipv6),
    Case(.mangle, .forward, "-j TEE --gateway fd01::77", udp, family: .ipv6),
    Case(.mangle, .postrouting, "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8:1:2::/64", udp, syn, family: .ipv6),
    Case(.mangle, .postrouting, "-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8:ffff::/48", udp, family: .ipv6),
    Case(.mangle, .prerouting, "-j DNPT --src-pfx fd01::/64 --dst-pfx fd01::/56", udp, family: .ipv6),
    Case(.filter, .forward, "-j REJECT", udp, udp + #", "tos": 255"#, udp + #", "badsum": true"#, family: .ipv6),
    Case(.filter, .forward, "-j REJECT --reject-with icmp6-adm-prohibited", #""proto": "udp", "payload": {"len": 1400}"#, family: .ipv6),
    Case(
      .filter, .forward, "-j REJECT --reject-with icmp6-policy-fail", #""proto": "icmpv6", "type": 128"#, #""proto": "icmpv6", "type": 1"#,
      #""proto": 200, "l4": "0102""#, family: .ipv6),
    Case(.filter, .forward, "-j REJECT --reject-with icmp6-reject-route", udp, family: .ipv6),
    Case(
      .filter, .forward, "-p tcp -j REJECT --reject-with tcp-reset", syn, syn.replacing(#""S""#, with: #""A", "ack": 77"#), family: .ipv6),
  ]

  @Test(arguments: cases) func actsAsTheKernelDoes(_ test: Case) throws {
    let text = "*\(test.table.rawValue)\n-A \(test.hook.name) \(test.rule)\nCOMMIT\n"
    let isIPv4 = test.family == .ipv4
    let topology =
      isIPv4
      ? #"{"ifaces": {"eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}}"#
      : #"{"ifaces": {"eth0": ["fd00::1/64"], "eth1": ["fd01::1/64"]}}"#
    let ends = isIPv4 ? #""src": "10.0.0.9", "dst": "10.0.1.9""# : #""src": "fd00::9", "dst": "fd01::9""#
    let steps = test.packets.map { #"{"in": "eth0", \#(ends), \#($0)}"# }.joined(separator: ", ")
    let rules = JSONValue.string(text).description
    let answer = KernelLab(registry: .ferrule).answer(
      try Scenario(
        line: #"{"name": "target", "\#(isIPv4 ? "rules" : "rules6")": \#(rules), "topology": \#(topology), "steps": [\#(steps)]}"#))
    try #require(answer.error == nil, "\(answer.error ?? "")")

    let parsed = RulesetParser(registry: .ferrule, names: .builtin, family: test.family)
      .parse(SourceFile(name: "rules", bytes: Array(text.utf8)))
    let rule = try #require(parsed.ruleset.tables.first?[chain: test.hook.name]?.rules.first)
    guard case .use(let use) = rule.target, case .target(let behaviour) = use.descriptor.behaviour else {
      Issue.record("no target")
      return
    }
    let act = behaviour.action(use.payload)
    let host = Topology(test.family)
    let world = World(now: 1_700_000_000_000_000_000, random: SeededRandom(seed: 1), host: host)
    world.conntrack = ConntrackTable(seed: 1)
    for (step, packet) in zip(answer.steps, test.packets) {
      guard case .frame(_, let bytes) = step.injected else {
        Issue.record("nothing was sent")
        return
      }
      var context = PacketContext(packet: Packet(bytes: bytes), family: test.family, hook: test.hook, world: world)
      if test.hook != .prerouting { context.packet.setTTL((context.packet.ttl ?? 1) - 1) }
      if test.hook != .postrouting { context.input = host.ways[0].interface }
      if test.hook != .prerouting { context.output = host.ways[1].interface }
      // A rule may ask for a protocol that a packet is not of.
      if rule.header.protocolNumber != 0 { #expect(context.packet.transport?.proto.rawValue == rule.header.protocolNumber) }
      let outcome = act(&context)
      if test.hook == .prerouting { context.packet.setTTL((context.packet.ttl ?? 1) - 1) }
      var expected: [[UInt8]] = []
      for effect in context.effects {
        switch effect {
        case .reply(let reply, _), .send(let reply, _): expected.append(reply.bytes)
        case .duplicate(let copy, _, _): expected.append(copy.bytes)
        default: break
        }
      }
      if outcome == .proceed || outcome == .pause || outcome == TargetOutcome.verdict(.accept) { expected.append(context.packet.bytes) }
      let ours = expected.map(Self.masked).sorted()
      let theirs = step.egress.map { Self.masked($0.packet) }.sorted()
      #expect(ours == theirs, "\(test.rule) of \(packet) (\(outcome))")
      if context.mark != 0 || step.packets.first?.mark ?? 0 != 0 {
        #expect(step.packets.first?.mark == context.mark, "\(test.rule) of \(packet)")
      }
    }
  }

  /// Without what the kernel chooses in secret: identification, flow label, a SYN proxy's sequence number and timestamp.
  static func masked(_ bytes: [UInt8]) -> String {
    var packet = Packet(bytes: bytes)
    guard let transport = packet.transport else { return Hex.string(bytes) }
    if packet.family == .ipv4, packet.ipv4?.dontFragment == false, transport.proto == .icmp {
      packet.bytes.setUInt16(0, at: IPv4Header.Offset.identification)
      packet.updateHeaderChecksum()
    }
    if packet.family == .ipv6, transport.proto == .icmpv6 {
      packet.bytes.setUInt16((packet.bytes.uint16(at: 0) ?? 0) & 0xfff0, at: 0)
      packet.bytes.setUInt16(0, at: 2)
    }
    if let tcp = packet.tcp, tcp.flags.isSuperset(of: [.syn, .ack]) {
      for option in tcp.options(in: packet.bytes, at: transport.offset) where option.kind == TCPOptionKind.timestamps {
        packet.bytes.setUInt32((packet.bytes.uint32(at: option.offset + 2) ?? 0) & 0x3f, at: option.offset + 2)
      }
      packet.bytes.setUInt32(0, at: transport.offset + TCPHeader.Offset.sequence)
      packet.bytes.setUInt16(0, at: transport.offset + TCPHeader.Offset.checksum)
    }
    return Hex.string(packet.bytes)
  }
}

/// Two interfaces and the networks behind them.
private final class Topology: HostModel {
  struct Way {
    let interface: Interface
    let address: IPAddress
    let network: UInt128
  }

  let ways: [Way]
  private let hostBits: UInt128

  init(_ family: Family) {
    hostBits = family == .ipv4 ? 8 : 64
    let texts = family == .ipv4 ? ["10.0.0.1", "10.0.1.1"] : ["fd00::1", "fd01::1"]
    ways = texts.enumerated().compactMap { [hostBits] index, text in
      IPAddress(text).map {
        Way(interface: Interface(index: Int32(index + 2), name: "eth\(index)"), address: $0, network: $0.bits >> hostBits)
      }
    }
  }

  func holds(_ address: IPAddress) -> Bool { ways.contains { $0.address == address } }
  func addressType(_ address: IPAddress, on interface: Interface?) -> AddressType? {
    ways.contains { $0.address == address } ? .local : .unicast
  }

  func route(to destination: IPAddress, from source: IPAddress?, mark: UInt32, input: Interface?, output: Interface?) -> RouteAnswer? {
    guard let way = ways.first(where: { $0.network == destination.bits >> hostBits }) else { return nil }
    return RouteAnswer(type: .unicast, output: way.interface, gateway: nil, preferredSource: way.address)
  }

  func interface(named name: String) -> Interface? { ways.first { $0.interface.name == name }?.interface }

  func addresses(of interface: Interface, _ family: Family) -> [IPAddress]? {
    ways.filter { $0.interface == interface }.map(\.address)
  }

  func sourceAddress(through interface: Interface, to near: IPAddress, onLink: Bool) -> SourceAddress {
    ways.first { $0.interface == interface }.map { .address($0.address) } ?? .none
  }

  func socket(for packet: Packet, _ input: Interface?) -> SocketAnswer { .none }
  func sysctl(_ name: String) -> Int? { nil }
}
