import Wire
import XTables

/// An acknowledgment that waits to be sent with data. Kernel: `ICSK_ACK_SCHED` and `ICSK_ACK_TIMER`.
struct DelayedAcknowledgment {
  /// The time at which it is sent alone, in nanoseconds of the world's clock.
  var deadline: UInt64
  /// True if it acknowledges data, not only a FIN.
  var hasData: Bool
}

/// Delayed acknowledgments of a process that answers data with data.
extension Simulator {
  /// The shortest delay, in nanoseconds. Kernel: `TCP_ATO_MIN`, `TCP_DELACK_MIN`.
  static let shortestDelay: UInt64 = 40_000_000

  /// Delays an acknowledgment. It is sent at once if data waits already, or if its time has almost come: the delay is unknown, and taken as 0,
  /// before the first data.
  ///
  /// The corresponding kernel functions are `tcp_send_delayed_ack` and `tcp_cleanup_rbuf`.
  func delay(_ pair: SocketPair, _ connection: inout StackConnection, hasData: Bool) {
    let delay = connection.lastReceived == nil ? 0 : Self.shortestDelay
    let deadline = world.now &+ delay
    guard let waiting = connection.delayed else {
      connection.delayed = DelayedAcknowledgment(deadline: deadline, hasData: hasData)
      return
    }
    if hasData && waiting.hasData || waiting.deadline <= world.now &+ delay / 4 { return sendSegment(pair, &connection, .ack) }
    connection.delayed = DelayedAcknowledgment(deadline: min(deadline, waiting.deadline), hasData: hasData || waiting.hasData)
  }

  /// The connections whose delayed acknowledgment is sent before `end`.
  func expireDelayedAcknowledgments(by end: UInt64) -> [(pair: SocketPair, deadline: UInt64)] {
    let due = stack.connections.filter { $0.value.delayed.map { $0.deadline < end } == true }
    return due.sorted { $0.value.order < $1.value.order }.map { ($0.key, $0.value.delayed?.deadline ?? end) }
  }

  /// Sends a delayed acknowledgment. The corresponding kernel function is `tcp_delack_timer_handler`.
  func acknowledgeLate(_ pair: SocketPair) {
    guard var connection = stack.connections[pair], connection.delayed != nil else { return }
    connection.isInteractive = false
    sendSegment(pair, &connection, .ack)
    stack.connections[pair] = connection
  }
}
