public import Wire

/// The address family a table belongs to.
public typealias Family = AddressFamily

extension AddressFamily {
  /// The prefix of the commands: `iptables` or `ip6tables`.
  public var command: String { self == .ipv4 ? "iptables" : "ip6tables" }
}

/// The families an extension serves.
public struct Families: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let ipv4 = Families(rawValue: 1)
  public static let ipv6 = Families(rawValue: 2)
  public static let both: Families = [.ipv4, .ipv6]

  public func contains(_ family: Family) -> Bool { contains(family == .ipv4 ? Families.ipv4 : .ipv6) }
}
