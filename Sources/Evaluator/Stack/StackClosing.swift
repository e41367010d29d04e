import Wire
import XTables

/// TCP connections after this host has closed them first. Kernel: `inet_timewait_sock`.
extension Simulator {
  /// Handles a segment for a connection in TIME_WAIT or FIN_WAIT2. The corresponding kernel function is `tcp_timewait_state_process`.
  func answerLate(_ found: StackConnection, _ pair: SocketPair, _ header: TCPHeader, _ length: Int, _ packet: Packet) {
    var connection = found
    let isExpected = header.sequence == connection.receiveNext
    let hasFin = header.flags.contains(.fin)
    if header.flags.contains(.rst) {
      if isExpected { stack.connections[pair] = nil }
      return
    }
    if connection.state == .timeWait {
      if isExpected, length == 0, !hasFin, !header.flags.contains(.syn) { return }
      let isLater = Int32(bitPattern: header.sequence &- connection.receiveNext) > 0
      if header.flags.contains(.syn), !header.flags.contains(.ack), isLater, let at = packet.transport {
        stack.connections[pair] = nil
        return respondSegment(packet, at, receiver: nil)
      }
    } else if isExpected {
      guard header.flags.contains(.ack), length > 0 || hasFin else { return }
      // No process can receive the data.
      guard length == 0, hasFin else {
        stack.connections[pair] = nil
        return reset(packet, header, length)
      }
      connection.receiveNext &+= 1
      connection.state = .timeWait
    }
    sendSegment(pair, &connection, .ack)
    stack.connections[pair] = connection
  }
}
