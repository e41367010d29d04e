public import Wire

/// Why connection tracking finds a packet INVALID. The corresponding kernel messages are those of `nf_conntrack_log_invalid`.
public enum InvalidReason: Sendable, Hashable {
  /// A fixed sentence: the packet is malformed, or its protocol does not allow it.
  case fact(StaticText)
  /// The TCP flags do not fit together.
  case flags(TCPFlags)
  /// A segment that cannot start a connection, and belongs to none.
  case noConnection(TCPFlags)
  /// The state of the connection does not allow the segment.
  case transition(TCPFlags, in: TCPConntrackState, Direction)
  /// The segment starts after the end of the receiver's window: its first sequence number, and the first that the window excludes.
  case sequenceOverWindow(UInt32, limit: UInt32)
  /// The acknowledgment is of data that was never sent: its number, and the highest that was sent.
  case acknowledgmentOverSent(UInt32, sent: UInt32)
  /// A reset below the acknowledged data: its sequence number, and the highest acknowledgment.
  case resetBelowAcknowledged(UInt32, acknowledged: UInt32)
  /// An ICMP type that connection tracking does not know, or a reply without its request.
  case icmpType(UInt8, StaticText)
  /// The verification tag of an SCTP packet, and the tag of the association in this direction.
  case verificationTag(UInt32, expected: UInt32)
  /// An SCTP chunk type that the state does not allow.
  case chunk(UInt8, in: SCTPConntrackState, Direction)

  static let truncated = InvalidReason.fact("the transport header is truncated, or its length is wrong")
  /// The checksum of the payload is wrong.
  public static let badChecksum = InvalidReason.fact("the transport checksum is wrong (net.netfilter.nf_conntrack_checksum=1)")
  /// The entry was made for another protocol, which only a forged listing can cause.
  static let otherTracker = InvalidReason.fact("the connection is tracked as another protocol")

  /// A sentence that is known when the program is compiled.
  public struct StaticText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    private let text: StaticString

    /// Creates the text of a literal.
    public init(stringLiteral value: StaticString) { text = value }

    /// The text.
    public var description: String { text.description }

    /// Compares the texts.
    public static func == (left: StaticText, right: StaticText) -> Bool { left.description == right.description }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
  }

  /// The reason as a sentence without a subject or full stop: `sequence number 305000 is over the window, which ends at 69240`.
  public var sentence: String {
    switch self {
    case .fact(let text): "\(text)"
    case .flags(let flags): "the TCP flags \(Self.name(flags)) do not fit together"
    case .noConnection(let flags): "a segment with the flags \(Self.name(flags)) belongs to no connection and cannot start one"
    case .transition(let flags, let state, let direction):
      "a segment with the flags \(Self.name(flags)) in the \(direction.noun) direction is not allowed in the state \(state.name)"
    case .sequenceOverWindow(let number, let limit):
      "sequence number \(number) is over the window, which ends at \(limit) (over by \(number &- limit))"
    case .acknowledgmentOverSent(let number, let sent):
      "acknowledgment \(number) is of data that was not sent: the other side has sent up to \(sent) (over by \(number &- sent))"
    case .resetBelowAcknowledged(let number, let acknowledged):
      "sequence number \(number) of the reset is below the acknowledged \(acknowledged)"
    case .icmpType(let type, let text): "ICMP type \(type): \(text)"
    case .verificationTag(let tag, let expected): "verification tag \(Self.hex(tag)) is not that of the association, \(Self.hex(expected))"
    case .chunk(let type, let state, let direction):
      "SCTP chunk type \(type) in the \(direction.noun) direction is not allowed in the state \(state.name)"
    }
  }

  private static func name(_ flags: TCPFlags) -> String { flags.isEmpty ? "none" : "\(flags)" }
  private static func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
}

extension Direction {
  /// `original` or `reply`.
  fileprivate var noun: String { self == .original ? "original" : "reply" }
}
