import Wire

/// The states of a TCP connection, numbered as the kernel's `tcp_conntrack`.
public enum TCPConntrackState: UInt8, Sendable, Hashable, CaseIterable {
  case none = 0
  case synSent
  case synReceived
  case established
  case finWait
  case closeWait
  case lastAck
  case timeWait
  case close
  /// A SYN from both ends.
  case synSent2

  /// The kernel's name: "SYN_SENT".
  public var name: String {
    switch self {
    case .none: "NONE"
    case .synSent: "SYN_SENT"
    case .synReceived: "SYN_RECV"
    case .established: "ESTABLISHED"
    case .finWait: "FIN_WAIT"
    case .closeWait: "CLOSE_WAIT"
    case .lastAck: "LAST_ACK"
    case .timeWait: "TIME_WAIT"
    case .close: "CLOSE"
    case .synSent2: "SYN_SENT2"
    }
  }

  /// Creates a state from the kernel's name of it, such as `SYN_SENT`; nil for other names.
  public init?(name: some StringProtocol) {
    guard let state = TCPConntrackState.allCases.first(where: { name == $0.name }) else { return nil }
    self = state
  }
}

/// The kind of a segment, by its flag of highest precedence. Kernel: `tcp_bit_set`.
enum TCPSegmentKind: UInt8, Sendable {
  case syn = 0
  case synAck, fin, ack, rst, none

  init(_ flags: TCPFlags) {
    if flags.contains(.rst) {
      self = .rst
    } else if flags.contains(.syn) {
      self = flags.contains(.ack) ? .synAck : .syn
    } else if flags.contains(.fin) {
      self = .fin
    } else {
      self = flags.contains(.ack) ? .ack : .none
    }
  }
}

/// The state of one end of a TCP connection. Kernel: `ip_ct_tcp_state`.
public struct TCPEnd: Sendable, Hashable {
  /// The kernel's `IP_CT_TCP_FLAG_*`.
  public struct Flags: OptionSet, Sendable, Hashable {
    /// The bits.
    public var rawValue: UInt8
    /// Creates flags from the kernel's bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// `IP_CT_TCP_FLAG_WINDOW_SCALE`: the end offered window scaling.
    public static let windowScale = Flags(rawValue: 0x01)
    /// `IP_CT_TCP_FLAG_SACK_PERM`: the end permits selective acknowledgments.
    public static let sackPermitted = Flags(rawValue: 0x02)
    /// `IP_CT_TCP_FLAG_CLOSE_INIT`: this end closed first.
    public static let closeInitiator = Flags(rawValue: 0x04)
    /// `IP_CT_TCP_FLAG_BE_LIBERAL`: the window is not checked.
    public static let beLiberal = Flags(rawValue: 0x08)
    /// `IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED`: the end has sent data that is not acknowledged.
    public static let dataUnacknowledged = Flags(rawValue: 0x10)
    /// `IP_CT_TCP_FLAG_MAXACK_SET`: `maxAck` is valid.
    public static let maxAckSet = Flags(rawValue: 0x20)
    /// `IP_CT_EXP_CHALLENGE_ACK`: the reply to an ignored SYN may be a challenge ACK (RFC 5961).
    public static let expectChallengeAck = Flags(rawValue: 0x40)
    /// `IP_CT_TCP_SIMULTANEOUS_OPEN`: both ends sent a SYN.
    public static let simultaneousOpen = Flags(rawValue: 0x80)
  }

  /// The highest sequence number sent, plus one: max(seq + len).
  public var end: UInt32 = 0
  /// The highest sequence number that the other end's window allows: max(ack + window).
  public var maxEnd: UInt32 = 0
  /// The largest window this end has offered, scaled.
  public var maxWindow: UInt32 = 0
  /// The highest acknowledgment this end has sent.
  public var maxAck: UInt32 = 0
  /// The window scale that the end offered, 0 to 14.
  public var scale: UInt8 = 0
  /// The flags of the end.
  public var flags: Flags = []
}

/// The state of a TCP connection. Kernel: `ip_ct_tcp`.
public struct TCPState: Sendable {
  // The order of the fields leaves no gaps.
  var ends: InlineArray<2, TCPEnd> = InlineArray(repeating: TCPEnd())
  var lastSequence: UInt32 = 0
  var lastAck: UInt32 = 0
  var lastEnd: UInt32 = 0
  var lastWindow: UInt16 = 0
  /// The state of the connection.
  public internal(set) var state = TCPConntrackState.none
  var lastDirection = Direction.original
  var retransmissions: UInt8 = 0
  var lastKind = TCPSegmentKind.none
  var lastScale: UInt8 = 0
  var lastFlags: TCPEnd.Flags = []

  init() {}

  /// The state of the end that sends in a direction.
  public func end(_ direction: Direction) -> TCPEnd { ends[Int(direction.rawValue)] }
}

/// Comparison of sequence numbers modulo 2³².
extension UInt32 {
  @inlinable package func isBefore(_ other: UInt32) -> Bool { Int32(bitPattern: self &- other) < 0 }
  @inlinable package func isAfter(_ other: UInt32) -> Bool { other.isBefore(self) }
}
