/// The changes of a connection since its events were last recorded. Kernel: `ip_conntrack_events`.
public struct ConnectionEvents: OptionSet, Sendable, Hashable {
  /// The bits, numbered as the kernel's `IPCT_*`.
  public var rawValue: UInt16
  /// Creates a set of events from the kernel's bits.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// `IPCT_NEW`: the connection was confirmed.
  public static let new = ConnectionEvents(rawValue: 1 << 0)
  /// `IPCT_RELATED`: a connection that another one expected was confirmed.
  public static let related = ConnectionEvents(rawValue: 1 << 1)
  /// `IPCT_DESTROY`: the connection was removed.
  public static let destroy = ConnectionEvents(rawValue: 1 << 2)
  /// `IPCT_REPLY`: the first answer was seen.
  public static let reply = ConnectionEvents(rawValue: 1 << 3)
  /// `IPCT_ASSURED`: the connection became assured.
  public static let assured = ConnectionEvents(rawValue: 1 << 4)
  /// `IPCT_PROTOINFO`: the protocol's state changed.
  public static let protocolInfo = ConnectionEvents(rawValue: 1 << 5)
  /// `IPCT_HELPER`: a helper was assigned.
  public static let helper = ConnectionEvents(rawValue: 1 << 6)
  /// `IPCT_MARK`: the connection mark changed.
  public static let mark = ConnectionEvents(rawValue: 1 << 7)
  /// `IPCT_SEQADJ`: sequence numbers are adjusted from now on.
  public static let sequenceAdjust = ConnectionEvents(rawValue: 1 << 8)
  /// `IPCT_SECMARK`: the security mark changed.
  public static let securityMark = ConnectionEvents(rawValue: 1 << 9)
  /// `IPCT_LABEL`: the labels changed.
  public static let label = ConnectionEvents(rawValue: 1 << 10)
  /// `IPCT_SYNPROXY`: target SYNPROXY has relayed the connection.
  public static let synproxy = ConnectionEvents(rawValue: 1 << 11)
}

/// One message of the event stream, as `conntrack -E` would show it.
public enum ConntrackEvent: Sendable {
  case new(ConnectionSnapshot)
  case update(ConnectionSnapshot)
  case destroy(ConnectionSnapshot)
  case expectationNew(ExpectationSnapshot)
  case expectationDestroy(ExpectationSnapshot)
}
