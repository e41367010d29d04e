import Conntrack
import Evaluator
import Wire
import XTables

/// What the hosts around say of their own accord, and in answer to what reaches them.
extension Soak {
  /// Begins something: a flow, one that was expected, an error about something that left, or a datagram that never ends.
  func open() {
    switch random.below(20) {
    case 0...1: fulfil()
    case 2...3: complain()
    case 4: stream()
    default:
      let from = random.pick([SoakNetwork.clients, SoakNetwork.clients, SoakNetwork.outside, SoakNetwork.servers])
      let packet = opening(from: from)
      guard let source = packet.source else { return }
      post(packet, on: SoakNetwork.interface(of: source))
    }
  }

  /// The first packet of a flow, or one from the middle; from this host itself when `hosts` is nil.
  func opening(from hosts: [[IPAddress]]?) -> Packet {
    let family = random.below(2)
    let source = random.pick((hosts ?? SoakNetwork.own)[family])
    let targets = [
      SoakNetwork.servers, SoakNetwork.outside, SoakNetwork.own, SoakNetwork.clients, SoakNetwork.servers, SoakNetwork.outside,
    ]
    var destination = random.pick(random.pick(targets)[family])
    if random.chance(1, in: 25) { destination = random.pick(SoakNetwork.nowhere[family]) }
    let kinds: [IPProtocol] = [.tcp, .tcp, .tcp, .tcp, .udp, .udp, .udp, family == 0 ? .icmp : .icmpv6, .sctp, .gre, .udplite, .esp]
    var fields = PacketFields(source, destination, proto: random.pick(kinds))
    fields.sourcePort = random.pick([40000, 40001, 40002, 700, 53, 137])
    fields.destinationPort = random.pick(SoakNetwork.ports)
    fields.sequence = 1000
    fields.ttl = random.pick([64, 64, 64, 64, 64, 2, 1])
    fields.tos = random.pick([0, 0, 0, 0x10, 0x02])
    fields.dontFragment = random.chance(1, in: 3)
    fields.icmpType =
      fields.proto == .icmp
      ? random.pick([8, 8, 8, 13, 17, 0, 5, 200]) : fields.proto == .icmpv6 ? random.pick([128, 128, 139, 129, 135, 1]) : 1
    fields.icmpIdentifier = UInt16(random.below(4))
    if fields.proto == .tcp {
      fields.tcpOptions = random.pick([[], [2, 4, 5, 180], [2, 4, 5, 180, 1, 3, 3, 7], [4, 2, 1, 1]])
      if random.chance(1, in: 8) { fields.tcpFlags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: random.next())) }
    } else {
      fields.payload = words(fields.destinationPort, source)
    }
    if fields.proto == .udp || random.chance(1, in: 30) {
      fields.payload += [UInt8](repeating: 0x55, count: random.pick([0, 0, 0, 8, 300, 1600]))
    }
    if family == 0, random.chance(1, in: 20) {
      fields.ipOptions = random.pick([[1, 1, 1], [7, 7, 4, 0, 0, 0, 0], [131, 7, 4, 10, 0, 0, 1], [68, 4, 5, 0], [7, 99]])
    }
    if family == 1, random.chance(1, in: 20) {
      fields.extensions = random.pick([
        [.init(.hopByHop, body: [1, 4, 0, 0, 0, 0])], [.init(.destinationOptions)], [.init(.routing, body: [0, 1])],
      ])
    }
    fields.hasNoChecksum = fields.proto == .udp && family == 0 && random.chance(1, in: 20)
    return (try? fields.packet()) ?? Packet(bytes: [])
  }

  /// A packet that somebody's helper waits for.
  private func fulfil() {
    let waiting = simulator.expectations()
    guard !waiting.isEmpty else { return }
    let expectation = random.pick(waiting).expectation
    let tuple = expectation.tuple
    let place = tuple.family == .ipv4 ? 0 : 1
    let source = expectation.sourceMask == 0 ? random.pick(SoakNetwork.outside[place]) : tuple.source
    var fields = PacketFields(source, tuple.destination, proto: tuple.proto)
    fields.sourcePort = tuple.sourceID == 0 ? 20 : tuple.sourceID
    fields.destinationPort = tuple.destinationID
    fields.sequence = 5000
    if tuple.proto == .gre {
      fields.transportBytes = [0x20, 1, 0x88, 0x0B, 0, 0, UInt8(tuple.destinationID >> 8), UInt8(tuple.destinationID & 255)]
    }
    guard let packet = try? fields.packet() else { return }
    post(packet, on: SoakNetwork.interface(of: source))
  }

  /// An ICMP error about a packet that left, from where it went or from a router on the way.
  private func complain() {
    guard !recent.isEmpty, let about = Optional(random.pick(recent)), let source = about.packet.source,
      let destination = about.packet.destination
    else { return }
    let isWide = source.family == .ipv6
    let router = random.pick([destination, random.pick(SoakNetwork.outside[isWide ? 1 : 0])])
    var fields = PacketFields(router, source, proto: isWide ? .icmpv6 : .icmp)
    fields.icmpType = isWide ? random.pick([1, 2, 3, 4, 137]) : random.pick([3, 3, 11, 12, 5, 4])
    fields.icmpCode = UInt8(random.below(5))
    fields.mtu = 1280
    fields.quoted = Array(about.packet.bytes.prefix(28 + random.pick([0, 0, 12, 32, 200, -9])))
    guard let packet = try? fields.packet() else { return }
    post(packet, on: about.interface)
  }

  /// Fragments of one datagram without an end.
  private func stream() {
    let family = random.below(2)
    var fields = PacketFields(random.pick(SoakNetwork.clients[family]), random.pick(SoakNetwork.servers[family]))
    fields.identification = 0x9000 | UInt32(random.below(4))
    fields.payload = [UInt8](repeating: 0x66, count: 60_000)
    let start = random.below(7000) * 8
    for piece in 0..<random.below(12) {
      fields.fragment = .init(offset: start + piece * 256, length: 256, moreFragments: true)
      if let packet = try? fields.packet() { letters.append(Letter(packet: packet, interface: "eth0", isSound: false)) }
    }
  }

  // MARK: Answers

  /// Lets the host that a packet reached answer it, as its protocol does, or otherwise.
  func answer(_ departure: Departure) {
    let packet = departure.packet
    guard let source = packet.source, let destination = packet.destination, let at = packet.transport, at.fragmentOffset == 0,
      !at.moreFragments, random.chance(4, in: 5)
    else { return }
    var fields = PacketFields(destination, source, proto: at.proto)
    switch at.proto {
    case .tcp: guard let header = packet.tcp, speak(header, packet, &fields) else { return }
    case .udp, .udplite:
      guard let header = packet.udp ?? packet.udplite else { return }
      (fields.sourcePort, fields.destinationPort) = (header.destinationPort, header.sourcePort)
      fields.payload = words(header.destinationPort, destination)
      // A TFTP server answers from a port of its own.
      if header.destinationPort == 69 { fields.sourcePort = 3000 + UInt16(random.below(4)) }
    case .icmp, .icmpv6:
      guard let header = packet.icmp ?? packet.icmpv6, let type = [8: 0, 13: 14, 17: 18, 128: 129, 139: 140][header.type] as UInt8? else {
        return
      }
      fields.icmpType = type
      (fields.icmpIdentifier, fields.icmpSequence) = (header.identifier, header.sequence)
    case .sctp:
      guard let header = packet.sctp else { return }
      (fields.sourcePort, fields.destinationPort) = (header.destinationPort, header.sourcePort)
      fields.icmpType = UInt8(random.below(16))
      fields.sequence = random.pick([0, 1000, 77])
      fields.payload = [0, 0, 0, 77, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1]
    case .gre: fields.transportBytes = Array(packet.bytes[min(at.offset, packet.count)...])
    default: fields.payload = [1, 2, 3, 4]
    }
    guard let reply = try? fields.packet() else { return }
    post(reply, on: departure.interface)
  }

  /// The next segment of a conversation. False when nothing is said.
  private func speak(_ header: TCPHeader, _ packet: Packet, _ fields: inout PacketFields) -> Bool {
    if header.flags.contains(.rst) { return false }
    (fields.sourcePort, fields.destinationPort) = (header.destinationPort, header.sourcePort)
    let counted = UInt32(header.flags.contains(.syn) ? 1 : 0) + (header.flags.contains(.fin) ? 1 : 0)
    let start = (packet.transport?.offset ?? 0) + header.dataOffset
    let length = UInt32(clamping: max(packet.count - start, 0)) + counted
    fields.sequence = header.flags.contains(.ack) ? header.acknowledgment : UInt32(truncatingIfNeeded: random.next())
    fields.acknowledgment = header.sequence &+ length
    fields.tcpFlags = .ack
    if random.chance(1, in: 30) { fields.sequence &+= UInt32(truncatingIfNeeded: random.next()) }
    if header.flags.contains(.syn), !header.flags.contains(.ack) {
      fields.tcpFlags = random.chance(1, in: 10) ? [.rst, .ack] : [.syn, .ack]
      fields.tcpOptions = random.pick([[], [2, 4, 5, 180, 4, 2, 1, 1]])
      return true
    }
    switch random.below(10) {
    case 0: fields.tcpFlags = [.fin, .ack]
    case 1: fields.tcpFlags = .rst
    case 2...5:
      fields.tcpFlags = [.psh, .ack]
      // Either side of a control connection may speak either way.
      fields.payload = words(min(header.destinationPort, header.sourcePort), fields.source)
    case 6:
      fields.tcpOptions = [1, 1, 5, 10] + (0..<8).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    default: if length == 0 { return random.chance(1, in: 4) }
    }
    return true
  }
}
