import Conntrack
import Wire
import XTables

/// The half of a SYN proxy that speaks with clients. The corresponding kernel functions are `synproxy_tg4` and
/// `synproxy_tg6`.
///
/// The kernel's sequence numbers are syncookies, keyed by a secret; here they come from the world's randomness and are
/// remembered, which a client cannot tell apart.
enum SynproxyHandshake {
  static func act(_ info: SynproxyTarget.Info, _ packet: inout PacketContext) -> TargetOutcome {
    guard packet.input == nil || packet.packet.isTransportChecksumValid ?? false, let transport = packet.packet.transport,
      let segment = packet.packet.tcp, let options = SynproxyOptions(packet.packet, segment, at: transport.offset),
      let client = packet.packet.source, let server = packet.packet.destination
    else { return .verdict(.drop) }
    let flags = segment.flags.intersection([.syn, .ack, .fin, .rst])
    let flow = "SYNPROXY/\(client)/\(segment.sourcePort)/\(server)/\(segment.destinationPort)"
    if flags == .syn {
      answer(segment, options, info, flow: flow, &packet)
      return .verdict(.stolen)
    }
    guard flags == .ack else { return .proceed }
    let offer = packet.world.memory.withState(named: flow, initial: Offer?.none) { offer in
      let made = offer
      offer = nil
      return made
    }
    guard let offer, segment.acknowledgment &- 1 == offer.sequence, segment.sequence &- 1 == offer.clientSequence else {
      return .verdict(.drop)
    }
    open(segment, options, offer, &packet)
    return .verdict(.stolen)
  }

  /// What a client was answered and must repeat.
  private struct Offer {
    let sequence: UInt32
    let clientSequence: UInt32
    let segmentSize: UInt16
  }

  /// The corresponding kernel function is `synproxy_send_client_synack`.
  private static func answer(
    _ segment: TCPHeader, _ options: SynproxyOptions, _ info: SynproxyTarget.Info, flow: String, _ packet: inout PacketContext
  ) {
    var options = options
    if segment.flags.isSuperset(of: [.ece, .cwr]) { options.known |= SynproxyTarget.Bit.congestionNotification }
    options.known &= info.options
    let offer = Offer(
      sequence: UInt32(truncatingIfNeeded: packet.world.random.next()), clientSequence: segment.sequence,
      segmentSize: options.segmentSize)
    packet.world.memory.withState(named: flow, initial: Offer?.none) { $0 = offer }
    options.segmentSize = info.segmentSize
    if options.known & SynproxyTarget.Bit.timestamp != 0 {
      options.encodeInTimestamp(windowScale: info.windowScale, milliseconds: packet.world.now / 1_000_000)
    } else {
      // Without a timestamp there is nowhere to keep what the client knows.
      options.known &= SynproxyTarget.Bit.segmentSize
    }
    var flags: TCPFlags = [.syn, .ack]
    if options.known & SynproxyTarget.Bit.congestionNotification != 0 { flags.insert(.ece) }
    guard let client = packet.packet.source, let server = packet.packet.destination else { return }
    var fields = segmentFields(server, client, packet)
    (fields.sourcePort, fields.destinationPort) = (segment.destinationPort, segment.sourcePort)
    (fields.sequence, fields.acknowledgment) = (offer.sequence, segment.sequence &+ 1)
    (fields.tcpFlags, fields.window, fields.tcpOptions) = (flags, 0, options.bytes)
    if let reply = try? fields.packet() { packet.effects.append(.reply(reply)) }
  }

  /// The corresponding kernel function is `synproxy_send_server_syn`.
  private static func open(_ segment: TCPHeader, _ options: SynproxyOptions, _ offer: Offer, _ packet: inout PacketContext) {
    var options = options
    options.segmentSize = offer.segmentSize
    options.known |= SynproxyTarget.Bit.segmentSize
    if options.known & SynproxyTarget.Bit.timestamp != 0 { options.decodeTimestamp() }
    var flags: TCPFlags = .syn
    if options.known & SynproxyTarget.Bit.congestionNotification != 0 { flags.formUnion([.ece, .cwr]) }
    guard let client = packet.packet.source, let server = packet.packet.destination else { return }
    var fields = segmentFields(client, server, packet)
    (fields.sourcePort, fields.destinationPort) = (segment.sourcePort, segment.destinationPort)
    (fields.sequence, fields.acknowledgment) = (segment.sequence &- 1, segment.acknowledgment &- 1)
    (fields.tcpFlags, fields.window, fields.tcpOptions) = (flags, segment.window, options.bytes)
    guard let syn = try? fields.packet() else { return }
    packet.effects.append(.reply(syn))
    packet.effects.append(.note("SYNPROXY opens the connection to the server; relaying its sequence numbers is not modelled"))
  }

  private static func segmentFields(_ source: IPAddress, _ destination: IPAddress, _ packet: PacketContext) -> PacketFields {
    var fields = PacketFields(source, destination, proto: .tcp)
    fields.identification = 0
    fields.dontFragment = true
    let name = packet.family == .ipv4 ? "net.ipv4.ip_default_ttl" : "net.ipv6.conf.all.hop_limit"
    fields.ttl = UInt8(clamping: packet.world.host.sysctl(name) ?? 64)
    return fields
  }
}
