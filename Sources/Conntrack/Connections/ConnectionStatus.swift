/// The status bits of a connection, numbered as the kernel's `ip_conntrack_status`.
public struct ConnectionStatus: OptionSet, Sendable, Hashable {
  /// The bits, as the kernel's `IPS_*`.
  public var rawValue: UInt32
  /// Creates a status from the kernel's bits.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `IPS_EXPECTED`: a master connection expected this one.
  public static let expected = ConnectionStatus(rawValue: 1 << 0)
  /// `IPS_SEEN_REPLY`: packets have been seen in both directions.
  public static let seenReply = ConnectionStatus(rawValue: 1 << 1)
  /// `IPS_ASSURED`: never removed to make room in a full table.
  public static let assured = ConnectionStatus(rawValue: 1 << 2)
  /// `IPS_CONFIRMED`: the connection is in the table; its first packet has passed all hooks.
  public static let confirmed = ConnectionStatus(rawValue: 1 << 3)
  /// `IPS_SRC_NAT`: the source is translated.
  public static let sourceNAT = ConnectionStatus(rawValue: 1 << 4)
  /// `IPS_DST_NAT`: the destination is translated.
  public static let destinationNAT = ConnectionStatus(rawValue: 1 << 5)
  /// `IPS_SEQ_ADJUST`: TCP sequence numbers are adjusted.
  public static let sequenceAdjust = ConnectionStatus(rawValue: 1 << 6)
  /// `IPS_SRC_NAT_DONE`: source translation has been decided.
  public static let sourceNATDone = ConnectionStatus(rawValue: 1 << 7)
  /// `IPS_DST_NAT_DONE`: destination translation has been decided.
  public static let destinationNATDone = ConnectionStatus(rawValue: 1 << 8)
  /// `IPS_DYING`: removed from the table.
  public static let dying = ConnectionStatus(rawValue: 1 << 9)
  /// `IPS_FIXED_TIMEOUT`: packets do not renew the timeout.
  public static let fixedTimeout = ConnectionStatus(rawValue: 1 << 10)
  /// `IPS_TEMPLATE`: a template of target CT, not a connection.
  public static let template = ConnectionStatus(rawValue: 1 << 11)
  /// `IPS_NAT_CLASH`: another connection took the original tuple first; the index has the reply tuple only.
  public static let natClash = ConnectionStatus(rawValue: 1 << 12)
  /// `IPS_HELPER`: target CT assigned a helper.
  public static let helper = ConnectionStatus(rawValue: 1 << 13)
  /// `IPS_OFFLOAD`: packets bypass the hooks through a flow table.
  public static let offload = ConnectionStatus(rawValue: 1 << 14)
  /// `IPS_HW_OFFLOAD`: packets bypass the hooks in hardware.
  public static let hardwareOffload = ConnectionStatus(rawValue: 1 << 15)

  /// `IPS_NAT_MASK`: either end is translated.
  public static let natMask: ConnectionStatus = [.sourceNAT, .destinationNAT]
  /// `IPS_NAT_DONE_MASK`: either translation has been decided.
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
