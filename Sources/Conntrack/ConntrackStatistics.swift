/// The counters of a table, named as `/proc/net/stat/nf_conntrack` and `conntrack -S` name them.
public struct ConntrackStatistics: Sendable, Hashable {
  /// A NAT tuple searched for was taken.
  public var found: UInt64 = 0
  /// Packets that belong to no connection and can start none.
  public var invalid: UInt64 = 0
  public var insert: UInt64 = 0
  /// A connection could not be confirmed.
  public var insertFailed: UInt64 = 0
  /// Packets dropped because the table was full or a connection could not be confirmed.
  public var drop: UInt64 = 0
  /// Unassured connections removed to make room.
  public var earlyDrop: UInt64 = 0
  /// ICMP errors that could not be tracked.
  public var error: UInt64 = 0
  public var expectNew: UInt64 = 0
  public var expectCreate: UInt64 = 0
  public var expectDelete: UInt64 = 0
  public var clashResolve: UInt64 = 0
  public var chainTooLong: UInt64 = 0

  public init() {}
}
