import Wire

/// One tracked connection. Kernel: `nf_conn`.
///
/// The parts that every packet needs stand here, in place; what few connections have (a master, a helper, labels, sequence
/// adjustment) stands in `ConnectionExtension`, and `features` tells whether there is any.
public struct Connection: Sendable {
  /// What this connection has besides the entry itself.
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
  /// The tuple of the answers; NAT changes it.
  public internal(set) var reply: Tuple
  /// What has happened to the connection, as the kernel's `IPS_*` bits.
  public internal(set) var status: ConnectionStatus = []
  /// The connection mark, `nf_conn.mark`.
  public internal(set) var mark: UInt32 = 0
  /// When it ends. Before it is confirmed: how long it is to live from then on.
  var expiry: Instant = Instant(nanoseconds: 0)
  /// The zone of the original direction.
  public internal(set) var zone: Zone
  var pendingEvents: ConnectionEvents = []
  var features: Features = []
  var generation: UInt32
  /// The next connection in the chain of the same source, or the next free slot.
  var next: UInt32 = .max
  /// What the protocol's tracker remembers.
  public internal(set) var tracker: TrackerState = .stateless

  /// The tuple of a direction.
  @inline(__always) public func tuple(_ direction: Direction) -> Tuple { direction == .original ? original : reply }

  /// True once the connection is in the table.
  public var isConfirmed: Bool { status.contains(.confirmed) }
  /// True once the connection is being removed.
  public var isDying: Bool { status.contains(.dying) }
  /// It stands in the table.
  var isListed: Bool { features.contains(.live) && isConfirmed && !isDying }
}

/// What a protocol's tracker remembers. Kernel: `nf_conntrack_proto`.
public enum TrackerState: Sendable {
  case stateless
  case tcp(TCPState)
  /// When a UDP flow that goes both ways counts as a stream.
  case udp(streamAt: Instant)
  case sctp(SCTPState)
  /// The timeouts that a GRE connection began with, seconds.
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

/// How the sequence numbers of one direction are to be changed. Kernel: `nf_ct_seqadj`.
public struct SequenceAdjustment: Sendable, Hashable {
  /// The sequence number behind the last change of length.
  public var correctionPosition: UInt32 = 0
  /// Added to sequence numbers up to the position, and behind it.
  public var offsetBefore: Int32 = 0
  /// The offset for sequence numbers after `correctionPosition`.
  public var offsetAfter: Int32 = 0

  /// Creates a direction without adjustment.
  public init() {}
}

/// What few connections have. Kernel: the `nf_ct_ext` areas.
public struct ConnectionExtension: Sendable {
  /// The connection that expected this one.
  public var master: ConnectionHandle?
  /// The helper that reads the connection's packets.
  public var helper: HelperID?
  /// What the helper remembers.
  public var helperState = HelperState.none
  var expectations: [ExpectationHandle] = []
  /// 128 labels, bit 0 lowest. Kernel: `nf_conn_labels`.
  public var labels: UInt128 = 0
  /// Given by CONNSECMARK. Kernel: `nf_conn.secmark`.
  public var securityMark: UInt32 = 0
  /// By direction.
  public var sequenceAdjustments: InlineArray<2, SequenceAdjustment> = InlineArray(repeating: SequenceAdjustment())
  var timeoutPolicy: TimeoutPolicyID?
  /// The events that are to be told; others stay silent.
  var eventMask: ConnectionEvents?
  /// When it was confirmed, when the timestamp sysctl is on.
  public var start: Instant?
  /// The interface whose address a masqueraded connection uses; it dies with that address.
  public var masqueradeInterface: Int32?
  /// Sequence numbers of a SYN proxy.
  public var synproxy: SynproxyState?

  init() {}
}

/// What a SYN proxy remembers of a connection. Kernel: `nf_conn_synproxy`.
public struct SynproxyState: Sendable, Hashable {
  /// The initial sequence number of the client.
  public var initialSequence: UInt32 = 0
  /// The timestamp of the first SYN, in the client's clock.
  public var initialTimestamp: UInt32 = 0
  /// What to add to the server's timestamps for the client.
  public var timestampOffset: UInt32 = 0

  /// Creates the state before the first SYN.
  public init() {}
}
