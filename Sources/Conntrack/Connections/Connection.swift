import Wire

/// One tracked connection, as it is at a moment. Kernel: `nf_conn`.
public struct Connection: Sendable {
  /// The tuple of the direction that opened the connection.
  public let original: Tuple
  /// The tuple of the reply direction; NAT changes it.
  public let reply: Tuple
  /// The status, as the kernel's `IPS_*` bits.
  public let status: ConnectionStatus
  /// The connection mark, `nf_conn.mark`.
  public let mark: UInt32
  /// The zone of the original direction.
  public let zone: Zone
  /// The state of the protocol's tracker.
  public let tracker: TrackerState

  /// The tuple of a direction.
  @inline(__always) public func tuple(_ direction: Direction) -> Tuple { direction == .original ? original : reply }

  /// True once the connection is in the table.
  public var isConfirmed: Bool { status.contains(.confirmed) }
  /// True once the connection is being removed.
  public var isDying: Bool { status.contains(.dying) }
}

extension Connection {
  @inline(__always)
  init(_ entry: borrowing ConnectionEntry, reply: Tuple) {
    original = entry.original
    self.reply = reply
    status = entry.status
    mark = entry.mark
    zone = entry.zone
    tracker = entry.tracker
  }
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
  /// The ports of the translated tuple, which packets of the original direction have after NAT, that were chosen by chance.
  public var drawnPorts = DrawnPorts()
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
