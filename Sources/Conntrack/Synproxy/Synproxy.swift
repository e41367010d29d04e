package import Netfilter
package import Wire

/// A SYN proxy. Answers SYNs for a server and opens the connection to the server after the client's ACK. Kernel: `nf_synproxy_core`.
///
/// The client gets sequence numbers and timestamps chosen by the proxy. Therefore those of the server are adjusted as long as the
/// connection exists.
package struct Synproxy {
  /// A segment that the proxy sends, with its attachment.
  package struct Segment {
    package var packet: Packet
    package var attachment: Attachment
  }

  /// The server's TCP options, as the rule configures them. The corresponding kernel structure is `nf_synproxy_info`.
  package struct Server {
    package var options: UInt8
    package var windowScale: UInt8
    package var segmentSize: UInt16

    package init(options: UInt8, windowScale: UInt8, segmentSize: UInt16) {
      self.options = options
      self.windowScale = windowScale
      self.segmentSize = segmentSize
    }
  }

  /// The verdict for a packet, and the segments to send instead of it.
  package struct Outcome {
    package var verdict: NetfilterVerdict
    package var sent: [Segment] = []
  }

  private let segment: TCPHeader
  private let source: IPAddress
  private let destination: IPAddress
  /// The TTL or hop limit of the segments that the proxy sends.
  private let ttl: UInt8
  private var options: SynproxyOptions

  /// Nil if the packet has no complete TCP header.
  package init?(_ packet: Packet, ttl: UInt8) {
    guard let at = packet.transport, let segment = packet.tcp, let options = SynproxyOptions(packet, segment, at: at.offset),
      let source = packet.source, let destination = packet.destination
    else { return nil }
    self.segment = segment
    self.source = source
    self.destination = destination
    self.ttl = ttl
    self.options = options
  }

  // MARK: Towards the client

  /// Processes a client's segment in target SYNPROXY. The corresponding kernel functions are `synproxy_tg4` and `synproxy_tg6`.
  /// - Returns: nil for a segment that the target does not process.
  package func handshake(_ server: Server, _ attachment: Attachment, in table: ConntrackTable, now: Instant) -> Outcome? {
    switch segment.flags.intersection([.syn, .ack, .fin, .rst]) {
    case .syn: Outcome(verdict: .stolen, sent: answer(server, attachment, cookie(table), now: now).map { [$0] } ?? [])
    case .ack: opening(first: segment.sequence, cookie(table), now: now)
    default: nil
    }
  }

  private func cookie(_ table: ConntrackTable) -> SynproxyCookie {
    let flow = Tuple(
      family: source.family, proto: .tcp, sourceBits: source.bits, sourceID: segment.sourcePort, destinationBits: destination.bits,
      destinationID: segment.destinationPort)
    return SynproxyCookie(flow, table.core.seed)
  }

  /// The corresponding kernel function is `synproxy_send_client_synack`.
  private func answer(_ server: Server, _ attachment: Attachment, _ cookie: SynproxyCookie, now: Instant) -> Segment? {
    var options = options
    if segment.flags.isSuperset(of: [.ece, .cwr]) { options.known |= SynproxyOptions.Bit.congestionNotification }
    options.known &= server.options
    let sequence = cookie.sequence(client: segment.sequence, segmentSize: options.segmentSize, now: now)
    options.segmentSize = server.segmentSize
    if options.has(SynproxyOptions.Bit.timestamp) {
      options.encodeInTimestamp(windowScale: server.windowScale, milliseconds: now.nanoseconds / 1_000_000)
    } else {
      // Without timestamps the proxy cannot encode the client's other options.
      options.known &= SynproxyOptions.Bit.segmentSize
    }
    var fields = back(options.has(SynproxyOptions.Bit.congestionNotification) ? [.syn, .ack, .ece] : [.syn, .ack], options)
    (fields.sequence, fields.acknowledgment, fields.window) = (sequence, segment.sequence &+ 1, 0)
    guard let packet = try? fields.packet() else { return nil }
    return Segment(packet: packet, attachment: attachment.connection.map { .connection($0, .establishedReply) } ?? .none)
  }

  /// Opens the connection to the server after the client's ACK. The corresponding kernel functions are `synproxy_recv_client_ack` and
  /// `synproxy_send_server_syn`.
  /// - Parameter first: the sequence number after the client's SYN.
  private func opening(first: UInt32, _ cookie: SynproxyCookie, now: Instant) -> Outcome {
    // As the kernel: for a keep-alive the cookie is checked with its own sequence number, one less than `first`, and decodes to the next
    // segment size.
    guard let size = cookie.segmentSize(in: segment.acknowledgment &- 1, client: segment.sequence &- 1, now: now) else {
      return Outcome(verdict: .drop)
    }
    var options = options
    options.segmentSize = size
    options.known |= SynproxyOptions.Bit.segmentSize
    if options.has(SynproxyOptions.Bit.timestamp) { options.decodeTimestamp() }
    var fields = forth(options.has(SynproxyOptions.Bit.congestionNotification) ? [.syn, .ece, .cwr] : .syn, options)
    // The SYN carries the sequence number sent to the client as its acknowledgment; `relay` reads it when this segment leaves.
    (fields.sequence, fields.acknowledgment, fields.window) = (first &- 1, segment.acknowledgment &- 1, segment.window)
    guard let packet = try? fields.packet() else { return Outcome(verdict: .drop) }
    return Outcome(verdict: .stolen, sent: [Segment(packet: packet, attachment: .template(Template(isSynproxied: true)))])
  }

  // MARK: Between client and server

  /// Processes the segments of a connection opened by the proxy, at POSTROUTING and INPUT. The corresponding kernel functions are
  /// `ipv4_synproxy_hook` and `ipv6_synproxy_hook`.
  /// - Parameter send: sends a segment at once.
  package func relay(
    _ packet: inout Packet, _ handle: ConnectionHandle, _ direction: Direction, in table: ConntrackTable, now: Instant,
    send: (Segment) -> Void
  ) -> NetfilterVerdict {
    guard let connection = table[handle], case .tcp(let tracker) = connection.tracker, var state = table.core.details(of: handle)?.synproxy
    else {
      return .accept
    }
    switch tracker.state {
    case .close where segment.flags.contains(.rst) && direction == .reply:
      table.core.beginAdjusting(handle, direction, by: state.initialSequence &- segment.sequence &+ 1)
    case .close where segment.flags.contains(.syn) && !segment.flags.contains(.ack) && direction == .original:
      // The connection is opened again: no timestamp offset until the server has answered.
      state.timestampOffset = 0
      begin(&state, handle, in: table)
    case .synSent:
      if !segment.flags.contains(.syn), segment.flags.contains(.ack), direction == .original {
        // A keep-alive has the sequence number of the SYN.
        let outcome = opening(first: segment.sequence &+ 1, cookie(table), now: now)
        outcome.sent.forEach(send)
        return outcome.verdict
      }
      begin(&state, handle, in: table)
    case .synReceived where segment.flags.isSuperset(of: [.syn, .ack]):
      open(tracker, &state, handle, direction, in: table, send)
      return .stolen
    default: break
    }
    table.core.update(handle) { $0.synproxy = state }
    adjustTimestamps(&packet, direction, by: state.timestampOffset)
    return .accept
  }

  /// Records the client's and the proxy's sequence numbers when the SYN to the server leaves.
  private func begin(_ state: inout SynproxyState, _ handle: ConnectionHandle, in table: ConntrackTable) {
    state.initialSequence = segment.acknowledgment
    if options.has(SynproxyOptions.Bit.timestamp) { state.initialTimestamp = options.echoedTimestamp }
    table.core.note(.synproxy, of: handle)
  }

  /// Processes the server's SYN/ACK: sends an ACK to the server, and a window update to the client, whose window was 0 until now. The
  /// corresponding kernel functions are `synproxy_send_server_ack` and `synproxy_send_client_ack`.
  private func open(
    _ tracker: TCPState, _ state: inout SynproxyState, _ handle: ConnectionHandle, _ direction: Direction, in table: ConntrackTable,
    _ send: (Segment) -> Void
  ) {
    var options = options
    if options.has(SynproxyOptions.Bit.timestamp) {
      state.timestampOffset = options.timestamp &- state.initialTimestamp
      table.core.note(.synproxy, of: handle)
    }
    let known = state
    table.core.update(handle) { $0.synproxy = known }
    options.known &= ~(SynproxyOptions.Bit.segmentSize | SynproxyOptions.Bit.windowScale | SynproxyOptions.Bit.selectiveAcknowledgment)
    var echo = options
    (echo.timestamp, echo.echoedTimestamp) = (options.echoedTimestamp, options.timestamp)
    var toServer = back(.ack, echo)
    (toServer.sequence, toServer.acknowledgment) = (segment.acknowledgment, segment.sequence &+ 1)
    toServer.window = UInt16(truncatingIfNeeded: tracker.end(.original).maxWindow)
    if let packet = try? toServer.packet() { send(Segment(packet: packet, attachment: .none)) }
    // The ACK to the server has the server's own sequence numbers. Later segments are adjusted.
    table.core.beginAdjusting(handle, direction, by: state.initialSequence &- segment.sequence)
    table.core.note(.sequenceAdjust, of: handle)
    var toClient = forth(.ack, options)
    (toClient.sequence, toClient.acknowledgment) = (segment.sequence &+ 1, segment.acknowledgment)
    toClient.window = segment.window >> UInt16(options.windowScale)
    if let packet = try? toClient.packet() { send(Segment(packet: packet, attachment: .connection(handle, .establishedReply))) }
  }

  /// Adjusts the server's timestamps to those sent to the client. The corresponding kernel function is `synproxy_tstamp_adjust`.
  private func adjustTimestamps(_ packet: inout Packet, _ direction: Direction, by offset: UInt32) {
    guard offset != 0, let at = packet.transport else { return }
    for option in segment.options(in: packet.bytes, at: at.offset) where option.kind == TCPOptionKind.timestamps && option.length == 10 {
      let place = option.offset + (direction == .reply ? 2 : 6)
      guard let old = packet.bytes.uint32(at: place), let sum = packet.bytes.uint16(at: at.offset + TCPHeader.Offset.checksum) else {
        return
      }
      let new = direction == .reply ? old &- offset : old &+ offset
      packet.bytes.setUInt32(new, at: place)
      packet.bytes.setUInt16(Checksum.updated(sum, from: old, to: new), at: at.offset + TCPHeader.Offset.checksum)
      return
    }
  }

  // MARK: Segments

  private func forth(_ flags: TCPFlags, _ options: SynproxyOptions) -> PacketFields {
    fields(from: source, segment.sourcePort, to: destination, segment.destinationPort, flags, options)
  }

  private func back(_ flags: TCPFlags, _ options: SynproxyOptions) -> PacketFields {
    fields(from: destination, segment.destinationPort, to: source, segment.sourcePort, flags, options)
  }

  private func fields(
    from source: IPAddress, _ sourcePort: UInt16, to destination: IPAddress, _ destinationPort: UInt16, _ flags: TCPFlags,
    _ options: SynproxyOptions
  ) -> PacketFields {
    var fields = PacketFields(source, destination, proto: .tcp)
    fields.identification = 0
    fields.dontFragment = true
    fields.ttl = ttl
    (fields.sourcePort, fields.destinationPort) = (sourcePort, destinationPort)
    (fields.tcpFlags, fields.tcpOptions) = (flags, options.bytes)
    return fields
  }
}

extension ConntrackCore {
  /// Adds an event to be recorded at the connection's next `confirm`.
  mutating func note(_ event: ConnectionEvents, of handle: ConnectionHandle) {
    if let slot = slot(handle) { entries[slot].pendingEvents.insert(event) }
  }

  /// Adjusts all later sequence numbers of a direction. The corresponding kernel function is `nf_ct_seqadj_init`.
  mutating func beginAdjusting(_ handle: ConnectionHandle, _ direction: Direction, by offset: UInt32) {
    guard offset != 0, let slot = slot(handle) else { return }
    entries[slot].status.insert(.sequenceAdjust)
    extend(slot) {
      $0.sequenceAdjustments[Int(direction.rawValue)].offsetBefore = Int32(bitPattern: offset)
      $0.sequenceAdjustments[Int(direction.rawValue)].offsetAfter = Int32(bitPattern: offset)
    }
  }
}
