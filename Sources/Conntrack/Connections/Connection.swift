import Wire

/// One tracked connection. Kernel: `nf_conn`.
///
/// Fields that every packet needs are stored here. Rare fields (master, helper, labels, sequence adjustment) are stored in
/// `ConnectionExtension`; `features` tells whether the connection has any.
public struct Connection: Sendable {
  /// Which optional parts the connection has.
  struct Features: OptionSet, Sendable {
    var rawValue: UInt8
    static let extended = Features(rawValue: 1)
    static let accounting = Features(rawValue: 2)
    static let timeoutPolicy = Features(rawValue: 4)
    static let inSourceIndex = Features(rawValue: 8)
    static let eventMask = Features(rawValue: 16)
    /// The slot holds a connection.
    static let live = Features(rawValue: 128)
  }

  /// The tuple of the direction that opened the connection.
  public internal(set) var original: Tuple
  /// The tuple of the reply direction; NAT changes it.
  public internal(set) var reply: Tuple
  /// The status, as the kernel's `IPS_*` bits.
  public internal(set) var status: ConnectionStatus = []
  /// The connection mark, `nf_conn.mark`.
  public internal(set) var mark: UInt32 = 0
  /// When the connection expires. Before confirmation: the lifetime that starts at confirmation.
  var expiry: Instant = Instant(nanoseconds: 0)
  /// The zone of the original direction.
  public internal(set) var zone: Zone
  var pendingEvents: ConnectionEvents = []
  var features: Features = []
  var generation: UInt32
  /// The slot of the next connection in the chain of the same source, or of the next free slot; `.max` ends the chain.
  var next: UInt32 = .max
  /// The state of the protocol's tracker.
  public internal(set) var tracker: TrackerState = .stateless

  /// The tuple of a direction.
  @inline(__always) public func tuple(_ direction: Direction) -> Tuple { direction == .original ? original : reply }

  /// True once the connection is in the table.
  public var isConfirmed: Bool { status.contains(.confirmed) }
  /// True once the connection is being removed.
  public var isDying: Bool { status.contains(.dying) }
  /// True if the connection is confirmed and not being removed.
  var isListed: Bool { features.contains(.live) && isConfirmed && !isDying }
}

/// The state of a protocol's tracker. Kernel: `nf_conntrack_proto`.
public enum TrackerState: Sendable {
  case stateless
  case tcp(TCPState)
  /// `streamAt`: from then on a UDP flow with packets in both directions counts as a stream.
  case udp(streamAt: Instant)
  case sctp(SCTPState)
  /// The timeouts at the connection's creation, in seconds.
  case gre(timeout: UInt32, streamTimeout: UInt32)
}

/// Packets and bytes of both directions. Kernel: `nf_conn_acct`.
public struct ConnectionAccounting: Sendable, Hashable {
  /// Packets in the original direction.
  public var originalPackets: UInt64 = 0
  /// Bytes in the original direction, network headers included.
  public var originalBytes: UInt64 = 0
  /// Packets in the reply direction.
  public var replyPackets: UInt64 = 0
  /// Bytes in the reply direction, network headers included.
  public var replyBytes: UInt64 = 0

  /// Creates counters at 0.
  public init() {}

  mutating func count(_ direction: Direction, bytes: Int) {
    if direction == .original {
      originalPackets &+= 1
      originalBytes &+= UInt64(truncatingIfNeeded: bytes)
    } else {
      replyPackets &+= 1
      replyBytes &+= UInt64(truncatingIfNeeded: bytes)
    }
  }
}

/// The change to the TCP sequence numbers of one direction. Kernel: `nf_ct_seqadj`.
public struct SequenceAdjustment: Sendable, Hashable {
  /// The first sequence number after the last change of length.
  public var correctionPosition: UInt32 = 0
  /// The offset for sequence numbers up to `correctionPosition`.
  public var offsetBefore: Int32 = 0
  /// The offset for sequence numbers after `correctionPosition`.
  public var offsetAfter: Int32 = 0

  /// Creates a direction without adjustment.
  public init() {}
}

/// The rarely used fields of a connection. Kernel: the `nf_ct_ext` areas.
public struct ConnectionExtension: Sendable {
  /// The handle of the connection that expected this one.
  public var master: ConnectionHandle?
  /// The helper that reads the connection's packets.
  public var helper: HelperID?
  /// The helper's state.
  public var helperState = HelperState.none
  var expectations: [ExpectationHandle] = []
  /// 128 labels, bit 0 lowest. Kernel: `nf_conn_labels`.
  public var labels: UInt128 = 0
  /// Given by CONNSECMARK. Kernel: `nf_conn.secmark`.
  public var securityMark: UInt32 = 0
  /// The adjustment of each direction, indexed by `Direction.rawValue`.
  public var sequenceAdjustments: InlineArray<2, SequenceAdjustment> = InlineArray(repeating: SequenceAdjustment())
  var timeoutPolicy: TimeoutPolicyID?
  /// The events to record; nil for all.
  var eventMask: ConnectionEvents?
  /// When the connection was confirmed; nil if `nf_conntrack_timestamp` was off.
  public var start: Instant?
  /// The index of the interface whose address a masqueraded connection uses. The connection is removed with that address.
  public var masqueradeInterface: Int32?
  /// Sequence numbers of a SYN proxy.
  public var synproxy: SynproxyState?

  init() {}
}

/// The state of a SYN proxy for a connection. Kernel: `nf_conn_synproxy`.
public struct SynproxyState: Sendable, Hashable {
  /// The initial sequence number of the client.
  public var initialSequence: UInt32 = 0
  /// The timestamp of the first SYN, in the client's clock.
  public var initialTimestamp: UInt32 = 0
  /// Added to the server's TCP timestamps before the client sees them.
  public var timestampOffset: UInt32 = 0

  /// Creates the state before the first SYN.
  public init() {}
}
