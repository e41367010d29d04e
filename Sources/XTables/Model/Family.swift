public import Wire

extension Family {
  /// The name of the command: `iptables` or `ip6tables`.
  public var command: String { self == .ipv4 ? "iptables" : "ip6tables" }
}

/// The families in which an extension exists.
public struct Families: OptionSet, Sendable, Hashable {
  /// Bit 0 for IPv4, bit 1 for IPv6.
  public let rawValue: UInt8

  /// Creates a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// IPv4 only.
  public static let ipv4 = Families(rawValue: 1)
  /// IPv6 only.
  public static let ipv6 = Families(rawValue: 2)
  /// IPv4 and IPv6.
  public static let both: Families = [.ipv4, .ipv6]

  /// Whether a family is in the set.
  public func contains(_ family: Family) -> Bool { contains(family == .ipv4 ? Families.ipv4 : .ipv6) }
}
