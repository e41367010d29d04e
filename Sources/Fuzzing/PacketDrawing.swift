import Documents
import Netfilter
import Wire
import XTables

/// Draws packets at the edges of what rules match, alone and in short conversations.
struct PacketDrawing {
  let host: FuzzHost
  var draw: Draw
  let rules: [RuleDemands]
  /// True if fragments may be drawn. A namespace cannot be reused after fragments.
  let drawsFragments: Bool

  init(_ drawn: DrawnRuleset, host: FuzzHost, drawsFragments: Bool, seed: UInt64) {
    self.host = host
    self.drawsFragments = drawsFragments
    var draw = Draw(seed: seed)
    rules = drawn.ruleset.tables.flatMap { table in
      table.chains.flatMap { chain in chain.rules.map { RuleDemands($0, chain: chain, table: table, draw: &draw) } }
    }
    self.draw = draw
  }

  private static let ports: [UInt16] = [53, 80, 81, 79, 1000, 1001, 5300, 0, 65535]

  /// The fields that ``blank(for:)`` sets.
  private static let drawnFirst: Set<Field> = [.protocolNumber, .inputInterface, .outputInterface, .isLaterFragment]
  /// The length in bytes of the longest datagram drawn.
  private static let longest: UInt128 = 1828

  /// True for a port that is drawn or named by rules.
  static func knows(_ port: UInt16) -> Bool { ports.contains(port) || port == 4000 || port == 8080 }

  /// Draws a packet. Most packets are aimed at a rule, to match it or to miss it by one field.
  mutating func packet() -> DrawnPacket {
    let rule = draw.chance(0.85) ? draw.any(of: rules) : nil
    var packet = blank(for: rule)
    if let rule {
      // At most one demand is violated.
      let broken = draw.chance(0.45) ? draw.number(0...max(0, rule.demands.count - 1)) : nil
      for (index, demand) in rule.demands.enumerated() {
        let wanted = demand.holds != (index == broken)
        // Input, protocol and fragmentation have been drawn already.
        if Self.drawnFirst.contains(demand.field) { continue }
        guard let test = demand.test else {
          if demand.holds { _ = demand.field.set(1, in: &packet.draft) }
          continue
        }
        guard let value = test.value(holding: wanted, bits: demand.bits, &draw) else { continue }
        if demand.field == .sourceAddress, !host.canSpeak(IPAddress(family: host.family, bits: value), here: packet.isLocal) { continue }
        if demand.field == .datagramLength, value > Self.longest { continue }
        _ = demand.field.set(value, in: &packet.draft)
        // After routing, a packet's hop limit is one less.
        if demand.field == .hopLimit, draw.chance(0.6) { packet.ttl &+= 1 }
      }
    }
    disturb(&packet)
    return packet
  }

  private mutating func blank(for rule: RuleDemands?) -> DrawnPacket {
    let hook = rule.flatMap { draw.any(of: $0.hooks) } ?? draw.pick([.prerouting, .input, .forward, .output])
    let isLocal = hook == .output || hook == .postrouting && draw.chance(0.3)
    let from = draw.number(0...host.networks.count - 1)
    let network = host.networks[from]
    var entry = network
    if let input = rule?.value(of: .inputInterface), !isLocal,
      let named = host.networks.first(where: { $0.interface.hasPrefix(Field.inputInterface.text(input)) })
    {
      entry = named
    }
    let own = host.networks.map(\.address) + host.others
    var source = isLocal ? draw.pick(own) : draw.pick(entry.neighbours + (entry.interface == "eth2" ? host.remotes : []))
    // A source behind another interface, for the host's checks of sources.
    if !isLocal, draw.chance(0.05) { source = draw.pick(host.networks.flatMap(\.neighbours) + host.remotes) }
    let elsewhere = host.networks.filter { isLocal || $0.interface != entry.interface }.flatMap(\.neighbours) + host.remotes
    let destination = hook == .input || !isLocal && draw.chance(0.12) ? draw.pick(own) : draw.pick(elsewhere)
    var packet = DrawnPacket(
      interface: isLocal ? nil : draw.pick(entry.ports), source: source, destination: destination, proto: proto(rule))
    if !isLocal, entry.ports.count > 1 { address(&packet, on: entry) }
    packet.sourcePort = draw.pick(Self.ports)
    packet.destinationPort = draw.pick(Self.ports)
    if packet.proto == .tcp {
      packet.tcpFlags =
        draw.chance(0.6) ? .syn : TCPFlags(rawValue: draw.pick([0x10, 0x12, 0x04, 0x14, 0x11, 0x18, 0x01, 0, 0x29, 0x3F, 0xC2]))
    }
    if packet.proto == .icmp { packet.icmpType = draw.pick([8, 8, 8, 0, 3, 5, 11, 12, 14, 17]) }
    if packet.proto == .icmpv6 { packet.icmpType = draw.pick([128, 128, 128, 129, 1, 3, 4]) }
    if packet.proto == .sctp { packet.icmpType = draw.pick([1, 0, 3, 10]) }
    if !packet.proto.hasPorts, packet.proto != .icmp, packet.proto != .icmpv6 { packet.transportBytes = bytes(of: packet.proto) }
    return packet
  }

  /// Chooses the addresses of a frame that arrives at a port of a bridge: for this host, another host or many.
  private mutating func address(_ packet: inout DrawnPacket, on bridge: FuzzHost.Network) {
    packet.draft.hardwareSource = FuzzHost.hardwareAddress(of: packet.source)
    guard draw.chance(0.6), let neighbour = draw.any(of: bridge.neighbours.filter { $0 != packet.source }) else { return }
    if draw.chance(0.7) { packet.destination = neighbour }
    let receiver = draw.chance(0.9) ? FuzzHost.hardwareAddress(of: neighbour) : .broadcast
    packet.extras.append(JSONObject.Member("dmac", .string("\(receiver)")))
  }

  private mutating func proto(_ rule: RuleDemands?) -> IPProtocol {
    if let number = rule?.value(of: .protocolNumber), draw.chance(0.93) { return IPProtocol(rawValue: UInt8(truncatingIfNeeded: number)) }
    let icmp: IPProtocol = host.family == .ipv4 ? .icmp : .icmpv6
    return draw.pick([
      .tcp, .tcp, .tcp, .udp, .udp, .udp, icmp, .sctp, .udplite, .gre, .esp, .ah, IPProtocol(rawValue: 108), IPProtocol(rawValue: 200),
    ])
  }

  /// Adds variations that no rule tests: odd lengths, payloads, options, invalid headers.
  private mutating func disturb(_ packet: inout DrawnPacket) {
    if packet.payload.isEmpty, draw.chance(0.4) {
      packet.payload = draw.pick([Array("hello".utf8), Array("HELLO".utf8), Array("x".utf8), [UInt8](repeating: 120, count: 60)])
    }
    if packet.proto == .icmp || packet.proto == .icmpv6 { disturbICMP(&packet) }
    if draw.chance(0.06) { packet.ttl = draw.pick([1, 2, 255]) }
    if draw.chance(0.08) { packet.tos = draw.pick([0x10, 0xB8, 0x03, 0x01]) }
    if draw.chance(0.05) { packet.dontFragment = true }
    if draw.chance(0.03), packet.proto.hasPorts || packet.proto == .icmp { packet.extras.append(JSONObject.Member("badsum", true)) }
    if draw.chance(0.02), packet.proto == .tcp || packet.proto == .udp {
      packet.transportBytes = Array([0x03, 0xE8, 0, 80, 0, 0, 0, 1, 0, 0].prefix(draw.number(0...10)))
    }
    if draw.chance(0.02), packet.proto == .tcp { packet.extras.append(JSONObject.Member("doff", .integer(draw.pick([0, 4, 6, 15])))) }
    if draw.chance(0.03), packet.isIPv4, !packet.isLocal { packet.ipOptions = draw.pick([[1, 1, 1, 0], [0x94, 4, 0, 0]]) }
    if draw.chance(0.1), !packet.isIPv4, !packet.isLocal { packet.extensions = extensions() }
    if packet.isLocal, draw.chance(0.4) { (packet.draft.uid, packet.draft.gid) = (draw.pick([0, 1000, 2001]), draw.pick([0, 100, 51])) }
    if drawsFragments, packet.extensions.isEmpty, packet.proto != .ah, draw.chance(0.25) {
      packet.payload = [UInt8](repeating: 120, count: draw.pick([40, 64, 200]))
      let (offset, length, more): (Int, Int?, Bool) = draw.pick([
        (0, 24, true), (24, nil, false), (24, 16, true), (8, nil, false), (0, nil, false),
      ])
      packet.fragment = PacketFields.Fragment(offset: offset, length: length, moreFragments: more)
    }
  }

  private mutating func disturbICMP(_ packet: inout DrawnPacket) {
    packet.icmpIdentifier = draw.pick([1, 2, 77])
    let errors: [UInt8] = packet.isIPv4 ? [3, 4, 5, 11, 12] : [1, 2, 3, 4]
    guard let type = packet.icmpType, errors.contains(type) else { return }
    // An error about a packet that may or may not have been sent.
    let inner: JSONObject = [
      "src": .string("\(packet.destination)"), "dst": .string("\(draw.chance(0.5) ? packet.source : host.remotes[0])"),
      "proto": draw.chance(0.5) ? "udp" : "tcp", "sport": JSONValue(draw.pick(Self.ports)), "dport": JSONValue(draw.pick(Self.ports)),
    ]
    packet.extras.append(JSONObject.Member("inner", .object(inner)))
    packet.payload = []
  }

  private mutating func bytes(of proto: IPProtocol) -> [UInt8] {
    switch proto {
    case .gre: return draw.pick([[0, 0, 8, 0, 1, 2, 3, 4], [0x30, 0x81, 0x88, 0x0B, 0, 0, 0, 7]])
    case .ah: return [17, 4, 0, 0, 0, 0, 1, UInt8(draw.number(0...3)), 0, 0, 0, 1] + [UInt8](repeating: 9, count: 12)
    case .esp: return [0, 0, UInt8(draw.number(0...1)), UInt8(draw.number(0...2)), 0, 0, 0, 1, 1, 2, 3, 4]
    default: return [UInt8](repeating: 7, count: draw.pick([0, 3, 4, 8, 20]))
    }
  }

  private mutating func extensions() -> [PacketFields.Extension] {
    let routing: [UInt8] = [draw.pick([0, 2, 4]), draw.pick([0, 0, 1]), 0, 0, 0, 0] + [UInt8](repeating: 1, count: 16)
    let choices: [PacketFields.Extension] = [
      PacketFields.Extension(.hopByHop, body: [5, 2, 0, 0, 1, 0]), PacketFields.Extension(.destinationOptions, body: [1, 4, 0, 0, 0, 0]),
      PacketFields.Extension(.routing, body: routing),
      PacketFields.Extension(.destinationOptions, body: [1, 12] + [UInt8](repeating: 0, count: 12)),
    ]
    let first = draw.pick(choices)
    // Hop-by-hop options are valid only as the first header.
    return draw.chance(0.3) && first.proto != .destinationOptions ? [first, choices[1]] : [first]
  }
}
