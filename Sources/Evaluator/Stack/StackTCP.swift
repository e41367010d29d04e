import Conntrack
import NAT
import Wire
import XTables

/// TCP as far as its segments are visible to others: handshake, acknowledgments, resets, closing.
extension Simulator {
  /// Receives a segment; not one in a frame to many hosts. The corresponding kernel functions are `tcp_v4_rcv` and `tcp_v4_do_rcv`.
  func respondSegment(_ packet: Packet, _ at: TransportLocator, receiver: Receiver?) {
    guard packet.type == .host, let header = packet.tcp, header.dataOffset >= TCPHeader.minimumLength,
      at.offset + header.dataOffset <= packet.count,
      packet.isTransportChecksumValid == true, let pair = pair(of: packet)
    else { return }
    let authentication = TCPAuthentication(header, in: packet.bytes, at: at.offset)
    let data = Array(packet.bytes.slice(at: at.offset + header.dataOffset))
    if let connection = stack.connections[pair] {
      guard authentication.isAcceptedWithoutKey || connection.state == .timeWait else { return }
      advance(connection, pair, header, data, packet)
    } else if let listener = listener(for: pair, receiver) {
      guard authentication.isAcceptedWithoutKey else { return }
      listen(listener, pair, header, packet, at)
    } else {
      reset(packet, header, data.count)
    }
  }

  /// The listener that TPROXY assigned, otherwise the listener of the local address.
  private func listener(for pair: SocketPair, _ receiver: Receiver?) -> HostSocket? {
    if let receiver { return host.listener(.tcp, receiver.address, receiver.port, on: event.delivered.input) }
    guard pair.local.address.isUnspecifiedV6 || host.addressType(pair.local.address, on: nil) == .local else { return nil }
    return host.listener(.tcp, pair.local.address, pair.local.port, on: event.delivered.input)
  }

  /// Answers a segment without a socket with a reset. The corresponding kernel function is `tcp_v4_send_reset`.
  ///
  /// - Parameter connection: what sends the reset; nil for a listener, or for no socket at all.
  func reset(_ packet: Packet, _ header: TCPHeader, _ length: Int, by connection: StackConnection? = nil) {
    guard !header.flags.contains(.rst), let source = packet.source, let destination = packet.destination, let at = packet.transport,
      TCPAuthentication(header, in: packet.bytes, at: at.offset).permitsReset(at.family)
    else { return }
    // The answer to a segment for `::` comes from the address with which this host reaches the sender.
    let isToNobody = destination.isUnspecifiedV6
    // A route of any table may lead here, as for a packet that TPROXY has marked, but not one to many hosts. Kernel: `RTN_LOCAL`.
    let type = host.addressType(destination, on: nil)
    let isForMany = type == .broadcast || type == .multicast || type == .anycast
    let listener = isForMany && header.flags.contains(.ack) ? resetter(of: destination, header.destinationPort) : nil
    guard isToNobody || !isForMany || listener != nil,
      let own = isToNobody ? host.outputRoute(Flow(to: source))?.preferredSource : destination
    else { return }
    var fields = PacketFields(own, source, proto: .tcp)
    (fields.sourcePort, fields.destinationPort) = (header.destinationPort, header.sourcePort)
    fields.identification = 0
    fields.dontFragment = true
    fields.window = 0
    fields.tos = (packet.tos ?? 0) & 0xFC
    if header.flags.contains(.ack) {
      fields.tcpFlags = .rst
      fields.sequence = header.acknowledgment
    } else {
      fields.tcpFlags = [.rst, .ack]
      let flags: UInt32 = (header.flags.contains(.syn) ? 1 : 0) + (header.flags.contains(.fin) ? 1 : 0)
      fields.acknowledgment = header.sequence &+ flags &+ UInt32(truncatingIfNeeded: length)
    }
    guard var reply = try? fields.packet() else { return }
    let isStarted = startChecksum(of: &reply, from: destination, to: source)
    // The listener sends the reset; without a listener, the kernel's own socket (IPv4) or no socket (IPv6).
    let asked = connection == nil ? listener ?? pair(of: packet).flatMap { self.listener(for: $0, event.delivered.receiver) } : nil
    let owner = connection?.facts ?? asked?.facts ?? (source.family == .ipv4 ? SocketFacts.kernel : nil)
    let device = connection?.device ?? asked?.device
    let reflected = host.reflects(event.delivered.mark, source.family)
    event.pending.append(
      PendingPacket(
        packet: reply, owner: owner, device: device ?? strictDevice(to: source),
        mark: reflected != 0 ? reflected : owner?.mark ?? 0,
        checksum: isStarted ? .startedElsewhere : checksumWithoutSocket(source.family)))
  }

  /// Starts the checksum of an answer to `::` with that address, which is not the answer's source; false for another address. The device computes
  /// the rest.
  private func startChecksum(of answer: inout Packet, from requested: IPAddress, to destination: IPAddress) -> Bool {
    guard requested.isUnspecifiedV6 else { return false }
    let length = answer.count - IPv6Header.length
    let sum = Checksum.pseudoHeader(source: requested, destination: destination, protocol: .tcp, length: length)
    answer.bytes.setUInt16(Checksum.fold(sum), at: IPv6Header.length + TCPHeader.Offset.checksum)
    return true
  }

  /// The listener that resets acknowledgments to an address of many hosts, and drops what else is sent to it. Over IPv4 only a transparent socket
  /// sends from such an address, and none from a group or from 255.255.255.255.
  ///
  /// The corresponding kernel functions are `tcp_rcv_state_process` and `ip_route_output_key_hash_rcu`.
  private func resetter(of destination: IPAddress, _ port: UInt16) -> HostSocket? {
    let receiver = event.delivered.receiver ?? Receiver(address: destination, port: port)
    guard let listener = host.listener(.tcp, receiver.address, receiver.port, on: event.delivered.input) else { return nil }
    if case .v4(let address) = destination, !listener.facts.isTransparent || address.isMulticast || address == .broadcast { return nil }
    return listener
  }

  /// Receives a segment at a listener. The corresponding kernel functions are `tcp_rcv_state_process` in LISTEN and `tcp_v4_send_synack`.
  private func listen(
    _ listener: HostSocket, _ pair: SocketPair, _ header: TCPHeader, _ packet: Packet, _ at: TransportLocator
  ) {
    if header.flags.contains(.rst) { return }
    if header.flags.contains(.ack) { return reset(packet, header, 0) }
    guard header.flags.contains(.syn), !header.flags.contains(.fin) else { return }
    var facts = listener.facts
    if facts.mark == 0, host.sysctls["net.ipv4.tcp_fwmark_accept"] == 1 { facts.mark = event.delivered.mark }
    // A link-local peer is on the link that its request came from. Kernel: `tcp_v6_init_req`.
    let isLinkLocal = pair.remote.address.v6?.isLinkLocal == true
    let device = listener.device ?? (isLinkLocal ? strictDevice(to: pair.remote.address) : nil)
    let route = host.outputRoute(flow(to: pair.remote.address, from: pair.local.address, by: facts, device: device))
    let segment = largestSegment(route, at.family)
    let offered = OfferedOptions(header, in: packet.bytes, at: at.offset)
    var connection = StackConnection(
      name: "", order: stack.nextOrder(), listener: listener.name, state: .synReceived, facts: facts, device: device,
      initialSequence: initialSequence(), window: initialWindow(segment), ownSegment: segment)
    connection.receiveNext = header.sequence &+ 1
    connection.windowBase = connection.receiveNext
    connection.windowScale = offered.scale != nil && host.sysctls["net.ipv4.tcp_window_scaling"] != 0 ? Self.windowScale : 0
    connection.note(offered)
    connection.offersSack = offered.sack
    // The corresponding kernel function is `tcp_ecn_create_request`.
    connection.usesECN =
      header.flags.isSuperset(of: [.ece, .cwr]) && (packet.tos ?? 0) & 3 == 0 && host.sysctls["net.ipv4.tcp_ecn"] != 0
    stack.connections[pair] = connection
    sendSynack(pair, connection)
  }

  /// Sends the SYN-ACK of a connection, the first time or again. The corresponding kernel functions are `tcp_v4_send_synack`, and
  /// `tcp_send_synack` for crossed SYNs.
  private func sendSynack(_ pair: SocketPair, _ connection: StackConnection) {
    let isRequest = connection.state == .synReceived
    var fields = fields(pair, connection, connection.usesECN ? [.syn, .ack, .ece] : [.syn, .ack])
    fields.sequence = connection.initialSequence
    if isRequest { fields.identification = 0 }
    fields.window = UInt16(clamping: connection.window)
    fields.tcpOptions = options(connection.ownSegment, sack: connection.offersSack, scale: connection.windowScale)
    guard var reply = try? fields.packet() else { return }
    let isStarted = startChecksum(of: &reply, from: pair.local.address, to: pair.remote.address)
    var owner = connection.facts
    owner.isRequest = isRequest
    event.pending.append(
      PendingPacket(
        packet: reply, owner: owner, hidesOwner: isRequest, device: connection.device, socket: socket(of: connection),
        mark: connection.facts.mark, checksum: isStarted ? .startedElsewhere : .started))
  }

  /// The sequence number of a SYN: random, unless a kernel's choice is to be followed.
  func initialSequence() -> UInt32 {
    let drawn = UInt32(truncatingIfNeeded: world.random.next())
    return followedSequences[drawn] ?? drawn
  }

  /// The scale for a receive buffer of at most 6 MiB. Kernel: `tcp_select_initial_window`.
  static let windowScale: UInt8 = 10

  /// The maximum segment size to advertise. The corresponding kernel functions are `ipv4_default_advmss` and `ip6_default_advmss`.
  func largestSegment(_ route: RouteAnswer?, _ family: Family) -> Int {
    let headers = family == .ipv4 ? 40 : 60
    // The length field of IPv6 does not count its header.
    return min(route?.mtu ?? 1500, 65535 + (family == .ipv4 ? 0 : IPv6Header.length)) - headers
  }

  func initialWindow(_ segment: Int) -> UInt32 { UInt32(clamping: 65535 / max(segment, 1) * max(segment, 1)) }

  /// The options of a SYN in the kernel's order, without timestamps. The corresponding kernel function is `tcp_options_write`.
  func options(_ segment: Int, sack: Bool, scale: UInt8) -> [UInt8] {
    var options: [UInt8] = [TCPOptionKind.maximumSegmentSize, 4]
    options.appendUInt16(UInt16(clamping: segment))
    if sack, host.sysctls["net.ipv4.tcp_sack"] != 0 { options += [1, 1, TCPOptionKind.sackPermitted, 2] }
    if scale > 0 { options += [1, TCPOptionKind.windowScale, 3, scale] }
    return options
  }

  func fields(_ pair: SocketPair, _ connection: StackConnection, _ flags: TCPFlags) -> PacketFields {
    let remote = pair.remote.address
    let own = pair.local.address.isUnspecifiedV6 ? host.outputRoute(Flow(to: remote))?.preferredSource : nil
    var fields = PacketFields(own ?? pair.local.address, remote, proto: .tcp)
    (fields.sourcePort, fields.destinationPort) = (pair.local.port, pair.remote.port)
    fields.identification = UInt32(freshIdentification())
    fields.dontFragment = true
    fields.tcpFlags = flags
    fields.sequence = connection.sendNext
    if flags.contains(.ack) { fields.acknowledgment = connection.receiveNext }
    return fields
  }

  /// Sends a segment of a connection with the current window. Without a full socket, its identification is 0 (`ip_send_unicast_reply`).
  func sendSegment(
    _ pair: SocketPair, _ connection: inout StackConnection, _ flags: TCPFlags, payload: [UInt8] = [], tos: UInt8 = 0,
    origin: PacketReport.Origin = .host
  ) {
    var fields = fields(pair, connection, flags)
    (fields.payload, fields.tos) = (payload, tos)
    // Data can be marked where it is congested: ECT(0). Kernel: `tcp_ecn_send`.
    if connection.usesECN, !payload.isEmpty { fields.tos = 2 }
    let hasSocket = connection.state != .synReceived && !connection.isLate
    if !hasSocket { fields.identification = 0 }
    fields.window = connection.selectWindow()
    connection.sendNext &+= UInt32(truncatingIfNeeded: payload.count) &+ (flags.isDisjoint(with: [.fin, .syn]) ? 0 : 1)
    if flags.contains(.ack) { connection.delayed = nil }
    if !payload.isEmpty, let last = connection.lastReceived, world.now &- last < Self.shortestDelay { connection.isInteractive = true }
    guard var packet = try? fields.packet() else { return }
    let isStarted = startChecksum(of: &packet, from: pair.local.address, to: pair.remote.address)
    let checksum = hasSocket ? ChecksumState.started : checksumWithoutSocket(pair.remote.address.family)
    event.pending.append(
      PendingPacket(
        packet: packet, origin: origin, owner: connection.facts, device: connection.device,
        socket: hasSocket ? socket(of: connection) : SendingSocket(), mark: connection.facts.mark,
        checksum: isStarted ? .startedElsewhere : checksum,
        stream: !payload.isEmpty || flags.contains(.fin) ? pair : nil))
  }

  private func socket(of connection: StackConnection) -> SendingSocket {
    SendingSocket(device: connection.device.flatMap { host.interface(named: $0) }, user: connection.facts.knownUser)
  }

  /// How much of the checksum the kernel computes in a segment that no full socket sends. The corresponding kernel functions are
  /// `ip_send_unicast_reply` and `tcp_v6_send_response`.
  private func checksumWithoutSocket(_ family: Family) -> ChecksumState { family == .ipv4 ? .complete : .started }

  /// Receives a segment of an existing connection. The corresponding kernel functions are `tcp_v4_do_rcv` and `tcp_check_req`.
  private func advance(
    _ found: StackConnection, _ pair: SocketPair, _ header: TCPHeader, _ data: [UInt8], _ packet: Packet
  ) {
    switch found.state {
    case .finWait2, .timeWait: answerLate(found, pair, header, data.count, packet)
    case .synSent: completeConnect(found, pair, header, packet)
    case .synReceived: completeAccept(found, pair, header, data, packet)
    default: receiveSegment(found, pair, TCPArrival(header, data), packet)
    }
  }

  /// Receives a segment before the connection is accepted. The corresponding kernel function is `tcp_check_req`.
  private func completeAccept(
    _ found: StackConnection, _ pair: SocketPair, _ header: TCPHeader, _ data: [UInt8], _ packet: Packet
  ) {
    var connection = found
    let repeatsSyn = header.sequence == connection.receiveNext &- 1
    if repeatsSyn, header.flags.intersection([.rst, .syn, .ack]) == .syn {
      if mayAnswerUnexpected(&connection) { sendSynack(pair, connection) }
      stack.connections[pair] = connection
      return
    }
    let isInWindow = connection.isInWindow(header, data.count)
    if header.flags.contains(.rst) {
      guard isInWindow else { return }
      // Any other place in the window is challenged (RFC 5961).
      if header.sequence == connection.receiveNext {
        stack.connections[pair] = nil
      } else {
        if mayAnswerUnexpected(&connection) { answerRequest(pair, &connection, packet) }
        stack.connections[pair] = connection
      }
      return
    }
    if header.flags.contains(.ack), header.acknowledgment != connection.sendNext {
      return reset(packet, header, data.count, by: connection)
    }
    guard isInWindow else {
      if mayAnswer(TCPArrival(header, data), &connection) { answerRequest(pair, &connection, packet) }
      stack.connections[pair] = connection
      return
    }
    if header.flags.contains(.syn), !repeatsSyn {
      stack.connections[pair] = nil
      return reset(packet, header, data.count, by: connection)
    }
    guard header.flags.contains(.ack) else { return }
    accept(&connection, pair)
    connection.sent.begin(at: connection.sendNext, header, isScaled: true)
    receiveSegment(connection, pair, TCPArrival(header, data), packet)
  }

  /// Acknowledges a segment before the connection is accepted, with that segment's traffic class. The corresponding kernel functions are
  /// `tcp_v4_reqsk_send_ack` and `tcp_v6_reqsk_send_ack`.
  private func answerRequest(_ pair: SocketPair, _ connection: inout StackConnection, _ packet: Packet) {
    sendSegment(pair, &connection, .ack, tos: (packet.tos ?? 0) & 0xFC)
  }

  /// Limits answers to out-of-window acknowledgments to one in half a second (`net.ipv4.tcp_invalid_ratelimit`), so that two ends out of
  /// sync do not answer each other without end. The corresponding kernel function is `tcp_oow_rate_limited`.
  func mayAnswerUnexpected(_ connection: inout StackConnection) -> Bool {
    if let last = connection.lastUnexpected, world.now &- last < 500_000_000 { return false }
    connection.lastUnexpected = world.now
    return true
  }

  private func accept(_ connection: inout StackConnection, _ pair: SocketPair) {
    connection.state = .established
    // The limit of answers was the request's.
    connection.lastUnexpected = nil
    // The process accepts the connection after this event.
    connection.facts.hasFile = false
    stack.unaccepted.append(pair)
    guard pair.canBeAccepted else { return }
    let listener = connection.listener ?? ""
    stack.accepted[listener, default: 0] += 1
    connection.name = "\(listener)#\(stack.accepted[listener] ?? 1)"
    let original = world.conntrack?.originalDestination(
      local: pair.local.address, localPort: pair.local.port, peer: pair.remote.address, peerPort: pair.remote.port,
      now: world.instant)
    event.report.sockets.append(
      .accepted(
        socket: listener, from: pair.remote, local: pair.local,
        originalDestination: original.map { SocketEvent.End($0.address, $0.port) }, name: connection.name))
  }

  /// Receives a segment in answer to a SYN of this host. The corresponding kernel function is `tcp_rcv_synsent_state_process`.
  private func completeConnect(_ found: StackConnection, _ pair: SocketPair, _ header: TCPHeader, _ packet: Packet) {
    var connection = found
    if header.flags.contains(.ack) {
      guard header.acknowledgment == connection.sendNext else { return reset(packet, header, 0, by: connection) }
      if header.flags.contains(.rst) { return fail(connection, pair, .connectionRefused) }
    }
    guard header.flags.contains(.syn), !header.flags.contains(.rst) else { return }
    let offered = packet.transport.map { OfferedOptions(header, in: packet.bytes, at: $0.offset) } ?? OfferedOptions()
    connection.note(offered)
    connection.receiveNext = header.sequence &+ 1
    connection.windowBase = connection.receiveNext
    if header.flags.contains(.ack) {
      connection.state = .established
      if offered.scale == nil { connection.windowScale = 0 }
      _ = connection.sent.judge(header, next: connection.sendNext)
      sendSegment(pair, &connection, .ack)
    } else {
      // The SYNs of both ends have crossed.
      connection.state = .synCrossed
      connection.sent.begin(at: connection.sent.acknowledged, header, isScaled: false)
      sendSynack(pair, connection)
    }
    stack.connections[pair] = connection
  }
}

/// The options that the peer's SYN offers.
struct OfferedOptions {
  var sack = false
  var scale: UInt8?
  var segment = 536

  init() {}

  /// Reads the options of a header that starts at `offset`.
  init(_ header: TCPHeader, in bytes: [UInt8], at offset: Int) {
    for option in header.options(in: bytes, at: offset) {
      switch option.kind {
      case TCPOptionKind.sackPermitted: sack = true
      // RFC 7323 §2.3 bounds the shift.
      case TCPOptionKind.windowScale: scale = bytes.uint8(at: option.offset + 2).map { min($0, 14) }
      case TCPOptionKind.maximumSegmentSize: segment = bytes.uint16(at: option.offset + 2).map { Int($0) } ?? segment
      default: break
      }
    }
  }
}

extension IPAddress {
  /// True for `::`, to which this host may send itself packets.
  fileprivate var isUnspecifiedV6: Bool { family == .ipv6 && bits == 0 }
}
