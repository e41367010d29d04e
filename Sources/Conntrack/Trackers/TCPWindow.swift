import Wire

/// A segment as the window tracking sees it.
struct TCPSegment {
  var header: TCPHeader
  var kind: TCPSegmentKind
  /// The sequence number after the segment; payload, SYN and FIN count.
  var end: UInt32
  /// The position of the header in the packet.
  var offset: Int

  /// Creates a segment. The header must be complete.
  init(_ header: TCPHeader, at offset: Int, count: Int) {
    self.header = header
    self.offset = offset
    kind = TCPSegmentKind(header.flags)
    end =
      header.sequence &+ UInt32(truncatingIfNeeded: count &- offset &- header.dataOffset)
      &+ (header.flags.contains(.syn) ? 1 : 0) &+ (header.flags.contains(.fin) ? 1 : 0)
  }
}

extension TCPEnd {
  /// Reads window scaling and SACK-permitted from the options of a SYN. The corresponding kernel function is `tcp_options`.
  mutating func readOptions(_ segment: TCPSegment, in bytes: [UInt8]) {
    guard segment.header.dataOffset > TCPHeader.minimumLength else { return }
    scale = 0
    flags.formIntersection(.beLiberal)
    for option in segment.header.options(in: bytes, at: segment.offset) {
      switch (option.kind, option.length) {
      case (TCPOptionKind.sackPermitted, 2): flags.insert(.sackPermitted)
      case (TCPOptionKind.windowScale, 3):
        // RFC 7323 §2.3 bounds the shift.
        scale = min(bytes.uint8(at: option.offset &+ 2) ?? 0, 14)
        flags.insert(.windowScale)
      default: break
      }
    }
  }

  /// The highest right edge of the selective acknowledgments, or `ack`. The corresponding kernel function is `tcp_sack`.
  static func selectiveAck(_ segment: TCPSegment, in bytes: [UInt8], ack: UInt32) -> UInt32 {
    guard segment.header.dataOffset > TCPHeader.minimumLength else { return ack }
    var highest = ack
    for option in segment.header.options(in: bytes, at: segment.offset)
    where option.kind == TCPOptionKind.sack && option.length >= 10 && (option.length &- 2) % 8 == 0 {
      for edge in stride(from: option.offset &+ 6, to: option.offset &+ option.length, by: 8) {
        if let right = bytes.uint32(at: edge), right.isAfter(highest) { highest = right }
      }
      break
    }
    return highest
  }

  /// The maximum distance of an acknowledgment below `end`, in bytes.
  var maxAckWindow: UInt32 { Swift.max(maxWindow, 66_000) }
}

extension TCPState {
  enum WindowResult: Sendable {
    case accept
    /// Accepts the segment; changes neither state nor timeout.
    case ignore
    case invalid(InvalidReason)
  }

  /// Initialises an end from its SYN or SYN/ACK. The corresponding kernel function is `tcp_init_sender`.
  private mutating func initialize(_ direction: Direction, from segment: TCPSegment, in bytes: [UInt8]) {
    let (sender, receiver) = (Int(direction.rawValue), Int(direction.opposite.rawValue))
    ends[sender].end = segment.end
    ends[sender].maxEnd = segment.end
    ends[sender].maxWindow = Swift.max(UInt32(segment.header.window), 1)
    ends[sender].readOptions(segment, in: bytes)
    // Scaling is used only if both ends offered it (RFC 7323 §2.2).
    if direction == .reply, !(ends[sender].flags.contains(.windowScale) && ends[receiver].flags.contains(.windowScale)) {
      ends[sender].scale = 0
      ends[receiver].scale = 0
    }
  }

  /// Checks a segment against the windows of both ends and updates them. The corresponding kernel function is `tcp_in_window`.
  /// - Parameter receiverOffset: the offset that NAT added to the other direction's sequence numbers at this acknowledgment.
  mutating func track(
    _ segment: TCPSegment, _ direction: Direction, in bytes: [UInt8], receiverOffset: UInt32, beLiberal: Bool
  ) -> WindowResult {
    let (sender, receiver) = (Int(direction.rawValue), Int(direction.opposite.rawValue))
    let header = segment.header
    var sequence = header.sequence
    var end = segment.end
    var ack = header.acknowledgment
    var sack = ack
    if ends[receiver].flags.contains(.sackPermitted) { sack = TCPEnd.selectiveAck(segment, in: bytes, ack: ack) }
    ack &-= receiverOffset
    sack &-= receiverOffset

    if ends[sender].maxWindow == 0 {
      if header.flags.contains(.syn) {
        initialize(direction, from: segment, in: bytes)
        if !header.flags.contains(.ack) { return .accept }
      } else {
        pickUp(sender, receiver, end: end, window: UInt32(header.window), sack: sack)
      }
    } else if header.flags.contains(.syn), end.isAfter(ends[sender].end), state == .synSent || state == .synReceived {
      initialize(direction, from: segment, in: bytes)
      if direction == .reply, !header.flags.contains(.ack) { return .accept }
    }

    // Without an ACK flag, and for resets with ACK number 0, uses a fitting acknowledgment.
    if !header.flags.contains(.ack) || (header.flags.contains(.rst) && ack == 0) {
      ack = ends[receiver].end
      sack = ack
    }
    if header.flags.contains(.rst), sequence == 0, state == .synSent {
      sequence = ends[sender].end
      end = sequence
    }

    if let result = judge(sequence, end: end, sack: sack, sender, receiver) {
      // Out-of-window segments of a liberal end are accepted but do not update the windows.
      return ends[sender].flags.contains(.beLiberal) || beLiberal ? .accept : result
    }
    learn(segment, direction, sequence: sequence, end: end, ack: ack, sack: sack)
    return .accept
  }

  /// Initialises both ends from a segment of a connection whose beginning was not seen.
  private mutating func pickUp(_ sender: Int, _ receiver: Int, end: UInt32, window: UInt32, sack: UInt32) {
    ends[sender].end = end
    ends[sender].maxWindow = Swift.max(window << UInt32(ends[sender].scale), 1)
    ends[sender].maxEnd = end &+ ends[sender].maxWindow
    if ends[receiver].maxWindow == 0 {
      ends[receiver].end = sack
      ends[receiver].maxEnd = sack
    } else if sack == ends[receiver].end &+ 1 {
      // The segment answers a keep-alive.
      ends[receiver].end &+= 1
    }
  }

  /// The four bounds of "Real Stateful TCP Packet Filtering in IP Filter" (van Rooij, 2000); nil when all hold.
  private mutating func judge(
    _ sequence: UInt32, end: UInt32, sack: UInt32, _ sender: Int, _ receiver: Int
  ) -> WindowResult? {
    let ackIsRecent = sack.isAfter(ends[receiver].end &- ends[sender].maxAckWindow &- 1)
    let ackIsSeen = sack.isBefore(ends[receiver].end &+ 1)
    let isInWindow = end.isAfter(ends[sender].end &- ends[receiver].maxWindow &- 1)
    if !sequence.isBefore(ends[sender].maxEnd &+ 1) {
      let overshoot = end &- ends[sender].maxEnd &+ 1
      // Some stacks send slightly more than the window allows. If the receiver accepts it, its acknowledgment must be valid.
      if ends[receiver].maxWindow != 0, isInWindow, ackIsRecent, overshoot <= ends[receiver].maxWindow, ackIsSeen {
        ends[sender].end = end
        ends[sender].flags.insert(.dataUnacknowledged)
        return .ignore
      }
      return .invalid(.sequenceOverWindow(sequence, limit: ends[sender].maxEnd))
    }
    if !ackIsSeen { return .invalid(.acknowledgmentOverSent(sack, sent: ends[receiver].end)) }
    if ends[receiver].maxWindow != 0, !isInWindow { return .ignore }
    return ackIsRecent ? nil : .ignore
  }

  private mutating func learn(
    _ segment: TCPSegment, _ direction: Direction, sequence: UInt32, end: UInt32, ack: UInt32, sack: UInt32
  ) {
    let (sender, receiver) = (Int(direction.rawValue), Int(direction.opposite.rawValue))
    let header = segment.header
    var window = UInt32(header.window)
    if !header.flags.contains(.syn) { window <<= UInt32(ends[sender].scale) }

    ends[sender].maxWindow = Swift.max(ends[sender].maxWindow, window &+ (sack &- ack))
    if end.isAfter(ends[sender].end) {
      ends[sender].end = end
      ends[sender].flags.insert(.dataUnacknowledged)
    }
    if header.flags.contains(.ack) {
      if !ends[sender].flags.contains(.maxAckSet) || ack.isAfter(ends[sender].maxAck) { ends[sender].maxAck = ack }
      ends[sender].flags.insert(.maxAckSet)
    }
    if ends[receiver].maxWindow != 0, end.isAfter(ends[sender].maxEnd) {
      ends[receiver].maxWindow &+= end &- ends[sender].maxEnd
    }
    if (sack &+ window).isAfter(ends[receiver].maxEnd &- 1) {
      ends[receiver].maxEnd = sack &+ window &+ (window == 0 ? 1 : 0)
    }
    if ack == ends[receiver].end { ends[receiver].flags.remove(.dataUnacknowledged) }

    guard segment.kind == .ack else { return }
    if lastDirection == direction, lastSequence == sequence, lastAck == ack, lastEnd == end, lastWindow == header.window {
      retransmissions &+= 1
    } else {
      lastDirection = direction
      lastSequence = sequence
      lastAck = ack
      lastEnd = end
      lastWindow = header.window
      retransmissions = 0
    }
  }
}
