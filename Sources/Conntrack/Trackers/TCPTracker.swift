import Netfilter
import Wire

/// The result of a protocol's tracker.
enum TrackerResult: Sendable {
  case accept
  /// Not part of the connection: INVALID.
  case invalid(InvalidReason)
  case drop
  /// The connection was removed; the packet must be looked up again and starts a new one.
  case `repeat`
}

extension ConntrackCore {
  /// What is malformed about a segment; nil if nothing is. The corresponding kernel function is `tcp_error`.
  private static func fault(_ header: TCPHeader, at offset: Int, packet: Packet, checksMatter: Bool) -> InvalidReason? {
    if header.dataOffset < TCPHeader.minimumLength || packet.count &- offset < header.dataOffset { return .truncated }
    if checksMatter, packet.isTransportChecksumValid == false { return .badChecksum }
    // PSH, ECE and CWR are allowed with any flags. Of the others only these combinations are valid.
    switch header.flags.subtracting([.psh, .ece, .cwr]) {
    case .syn, [.syn, .urg], [.syn, .ack], .rst, [.rst, .ack], [.fin, .ack], [.fin, .ack, .urg], .ack, [.ack, .urg]:
      return nil
    default:
      return .flags(header.flags)
    }
  }

  /// Starts a TCP connection; false if the segment cannot start one. The corresponding kernel function is `tcp_new`.
  private mutating func startTCP(_ index: Int, _ segment: TCPSegment, in bytes: [UInt8]) -> Bool {
    let outcome = transitions.next(.none, segment.kind, .original)
    guard case .state(let next) = outcome else { return false }
    var state = TCPState()
    state.ends[0].end = segment.end
    state.ends[0].maxWindow = max(UInt32(segment.header.window), 1)
    state.ends[0].maxEnd = segment.end
    if next == .synSent {
      state.ends[0].readOptions(segment, in: bytes)
    } else {
      guard settings.tcp.loose else { return false }
      state.ends[0].maxEnd = segment.end &+ state.ends[0].maxWindow
      // It is unknown whether the ends use window scaling, so windows cannot be checked.
      state.ends[0].flags = [.sackPermitted, .beLiberal]
      state.ends[1].flags = [.sackPermitted, .beLiberal]
    }
    entries[index].tracker = .tcp(state)
    return true
  }

  /// Tracks a TCP segment. The corresponding kernel function is `nf_conntrack_tcp_packet`.
  mutating func trackTCP(_ index: Int, _ packet: Packet, at offset: Int, _ info: ConnectionInfo, _ hook: Hook, now: Instant)
    -> TrackerResult
  {
    let checksMatter = settings.checksum && hook == .prerouting
    guard let header = TCPHeader(packet.bytes, at: offset) else { return .invalid(.truncated) }
    if let fault = ConntrackCore.fault(header, at: offset, packet: packet, checksMatter: checksMatter) { return .invalid(fault) }
    let segment = TCPSegment(header, at: offset, count: packet.count)
    let direction = info.direction
    if !entries[index].status.contains(.confirmed), !startTCP(index, segment, in: packet.bytes) {
      return .invalid(.noConnection(header.flags))
    }
    guard case .tcp(var tcp) = entries[index].tracker else { return .invalid(.otherTracker) }
    defer {
      if case .tcp = entries[index].tracker { entries[index].tracker = .tcp(tcp) }
    }

    let old = tcp.state
    let step = decide(index, &tcp, segment, direction, in: packet.bytes)
    var next: TCPConntrackState
    var isOutsideWindowChecks = false
    switch step {
    case .finish(let result): return result
    case .reopen:
      remove(index, now: now)
      return .repeat
    case .go(let state): next = state
    case .goUnchecked(let state):
      next = state
      isOutsideWindowChecks = true
    case .resynchronized:
      next = .synReceived
    }
    let previous = if case .resynchronized = step { TCPConntrackState.synSent } else { old }

    if !isOutsideWindowChecks {
      let offset = sequenceOffset(index, direction.opposite, sequence: header.acknowledgment &- 1)
      switch tcp.track(segment, direction, in: packet.bytes, receiverOffset: offset, beLiberal: settings.tcp.beLiberal) {
      case .accept: break
      case .ignore: return .accept
      case .invalid(let reason):
        shortenAfterInvalid(index, &tcp, segment.kind, direction, now: now)
        return .invalid(reason)
      }
    }
    tcp.lastKind = segment.kind
    tcp.lastDirection = direction
    tcp.state = next
    if previous != next, next == .finWait { tcp.ends[Int(direction.rawValue)].flags.insert(.closeInitiator) }
    return settle(index, tcp, from: previous, segment.kind, info, bytes: packet.count, now: now)
  }

  /// The decision about a segment before the window check.
  private enum TCPStep {
    case finish(TrackerResult)
    case reopen
    case go(TCPConntrackState)
    case goUnchecked(TCPConntrackState)
    /// A SYN/ACK answers an ignored SYN: the entry takes over the state of the new connection.
    case resynchronized
  }

  /// Decides the transition before the window check.
  ///
  /// `mutating`: a nonmutating method would copy the table.
  private mutating func decide(
    _ index: Int, _ tcp: inout TCPState, _ segment: TCPSegment, _ direction: Direction, in bytes: [UInt8]
  ) -> TCPStep {
    switch transitions.next(tcp.state, segment.kind, direction) {
    case .invalid:
      return .finish(
        isKeptAliveForSynproxy(index, tcp, segment, direction)
          ? .accept : .invalid(.transition(segment.header.flags, in: tcp.state, direction)))
    case .ignore:
      return ConntrackCore.ignore(&tcp, segment, direction, in: bytes)
    case .state(.synSent):
      guard tcp.state.rawValue >= TCPConntrackState.timeWait.rawValue else { return .go(.synSent) }
      // RFC 9293 §3.6.1: a SYN may reopen a closed connection. A client may also start again after its reset.
      let isClosed = tcp.ends[0].flags.union(tcp.ends[1].flags).contains(.closeInitiator)
      if isClosed || (tcp.lastDirection == direction && tcp.lastKind == .rst) { return .reopen }
      return ConntrackCore.ignore(&tcp, segment, direction, in: bytes)
    case .state(.timeWait):
      if tcp.state == .lastAck, segment.kind == .ack, tcp.lastDirection != direction, tcp.lastKind == .syn,
        tcp.lastFlags.contains(.expectChallengeAck)
      {
        tcp.lastFlags.remove(.expectChallengeAck)
        return .finish(.accept)
      }
      return .go(.timeWait)
    case .state(.synSent2):
      tcp.lastFlags.insert(.simultaneousOpen)
      return .go(.synSent2)
    case .state(.synReceived):
      let completesOpen = direction == .reply && segment.kind == .ack && tcp.lastFlags.contains(.simultaneousOpen)
      return .go(completesOpen ? .established : .synReceived)
    case .state(.close) where segment.kind == .rst:
      return reset(index, &tcp, segment, direction)
    case .state(let next):
      return .go(next)
    }
  }

  /// True for a client's keep-alive while the SYN that the proxy sent to the server is unanswered. Such a segment must reach the proxy.
  private func isKeptAliveForSynproxy(_ index: Int, _ tcp: TCPState, _ segment: TCPSegment, _ direction: Direction) -> Bool {
    guard tcp.state == .synSent, segment.kind == .ack, direction == .original, tcp.lastDirection == .original,
      extensions[UInt32(index)]?.synproxy != nil
    else { return false }
    return tcp.ends[0].end &- 1 == segment.header.sequence
  }

  /// Accepts a segment unchecked and records its numbers, so the reply to it can be recognised.
  private static func ignore(_ tcp: inout TCPState, _ segment: TCPSegment, _ direction: Direction, in bytes: [UInt8]) -> TCPStep {
    let header = segment.header
    if segment.kind == .synAck, tcp.lastKind == .syn, tcp.lastDirection != direction,
      header.acknowledgment == tcp.lastEnd
    {
      let other = Int(tcp.lastDirection.rawValue)
      tcp.ends[other].end = tcp.lastEnd
      tcp.ends[other].maxEnd = tcp.lastEnd
      tcp.ends[other].maxWindow = max(UInt32(tcp.lastWindow), 1)
      tcp.ends[other].scale = tcp.lastScale
      tcp.lastFlags.remove(.expectChallengeAck)
      tcp.ends[other].flags = tcp.lastFlags
      tcp.ends[Int(direction.rawValue)] = TCPEnd()
      return .resynchronized
    }
    tcp.lastKind = segment.kind
    tcp.lastDirection = direction
    tcp.lastSequence = header.sequence
    tcp.lastEnd = segment.end
    tcp.lastWindow = header.window
    if segment.kind == .syn, direction == .original {
      var seen = TCPEnd()
      seen.readOptions(segment, in: bytes)
      tcp.lastFlags = seen.flags.intersection([.windowScale, .sackPermitted])
      tcp.lastScale = seen.flags.contains(.windowScale) ? seen.scale : 0
      if tcp.state == .lastAck { tcp.lastFlags.insert(.expectChallengeAck) }
    }
    if tcp.state == .synSent, segment.kind == .ack, direction == .reply { tcp.lastAck = header.acknowledgment }
    return .finish(.accept)
  }

  /// Decides whether a reset is valid. RFC 5961 requires exact sequence numbers.
  private mutating func reset(_ index: Int, _ tcp: inout TCPState, _ segment: TCPSegment, _ direction: Direction) -> TCPStep {
    let header = segment.header
    let status = entries[index].status
    // The entry of a closing connection may be stale, because its tuple is in use again. It may be evicted at any time anyway.
    if tcp.canBeDroppedEarly { return .goUnchecked(.close) }
    var next = TCPConntrackState.close
    let other = tcp.end(direction.opposite)
    let isEstablished = tcp.state == .established && status.contains(.assured)
    if other.flags.contains(.maxAckSet), tcp.lastKind != .syn {
      if header.sequence == 0, !isEstablished { return .go(next) }
      if header.sequence.isBefore(other.maxAck), !settings.tcp.ignoreInvalidReset {
        return .finish(.invalid(.resetBelowAcknowledged(header.sequence, acknowledged: other.maxAck)))
      }
      if !isEstablished || header.sequence == other.maxAck { return .go(next) }
      let endsTrain = tcp.lastKind == .ack && tcp.lastDirection == direction && header.sequence == tcp.lastEnd
      if endsTrain { return .go(next) }
      // The receiver may answer with a challenge ACK: keeps the state and shortens the timeout.
      next = tcp.state
    }
    let answersSyn = status.contains(.seenReply) && tcp.lastKind == .syn && tcp.lastDirection != direction
    let answersHalfOpen = !status.contains(.assured) && tcp.lastKind == .ack
    if answersSyn || answersHalfOpen, header.acknowledgment == tcp.lastEnd { return .goUnchecked(next) }
    if tcp.state == .synSent, tcp.lastKind == .ack, tcp.lastDirection == .reply, header.sequence == tcp.lastAck {
      return .goUnchecked(next)
    }
    return .go(next)
  }

  /// Shortens the timeout after an out-of-window FIN or RST that follows one in the other direction: the connection is over.
  /// The corresponding kernel function is `nf_tcp_handle_invalid`.
  private mutating func shortenAfterInvalid(
    _ index: Int, _ tcp: inout TCPState, _ kind: TCPSegmentKind, _ direction: Direction, now: Instant
  ) {
    let status = entries[index].status
    guard status.contains(.assured), !status.contains(.fixedTimeout), kind == .rst || kind == .fin else { return }
    guard tcp.lastDirection != direction, tcp.lastKind == .fin || tcp.lastKind == .rst else {
      tcp.lastKind = kind
      tcp.lastDirection = direction
      return
    }
    let expires = entries[index].expiry.wholeSeconds(since: now)
    let unacknowledged = timeouts(of: index).tcp.unacknowledged
    if expires >= 120, expires > unacknowledged { entries[index].expiry = now.adding(seconds: unacknowledged) }
  }

  /// Sets the timeout of the new state, removes an unanswered connection after a reset, and sets ASSURED after the handshake.
  private mutating func settle(
    _ index: Int, _ tcp: TCPState, from old: TCPConntrackState, _ kind: TCPSegmentKind, _ info: ConnectionInfo,
    bytes: Int, now: Instant
  ) -> TrackerResult {
    let limits = entries[index].features.contains(.timeoutPolicy) ? policySettings(index).tcp : settings.tcp
    let next = tcp.state
    var timeout = limits.timeout(of: next)
    let isUnacknowledged = tcp.ends[0].flags.union(tcp.ends[1].flags).contains(.dataUnacknowledged)
    if tcp.retransmissions >= limits.maxRetransmissions, timeout > limits.maxRetransmissionsTimeout {
      timeout = limits.maxRetransmissionsTimeout
    } else if kind == .rst {
      timeout = limits.close
    } else if isUnacknowledged, timeout > limits.unacknowledged {
      timeout = limits.unacknowledged
    } else if tcp.lastWindow == 0, timeout > limits.maxRetransmissionsTimeout {
      timeout = limits.maxRetransmissionsTimeout
    }
    if next != old { entries[index].pendingEvents.insert(.protocolInfo) }

    if !entries[index].status.contains(.seenReply) {
      if kind == .rst {
        account(index, info.direction, bytes: bytes)
        entries[index].tracker = .tcp(tcp)
        remove(index, now: now)
        return .accept
      }
      // A repeated SYN does not renew the timeout.
      if kind == .syn, old == .synSent { return .accept }
      if next == .established { timeout = min(timeout, limits.unacknowledged) }
    } else if !entries[index].status.contains(.assured), old == .synReceived || old == .established, next == .established {
      entries[index].status.insert(.assured)
      entries[index].pendingEvents.insert(.assured)
    }
    refresh(index, info.direction, timeout: timeout, bytes: bytes, now: now)
    return .accept
  }
}

extension TCPState {
  /// True for closing connections. The corresponding kernel function is `tcp_can_early_drop`.
  var canBeDroppedEarly: Bool {
    switch state {
    case .finWait, .lastAck, .timeWait, .close, .closeWait: true
    default: false
    }
  }
}

extension TCPSettings {
  /// The timeout of a state, in seconds.
  public func timeout(of state: TCPConntrackState) -> UInt32 {
    switch state {
    case .none, .synSent: synSent
    case .synReceived: synReceived
    case .established: established
    case .finWait: finWait
    case .closeWait: closeWait
    case .lastAck: lastAck
    case .timeWait: timeWait
    case .close: close
    case .synSent2: synSent2
    }
  }
}
