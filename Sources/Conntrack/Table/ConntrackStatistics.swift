/// The counters of a table, named as `/proc/net/stat/nf_conntrack` and `conntrack -S` name them.
public struct ConntrackStatistics: Sendable, Hashable {
  /// Candidate NAT tuples that another connection already had.
  public var found: UInt64 = 0
  /// Packets that belong to no connection and can start none.
  public var invalid: UInt64 = 0
  /// Connections added to the table.
  public var insert: UInt64 = 0
  /// Connections that could not be confirmed.
  public var insertFailed: UInt64 = 0
  /// Packets dropped because the table was full or a connection could not be confirmed.
  public var drop: UInt64 = 0
  /// Unassured connections removed to make room.
  public var earlyDrop: UInt64 = 0
  /// ICMP errors that could not be tracked.
  public var error: UInt64 = 0
  /// Packets of expected connections: `expect_new`.
  public var expectNew: UInt64 = 0
  /// Expectations made: `expect_create`.
  public var expectCreate: UInt64 = 0
  /// Expectations removed: `expect_delete`.
  public var expectDelete: UInt64 = 0
  /// Clashes that were resolved: `clash_resolve`.
  public var clashResolve: UInt64 = 0
  /// Insertions refused because the hash chain was too long: `chaintoolong`.
  public var chainTooLong: UInt64 = 0

  /// Creates counters at 0.
  public init() {}
}
