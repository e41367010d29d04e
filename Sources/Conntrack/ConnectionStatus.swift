/// The status bits of a connection, numbered as the kernel's `ip_conntrack_status`.
public struct ConnectionStatus: OptionSet, Sendable, Hashable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It was expected by another one, its master.
  public static let expected = ConnectionStatus(rawValue: 1 << 0)
  /// Packets have been seen in both directions.
  public static let seenReply = ConnectionStatus(rawValue: 1 << 1)
  /// Never dropped early.
  public static let assured = ConnectionStatus(rawValue: 1 << 2)
  /// It stands in the table: its first packet has left.
  public static let confirmed = ConnectionStatus(rawValue: 1 << 3)
  public static let sourceNAT = ConnectionStatus(rawValue: 1 << 4)
  public static let destinationNAT = ConnectionStatus(rawValue: 1 << 5)
  /// TCP sequence numbers are to be adjusted.
  public static let sequenceAdjust = ConnectionStatus(rawValue: 1 << 6)
  public static let sourceNATDone = ConnectionStatus(rawValue: 1 << 7)
  public static let destinationNATDone = ConnectionStatus(rawValue: 1 << 8)
  /// Removed from the table.
  public static let dying = ConnectionStatus(rawValue: 1 << 9)
  public static let fixedTimeout = ConnectionStatus(rawValue: 1 << 10)
  public static let template = ConnectionStatus(rawValue: 1 << 11)
  /// It lost a race for its original tuple and stands in the table by its reply tuple alone.
  public static let natClash = ConnectionStatus(rawValue: 1 << 12)
  /// A helper was attached by the CT target.
  public static let helper = ConnectionStatus(rawValue: 1 << 13)
  public static let offload = ConnectionStatus(rawValue: 1 << 14)
  public static let hardwareOffload = ConnectionStatus(rawValue: 1 << 15)

  public static let natMask: ConnectionStatus = [.sourceNAT, .destinationNAT]
  public static let natDoneMask: ConnectionStatus = [.sourceNATDone, .destinationNATDone]

  private static let bitNames = [
    "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE",
    "DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD",
    "HW_OFFLOAD",
  ]

  /// The kernel's names of the bits that are set, without `IPS_`, lowest first.
  public var names: [String] {
    ConnectionStatus.bitNames.enumerated().filter { rawValue >> UInt32($0.offset) & 1 == 1 }.map(\.element)
  }

  /// The bits of the kernel's names; nil when one is unknown.
  public init?(names: [String]) {
    self = []
    for name in names {
      guard let bit = ConnectionStatus.bitNames.firstIndex(of: name) else { return nil }
      rawValue |= 1 << UInt32(bit)
    }
  }
}
