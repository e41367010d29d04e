import Conntrack
import Wire
import XTables

/// TCP connections after this host has closed them first. Kernel: `inet_timewait_sock`.
extension Simulator {
  /// Ends an event: packets that it has deferred, and processes that accept connections.
  func settleEvent() {
    settlePostponed()
    let refused = stack.unaccepted.filter { !$0.canBeAccepted }
    if !refused.isEmpty {
      for pair in refused { closeUnaccepted(pair) }
      settlePostponed()
    }
    stack.acceptAll()
  }

  /// The kernel closes a connection that it cannot hand to its process: `accept` fails with ECONNABORTED. With unread data, it is reset.
  /// The corresponding kernel functions are `do_accept` and `__tcp_close`.
  private func closeUnaccepted(_ pair: SocketPair) {
    guard var connection = stack.connections[pair] else { return }
    let hasUnread = connection.lastReceived != nil
    connection.facts.hasFile = true
    sendSegment(pair, &connection, hasUnread ? [.rst, .ack] : [.fin, .ack])
    connection.facts.hasFile = false
    connection.state = connection.state == .closeWait ? .lastAck : .finWait
    stack.connections[pair] = hasUnread ? nil : connection
    stack.unaccepted.removeAll { $0 == pair }
  }

  /// Handles a segment for a connection in TIME_WAIT or FIN_WAIT2. The corresponding kernel function is `tcp_timewait_state_process`.
  func answerLate(_ found: StackConnection, _ pair: SocketPair, _ header: TCPHeader, _ length: Int, _ packet: Packet) {
    var connection = found
    let isExpected = header.sequence == connection.receiveNext
    let hasFin = header.flags.contains(.fin)
    if header.flags.contains(.rst) {
      if isExpected { stack.connections[pair] = nil }
      return
    }
    if connection.state == .finWait2, header.flags.contains(.syn), !header.sequence.isBefore(connection.receiveNext),
      !header.sequence.isAfter(connection.receiveNext &+ connection.window)
    {
      stack.connections[pair] = nil
      return reset(packet, header, length, by: connection)
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
        return reset(packet, header, length, by: connection)
      }
      connection.receiveNext &+= 1
      connection.state = .timeWait
    }
    sendSegment(pair, &connection, .ack)
    stack.connections[pair] = connection
  }
}
