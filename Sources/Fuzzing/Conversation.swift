import Documents
import Lab
import Wire

/// Adds replies to a scenario: answers to packets that left the host, and further packets of flows.
///
/// The path and the addresses of a packet depend on the rules, so the engine plays what has been drawn so far.
struct Conversation {
  private let host: FuzzHost
  private var draw: Draw

  init(host: FuzzHost, seed: UInt64) {
    self.host = host
    draw = Draw(seed: seed)
  }

  /// Answers to some of the frames that left, and further packets of some flows.
  mutating func steps(after answer: LabResult, of packets: [DrawnPacket], most: Int) -> [JSONValue] {
    var steps: [JSONValue] = []
    for step in answer.steps {
      for frame in step.egress where draw.chance(0.6) {
        guard let reply = reply(to: Packet(bytes: frame.packet), on: frame.interface) else { continue }
        steps.append(reply)
      }
    }
    for packet in packets where packet.proto == .tcp && packet.transportBytes == nil && packet.extensions.isEmpty && draw.chance(0.4) {
      if let next = next(of: packet) { steps.insert(next, at: draw.number(0...steps.count)) }
    }
    return Array(steps.prefix(most))
  }

  /// A further packet of the flow from the same sender.
  private mutating func next(of packet: DrawnPacket) -> JSONValue? {
    var packet = packet
    packet.tcpOptions = []
    packet.extras = []
    let (flags, payload): (TCPFlags, String) = draw.pick([
      (.ack, ""), (.ack, ""), ([.ack, .psh], "hello"), ([.ack, .psh], "GET / HTTP/1.0\r\n"), ([.fin, .ack], ""), (.rst, ""), (.syn, ""),
    ])
    packet.tcpFlags = flags
    packet.payload = Array(payload.utf8)
    if flags != .syn {
      packet.extras.append(JSONObject.Member("seq", "auto"))
      if flags.contains(.ack) { packet.extras.append(JSONObject.Member("ack", "auto")) }
    }
    return packet.step
  }

  private mutating func reply(to packet: Packet, on interface: String) -> JSONValue? {
    guard let from = packet.destination, let to = packet.source, let at = packet.transport, at.fragmentOffset == 0, !at.moreFragments else {
      return nil
    }
    if draw.chance(0.08) { return error(about: packet, on: interface) }
    var reply = DrawnPacket(interface: interface, source: from, destination: to, proto: at.proto)
    switch at.proto {
    case .tcp:
      // The host chose this port at random, and would choose another one next time.
      guard let tcp = packet.tcp, PacketDrawing.knows(tcp.sourcePort) else { return nil }
      (reply.sourcePort, reply.destinationPort) = (tcp.destinationPort, tcp.sourcePort)
      guard let flags = answer(to: tcp.flags) else { return nil }
      reply.tcpFlags = flags
      reply.extras.append(JSONObject.Member("seq", flags.contains(.syn) ? .integer(draw.pick([0, 5000])) : "auto"))
      if flags.contains(.ack) { reply.extras.append(JSONObject.Member("ack", "auto")) }
      if flags.contains(.psh) { reply.payload = Array("world".utf8) }
    case .udp, .udplite, .sctp, .dccp:
      guard let source = packet.bytes.uint16(at: at.offset), let destination = packet.bytes.uint16(at: at.offset + 2),
        PacketDrawing.knows(source)
      else { return nil }
      (reply.sourcePort, reply.destinationPort) = (destination, source)
      if at.proto == .sctp { reply.icmpType = 2 } else { reply.payload = Array("world".utf8) }
    case .icmp, .icmpv6:
      guard let icmp = packet.icmp ?? packet.icmpv6, icmp.type == 8 || icmp.type == 128 else { return nil }
      reply.icmpType = at.proto == .icmp ? 0 : 129
      reply.icmpIdentifier = icmp.identifier
    default: reply.transportBytes = Array(packet.bytes.dropFirst(at.offset))
    }
    return reply.step
  }

  private mutating func answer(to flags: TCPFlags) -> TCPFlags? {
    if flags.contains(.rst) { return draw.chance(0.1) ? .ack : nil }
    if flags.contains(.syn) {
      return flags.contains(.ack) ? .ack : draw.pick([[.syn, .ack], [.syn, .ack], [.syn, .ack], [.rst, .ack], .rst])
    }
    if flags.contains(.fin) { return draw.pick([[.fin, .ack], .ack]) }
    return draw.pick([.ack, [.ack, .psh], [.fin, .ack]])
  }

  /// An ICMP error from the destination, or from a router on the path.
  private mutating func error(about packet: Packet, on interface: String) -> JSONValue? {
    guard let from = packet.destination, let to = packet.source else { return nil }
    var error = DrawnPacket(
      interface: interface, source: draw.chance(0.5) ? from : host.remotes[1], destination: to, proto: to.family == .ipv4 ? .icmp : .icmpv6)
    (error.icmpType, error.icmpCode) = to.family == .ipv4 ? draw.pick([(3, 3), (3, 1), (11, 0)]) : draw.pick([(1, 4), (1, 0), (3, 0)])
    error.extras.append(JSONObject.Member("inner", ["hex": .string(Hex.string(packet.bytes))]))
    return error.step
  }
}
