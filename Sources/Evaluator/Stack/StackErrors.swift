import Wire
import XTables

/// ICMP errors about connections that are not established yet. Later, an error changes nothing that others see.
extension Simulator {
  /// Ends a connection whose SYN an ICMP error quotes, and a request whose SYN-ACK it quotes.
  ///
  /// The corresponding kernel functions are `tcp_v4_err`, `tcp_v6_err` and `tcp_req_err`.
  func receiveError(_ packet: Packet, _ at: TransportLocator) {
    guard packet.isTransportChecksumValid == true, let header = packet.icmp ?? packet.icmpv6,
      let (error, isFatal) = at.family == .ipv4 ? Self.meaning(header) : Self.meaningV6(header)
    else { return }
    let quoted = Packet(bytes: Array(packet.bytes[(at.offset + ICMPHeader.length)...]))
    guard let place = quoted.transport, place.proto == .tcp, place.fragmentOffset == 0, let source = quoted.source,
      let destination = quoted.destination, let ports = quoted.bytes.uint32(at: place.offset),
      let sequence = quoted.bytes.uint32(at: place.offset + TCPHeader.Offset.sequence)
    else { return }
    let pair = SocketPair(
      local: SocketEvent.End(source, UInt16(ports >> 16)), remote: SocketEvent.End(destination, UInt16(truncatingIfNeeded: ports)))
    guard let connection = stack.connections[pair] else { return }
    switch connection.state {
    case .synReceived:
      if isFatal, sequence == connection.initialSequence { stack.connections[pair] = nil }
    case .synSent, .synCrossed:
      guard event.opening != pair, sequence &- connection.initialSequence <= 1 else { return }
      fail(connection, pair, error)
    default: break
    }
  }

  /// The error for the process, and whether it ends a request; nil for messages that are no such errors. Kernel: `icmp_err_convert`.
  private static func meaning(_ header: ICMPHeader) -> (SendError, isFatal: Bool)? {
    switch (header.type, header.code) {
    case (3, 0): (.networkUnreachable, true)
    case (3, 1): (.hostUnreachable, true)
    case (3, 2): (.noProtocolOption, false)
    case (3, 3): (.connectionRefused, false)
    case (3, 5): (.notSupported, false)
    case (3, 6), (3, 9), (3, 11): (.networkUnreachable, false)
    case (3, 7): (.hostDown, false)
    case (3, 8): (.noNetwork, false)
    case (3, 10), (3, 12...15): (.hostUnreachable, false)
    case (11, _): (.hostUnreachable, true)
    case (12, _): (.protocolError, true)
    default: nil
    }
  }

  /// As ``meaning(_:)``, for ICMPv6. The corresponding kernel function is `icmpv6_err_convert`.
  private static func meaningV6(_ header: ICMPHeader) -> (SendError, isFatal: Bool)? {
    switch (header.type, header.code) {
    case (1, 0): (.networkUnreachable, false)
    case (1, 2), (1, 3): (.hostUnreachable, false)
    case (1, 4): (.connectionRefused, true)
    case (1, 1), (1, 5), (1, 6): (.accessDenied, true)
    case (1, _), (4, _): (.protocolError, true)
    case (3, _): (.hostUnreachable, false)
    default: nil
    }
  }
}
