import Conntrack
import Netfilter
import Wire
import XTables

/// Local delivery: packets that have passed INPUT.
extension Simulator {
  /// Delivers a packet. The corresponding kernel functions are `ip_local_deliver_finish` and `ip6_input_finish`.
  func deliver(_ journey: inout Journey) {
    // IPv6 reassembles after INPUT.
    if delivery == .stack {
      event.delivered = DeliveredPacket(
        input: inputOfSockets(journey), mark: journey.context.mark, receiver: journey.context.receiver)
      switch journey.context.family == .ipv4 ? .accept : gather(&journey, at: .input) {
      case .accept: respond(&journey)
      // A first fragment without all of its headers (RFC 8200, section 4.5).
      case .drop where FragmentQueues.isTransportTruncated(journey.context.packet.bytes): journey.context.answerICMPError(type: 4, code: 3)
      case .drop:
        if let pointer = FragmentQueues.faultyField(journey.context.packet.bytes) {
          journey.context.answerICMPError(type: 4, code: 0, information: UInt32(clamping: pointer))
        }
      default: break
      }
      settleEffects(&journey)
    }
    finish(&journey, .delivered)
  }

  /// The interface at which sockets of this host see a packet. A packet of the host itself keeps the route by which it was sent, which names the
  /// interface with the address.
  ///
  /// The corresponding kernel functions are `inet_iif` and `inet6_iif`.
  private func inputOfSockets(_ journey: borrowing Journey) -> Interface? {
    guard journey.rounds > 0, let input = journey.context.input, host.isLoopback(input) else { return journey.context.input }
    guard let destination = journey.context.packet.destination else { return input }
    let bound = journey.socket.device
    if let device = bound.flatMap({ host.device($0) }), host.addresses(of: device).contains(where: { $0.address == destination }) {
      return bound
    }
    return host.device(holding: destination)?.interface ?? input
  }

  /// Sends the pending packets of sockets, after the current packet is done.
  func drainPending() {
    var budget = 1000
    while !event.pending.isEmpty, budget > 0 {
      budget -= 1
      let next = event.pending.removeFirst()
      guard let destination = next.packet.destination, let family = next.packet.family else { continue }
      if !answer(next, to: destination, family), let pair = next.stream { keepUnsent(next.packet, pair) }
    }
    event.pending.removeAll()
  }

  private func respond(_ journey: inout Journey) {
    var packet = journey.context.packet
    // From the loopback interface, an unfinished checksum counts as correct. Kernel: `skb_csum_unnecessary`.
    if journey.context.checksum == .startedElsewhere { packet.updateTransportChecksum() }
    guard let at = packet.transport else { return }
    let way = packet.extensionHeaderWay
    switch way {
    case .transport: break
    case .dropped: return
    case .problem(let code, let pointer):
      journey.context.answerICMPError(type: 4, code: code, information: UInt32(truncatingIfNeeded: pointer))
      return
    }
    switch (at.proto, at.family) {
    case (.icmp, .ipv4):
      respondQuery(packet)
      receiveError(packet, at)
    case (.icmpv6, .ipv6):
      respondEcho(packet, on: journey.context.input)
      receiveError(packet, at)
    case (.udp, _): respondDatagram(&journey, at)
    case (.tcp, _): respondSegment(packet, at, receiver: journey.context.receiver)
    // No socket exists for it, but the protocol is supported.
    case (.udplite, _): if packet.isTransportChecksumValid == true { answerPortUnreachable(&journey, at) }
    case (.igmp, _): break
    case (_, .ipv4): journey.context.answerICMPError(type: 3, code: 2)
    case (_, .ipv6):
      guard at.proto != .none, case .transport(let pointer) = way else { return }
      journey.context.answerICMPError(type: 4, code: 1, information: UInt32(truncatingIfNeeded: pointer))
    }
  }

  /// Answers an IPv4 echo or timestamp request. The corresponding kernel functions are `icmp_echo` and `icmp_timestamp`.
  private func respondQuery(_ packet: Packet) {
    guard let header = packet.icmp, let at = packet.transport, let destination = packet.destination else { return }
    var body = Array(packet.bytes[at.offset...])
    switch header.type {
    case 8:
      if host.sysctls["net.ipv4.icmp_echo_ignore_all"] == 1 { return }
      body.setUInt8(0, at: 0)
    case 13:
      // The originate timestamp is required.
      guard body.count >= ICMPHeader.length + 4 else { return }
      body = Array(body.prefix(ICMPHeader.length + 4))
      body.setUInt8(14, at: 0)
      for _ in 0..<2 { body.appendUInt32(millisecondsSinceMidnight) }
    default: return
    }
    let isForMany = host.addressType(destination, on: nil) != .local
    if isForMany, host.sysctls["net.ipv4.icmp_echo_ignore_broadcasts"] != 0 { return }
    answerQuery(packet, at, with: body, isForMany: isForMany, on: nil)
  }

  /// Milliseconds since midnight UTC (RFC 792). Kernel: `inet_current_timestamp`.
  private var millisecondsSinceMidnight: UInt32 { UInt32(world.now / 1_000_000 % 86_400_000) }

  /// Answers an IPv6 echo request. The corresponding kernel function is `icmpv6_echo_reply`.
  ///
  /// - Parameter input: the output interface of an answer that must select its source address.
  private func respondEcho(_ packet: Packet, on input: Interface?) {
    guard let header = packet.icmpv6, header.type == 128, let at = packet.transport, let destination = packet.destination else { return }
    var body = Array(packet.bytes[at.offset...])
    body.setUInt8(129, at: 0)
    let isForMany = host.addressType(destination, on: nil) != .local
    answerQuery(packet, at, with: body, isForMany: isForMany, on: isForMany ? input.flatMap { leaving($0, for: destination) } : nil)
  }

  /// Queues an ICMP answer for sending after the current packet. The corresponding kernel function is `icmp_reply`.
  ///
  /// - Parameters:
  ///   - body: the ICMP message; its checksum is computed.
  ///   - isForMany: true if the request was broadcast, multicast or anycast, so that the answer must select its source address.
  ///   - output: the interface by which the answer must leave; nil for any.
  private func answerQuery(_ packet: Packet, _ at: TransportLocator, with body: [UInt8], isForMany: Bool, on output: Interface?) {
    guard packet.isTransportChecksumValid == true, let source = packet.source, let destination = packet.destination,
      let own = isForMany ? host.outputRoute(Flow(to: source, output: output))?.preferredSource : destination,
      let type = body.first, world.mayAnswer(source, icmpType: type, code: 0)
    else { return }
    var fields = PacketFields(own, source, proto: at.proto)
    fields.tos = packet.tos ?? 0
    fields.identification = UInt32(freshIdentification())
    fields.transportBytes = body
    guard var reply = try? fields.packet() else { return }
    reply.updateTransportChecksum()
    let mark = host.reflects(event.delivered.mark, at.family)
    let device = output.map { host.name(of: $0) } ?? strictDevice(to: source)
    event.pending.append(PendingPacket(packet: reply, owner: SocketFacts.kernel, device: device, mark: mark))
  }

  /// The interface for an answer to a link-local address, or to `::1`: that at which the request came. Kernel: `rt6_need_strict`.
  func strictDevice(to address: IPAddress) -> String? {
    guard let address = address.v6, address.isLinkLocal || address == .loopback else { return nil }
    return event.delivered.input.map { host.name(of: $0) }
  }

  /// The interface by which the answer to an IPv6 request for many hosts leaves: the request's input, or, if this host has sent it to itself, the
  /// interface of the anycast address. The corresponding kernel function is `icmp6_iif`.
  private func leaving(_ input: Interface, for destination: IPAddress) -> Interface? {
    guard host.isLoopback(input) else { return input }
    return host.devices.first { device in
      host.addresses(of: device).contains { $0.address.family == .ipv6 && $0.network == destination.bits }
    }?.interface ?? input
  }

  /// Delivers a datagram, which ends where its header says. The corresponding kernel functions are `__udp4_lib_rcv` and `__udp6_lib_rcv`.
  private func respondDatagram(_ journey: inout Journey, _ at: TransportLocator) {
    guard journey.context.packet.trimDatagram() else { return }
    let packet = journey.context.packet
    guard let header = packet.udp, packet.isTransportChecksumValid == true, let source = packet.source,
      let destination = packet.destination
    else { return }
    let from = SocketEvent.End(source, header.sourcePort)
    let data = Array(packet.bytes.slice(at: at.offset + UDPHeader.length))
    let receiver = journey.context.receiver ?? Receiver(address: destination, port: header.destinationPort)
    if let socket = host.listener(.udp, receiver.address, receiver.port, on: event.delivered.input) {
      stack.peers[socket.name] = from
      event.report.sockets.append(.received(socket: socket.name, data: data, from: from))
      return
    }
    let local = SocketEvent.End(destination, header.destinationPort)
    // If two sockets have the same binding, the one opened first receives the datagram.
    if let open = stack.datagrams.filter({ $0.value.local == local }).min(by: { $0.value.order < $1.value.order }) {
      stack.peers[open.key] = from
      event.report.sockets.append(.received(socket: open.key, data: data, from: from))
      return
    }
    answerPortUnreachable(&journey, at)
  }

  private func answerPortUnreachable(_ journey: inout Journey, _ at: TransportLocator) {
    // UDP drops the reference to the connection before it sends the error. Kernel: `nf_reset_ct`.
    journey.context.attachment = .none
    journey.context.answerICMPError(type: at.family == .ipv4 ? 3 : 1, code: at.family == .ipv4 ? 3 : 4)
  }

  /// A random identification, as the kernel chooses it for packets that may be fragmented.
  func freshIdentification() -> UInt16 { UInt16(truncatingIfNeeded: world.random.next()) | 1 }

  /// The owner of the packet's connection, as early demultiplexing finds it before routing; matches at INPUT then see the owner.
  ///
  /// The corresponding kernel function is `tcp_v4_early_demux`.
  func earlyOwner(of packet: Packet) -> SocketFacts? {
    guard !stack.connections.isEmpty, host.sysctls["net.ipv4.ip_early_demux"] != 0, host.sysctls["net.ipv4.tcp_early_demux"] != 0,
      packet.type == .host, let pair = pair(of: packet), let connection = stack.connections[pair],
      connection.state != .synReceived
    else { return nil }
    return connection.facts
  }

  /// The socket of the run that a packet belongs to: a connection, or a UDP socket opened to send. A connection is bound to one address.
  ///
  /// The corresponding kernel functions are `__inet_lookup_established` and `__udp4_lib_lookup`.
  func openSocket(of packet: Packet) -> SocketFacts? {
    if let pair = pair(of: packet) {
      guard let connection = stack.connections[pair] else { return nil }
      var facts = connection.facts
      facts.isWildcard = false
      facts.isRequest = [.synReceived, .finWait2, .timeWait].contains(connection.state)
      return facts
    }
    guard let header = packet.udp, let destination = packet.destination else { return nil }
    let local = SocketEvent.End(destination, header.destinationPort)
    return stack.datagrams.values.filter { $0.local == local }.min { $0.order < $1.order }?.sender.facts
  }

  func pair(of packet: Packet) -> SocketPair? {
    guard let header = packet.tcp, let source = packet.source, let destination = packet.destination else { return nil }
    return SocketPair(
      local: SocketEvent.End(destination, header.destinationPort), remote: SocketEvent.End(source, header.sourcePort))
  }
}

extension Packet {
  /// Removes what follows the datagram; false if its length field is impossible. In IPv6, a length of 0 means all bytes.
  fileprivate mutating func trimDatagram() -> Bool {
    guard let at = transport, let udp else { return false }
    let available = bytes.count - at.offset
    let length = udp.length == 0 && at.family == .ipv6 ? available : udp.length
    guard length >= UDPHeader.length, length <= available else { return false }
    bytes.removeLast(available - length)
    return true
  }
}
