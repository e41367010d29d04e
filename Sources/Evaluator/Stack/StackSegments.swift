import Conntrack
import Wire
import XTables

/// A segment that arrived for a connection.
struct TCPArrival {
  let header: TCPHeader
  let data: [UInt8]

  init(_ header: TCPHeader, _ data: [UInt8]) { (self.header, self.data) = (header, data) }

  var sequence: UInt32 { header.sequence }
  /// The sequence number after the data.
  var dataEnd: UInt32 { sequence &+ (header.flags.contains(.syn) ? 1 : 0) &+ UInt32(truncatingIfNeeded: data.count) }
  /// The sequence number after the segment.
  var end: UInt32 { dataEnd &+ (hasFin ? 1 : 0) }
  var hasFin: Bool { header.flags.contains(.fin) }
}

/// Segments of connections that are established or closing.
extension Simulator {
  /// Receives a segment. The corresponding kernel functions are `tcp_rcv_established` and `tcp_rcv_state_process`.
  func receiveSegment(_ found: StackConnection, _ pair: SocketPair, _ arrival: TCPArrival, _ packet: Packet) {
    var connection = found
    guard !arrival.header.flags.isDisjoint(with: [.ack, .rst, .syn]) else {
      stack.connections[pair] = connection
      return
    }
    switch outcome(of: arrival, &connection, pair) {
    case .kept: stack.connections[pair] = connection
    case .ended: stack.connections[pair] = nil
    case .failed: fail(connection, pair, .connectionReset)
    case .refused:
      stack.connections[pair] = connection
      reset(packet, arrival.header, arrival.data.count, by: connection)
    case .aborted:
      stack.connections[pair] = nil
      reset(packet, arrival.header, arrival.data.count, by: connection)
    }
  }

  /// What becomes of a connection.
  private enum Outcome {
    case kept
    /// The connection is over.
    case ended
    /// The peer has reset the connection.
    case failed
    /// The segment is answered with a reset.
    case refused
    /// The segment is answered with a reset, and the connection is over.
    case aborted
  }

  private func outcome(of arrival: TCPArrival, _ connection: inout StackConnection, _ pair: SocketPair) -> Outcome {
    switch validate(arrival, &connection, pair) {
    case .passed: break
    case .answered: return .kept
    case .reset: return .failed
    }
    let isOpening = connection.state == .synCrossed
    let isPredicted = connection.predicts(arrival)
    let hasNews = arrival.header.acknowledgment != connection.sent.acknowledged
    switch connection.sent.judge(arrival.header, next: connection.sendNext) {
    case .accepted: break
    case .old where !isOpening: break
    case .old, .tooOld, .unsent:
      if isOpening { return .refused }
      // Linux 6.18 also challenges an acknowledgment of what was not sent (RFC 9293, section 3.10.7.4).
      challenge(pair, &connection)
      if isPredicted, arrival.data.isEmpty { pushUnsent(pair, &connection) }
      return .kept
    }
    if let outcome = acknowledge(arrival, &connection) { return outcome }
    let isNew = arrival.dataEnd.isAfter(connection.receiveNext)
    switch connection.state {
    case .closeWait, .closing, .lastAck:
      // Behind the peer's FIN nothing follows.
      if !arrival.sequence.isBefore(connection.receiveNext) {
        pushUnsent(pair, &connection)
        if connection.delayed != nil { delay(pair, &connection, hasData: false) }
        return .kept
      }
      if isNew && arrival.end != arrival.sequence { return .aborted }
    // No process can receive the data.
    case .finWait, .finWait2:
      if isNew && arrival.end != arrival.sequence { return .aborted }
    default: break
    }
    queue(arrival, &connection, pair, isPlain: isPredicted && !hasNews)
    return .kept
  }

  /// Notes what an acknowledgment means for the state. Returns an outcome if the segment is not processed further.
  private func acknowledge(_ arrival: TCPArrival, _ connection: inout StackConnection) -> Outcome? {
    if connection.state == .synCrossed { connection.state = .established }
    guard connection.sent.acknowledged == connection.sendNext, connection.unsent.isEmpty else { return nil }
    switch connection.state {
    case .finWait:
      connection.state = .finWait2
      if arrival.dataEnd.isAfter(connection.receiveNext), arrival.end != arrival.sequence { return .aborted }
      if arrival.hasFin { return nil }
    case .closing: connection.state = .timeWait
    case .lastAck: return .ended
    default: return nil
    }
    connection.freeze()
    return .kept
  }

  private enum Validity { case passed, answered, reset }

  /// Checks a segment's place, and its RST and SYN flags. The corresponding kernel function is `tcp_validate_incoming`.
  private func validate(_ arrival: TCPArrival, _ connection: inout StackConnection, _ pair: SocketPair) -> Validity {
    let flags = arrival.header.flags
    // The corresponding kernel function is `tcp_reset_check`.
    let isBehindFin = [.closeWait, .lastAck, .closing].contains(connection.state) && arrival.sequence == connection.receiveNext &- 1
    guard connection.mayHold(arrival) else {
      if flags.contains(.rst) { return isBehindFin ? .reset : .answered }
      if flags.contains(.syn) {
        challenge(pair, &connection)
      } else if mayAnswer(arrival, &connection) {
        sendSegment(pair, &connection, .ack)
      }
      return .answered
    }
    if flags.contains(.rst) {
      if arrival.sequence == connection.receiveNext || isBehindFin { return .reset }
      challenge(pair, &connection)
      return .answered
    }
    guard flags.contains(.syn) else { return .passed }
    // The SYN-ACK of a peer whose SYN has crossed the host's.
    if connection.state == .synCrossed, flags.contains(.ack), arrival.end == connection.receiveNext, arrival.end == arrival.sequence &+ 1,
      arrival.header.acknowledgment == connection.sendNext
    {
      return .passed
    }
    challenge(pair, &connection)
    return .answered
  }

  /// Sends a challenge ACK (RFC 5961), at most one in half a second. The corresponding kernel function is `tcp_send_challenge_ack`.
  func challenge(_ pair: SocketPair, _ connection: inout StackConnection) {
    if mayAnswerUnexpected(&connection) { sendSegment(pair, &connection, .ack) }
  }

  /// Limits answers to segments outside of the window. Segments with data do not answer each other without end. The corresponding kernel function
  /// is `tcp_oow_rate_limited`.
  func mayAnswer(_ arrival: TCPArrival, _ connection: inout StackConnection) -> Bool {
    arrival.end != arrival.sequence && !arrival.header.flags.contains(.syn) || mayAnswerUnexpected(&connection)
  }

  /// Queues a segment's data for the process. The corresponding kernel function is `tcp_data_queue`.
  ///
  /// - Parameter isPlain: true if the segment brings data and nothing else that is new; what is unsent is then not looked at.
  private func queue(_ arrival: TCPArrival, _ connection: inout StackConnection, _ pair: SocketPair, isPlain: Bool) {
    guard arrival.end != arrival.sequence else { return pushUnsent(pair, &connection) }
    guard arrival.end.isAfter(connection.receiveNext) else {
      // A repeated segment is acknowledged at once.
      connection.isInteractive = false
      return answerData(pair, &connection)
    }
    guard !arrival.sequence.isAfter(connection.receiveNext) else {
      connection.early.append(arrival)
      return answerData(pair, &connection)
    }
    let fillsGap = !connection.early.isEmpty
    var data: [UInt8] = []
    var hasFin = connection.take(arrival, &data)
    while !hasFin, let next = connection.early.firstIndex(where: { !$0.sequence.isAfter(connection.receiveNext) }) {
      let early = connection.early.remove(at: next)
      if early.end.isAfter(connection.receiveNext) { hasFin = connection.take(early, &data) }
    }
    if !data.isEmpty {
      connection.lastReceived = world.now
      if pair.canBeAccepted { event.report.sockets.append(.received(socket: connection.name, data: data, from: nil)) }
    }
    let wasClosed = connection.state != .established
    if hasFin { noteFin(&connection, isSeen: pair.canBeAccepted) }
    if wasClosed {
      sendSegment(pair, &connection, .ack)
      pushUnsent(pair, &connection)
    } else if !connection.unsent.isEmpty, !isPlain {
      pushUnsent(pair, &connection)
    } else if fillsGap || !connection.isInteractive {
      sendSegment(pair, &connection, .ack)
    } else {
      delay(pair, &connection, hasData: !data.isEmpty)
    }
    if connection.state == .timeWait { connection.freeze() }
  }

  /// Acknowledges at once, with what is unsent, if there is something. The corresponding kernel functions are `tcp_data_snd_check` and
  /// `tcp_ack_snd_check`.
  private func answerData(_ pair: SocketPair, _ connection: inout StackConnection) {
    if connection.unsent.isEmpty { sendSegment(pair, &connection, .ack) } else { pushUnsent(pair, &connection) }
  }

  /// Notes the peer's FIN. The corresponding kernel function is `tcp_fin`.
  ///
  /// - Parameter isSeen: true if a process reads the end.
  private func noteFin(_ connection: inout StackConnection, isSeen: Bool) {
    connection.receiveNext &+= 1
    switch connection.state {
    case .established:
      connection.state = .closeWait
      // The process may send data with the acknowledgment: enters "pingpong" mode.
      connection.isInteractive = true
      if isSeen { event.report.sockets.append(.closed(socket: connection.name)) }
    case .finWait: connection.state = .closing
    case .finWait2: connection.state = .timeWait
    default: break
    }
  }

  /// Ends a connection that the peer has reset. The corresponding kernel function is `tcp_reset`.
  func fail(_ connection: StackConnection, _ pair: SocketPair, _ error: SendError) {
    stack.connections[pair] = nil
    guard connection.facts.hasFile else { return }
    if !connection.name.isEmpty { stack.broken.insert(connection.name) }
    // The process has read the end already.
    guard connection.state != .closeWait else { return }
    event.report.sockets.append(.failed(socket: connection.name, error: error))
  }
}

extension StackConnection {
  /// True if some byte of a segment may be in the receive window. The corresponding kernel function is `tcp_sequence`.
  fileprivate func mayHold(_ arrival: TCPArrival) -> Bool {
    !arrival.end.isBefore(windowBase) && !arrival.sequence.isAfter(windowBase &+ window)
  }

  /// True for a segment in order, with an acknowledgment of something sent and the window that is known ("header prediction"). The corresponding
  /// kernel function is `tcp_rcv_established`.
  fileprivate func predicts(_ arrival: TCPArrival) -> Bool {
    let header = arrival.header
    guard state == .established, early.isEmpty, header.flags.subtracting(.psh) == .ack, header.dataOffset == TCPHeader.minimumLength,
      arrival.sequence == receiveNext, !header.acknowledgment.isAfter(sendNext), sent.hasWindow(of: header)
    else { return false }
    // The first segment from a listener with a scaled window is not predicted.
    return listener != nil || sent.scale == 0 || lastReceived != nil
  }

  /// Appends the new part of a segment's data. Returns true if the segment ends the stream.
  fileprivate mutating func take(_ arrival: TCPArrival, _ data: inout [UInt8]) -> Bool {
    data += arrival.data.dropFirst(Int(receiveNext &- arrival.sequence))
    if arrival.dataEnd.isAfter(receiveNext) { receiveNext = arrival.dataEnd }
    return arrival.hasFin
  }
}
