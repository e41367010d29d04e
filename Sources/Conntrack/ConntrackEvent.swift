/// What has happened to a connection since its events were last told. Kernel: `ip_conntrack_events`.
public struct ConnectionEvents: OptionSet, Sendable, Hashable {
  public var rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  public static let new = ConnectionEvents(rawValue: 1 << 0)
  public static let related = ConnectionEvents(rawValue: 1 << 1)
  public static let destroy = ConnectionEvents(rawValue: 1 << 2)
  public static let reply = ConnectionEvents(rawValue: 1 << 3)
  public static let assured = ConnectionEvents(rawValue: 1 << 4)
  public static let protocolInfo = ConnectionEvents(rawValue: 1 << 5)
  public static let helper = ConnectionEvents(rawValue: 1 << 6)
  public static let mark = ConnectionEvents(rawValue: 1 << 7)
  public static let sequenceAdjust = ConnectionEvents(rawValue: 1 << 8)
  public static let securityMark = ConnectionEvents(rawValue: 1 << 9)
  public static let label = ConnectionEvents(rawValue: 1 << 10)
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
