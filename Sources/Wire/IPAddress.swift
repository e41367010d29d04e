/// The two network protocols of ip_tables and ip6_tables; the raw value is the kernel's `NFPROTO_*`, which equals `AF_*`.
public enum Family: UInt8, Sendable, Hashable, CaseIterable {
  case ipv4 = 2
  case ipv6 = 10

  /// The bits of an address: 32 or 128.
  @inlinable public var addressBits: Int { self == .ipv4 ? 32 : 128 }
}

/// An address of either family.
public enum IPAddress: Sendable, Hashable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  /// Parses either family; a text with a colon is IPv6.
  public init?(_ text: some StringProtocol) {
    if text.utf8.contains(0x3A) {
      guard let address = IPv6Address(text) else { return nil }
      self = .v6(address)
    } else {
      guard let address = IPv4Address(text) else { return nil }
      self = .v4(address)
    }
  }

  /// An address of `family` from its bits, right-aligned for IPv4.
  @inlinable public init(family: Family, bits: UInt128) {
    switch family {
    case .ipv4: self = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: bits)))
    case .ipv6: self = .v6(IPv6Address(rawValue: bits))
    }
  }

  /// The family of the address.
  @inlinable public var family: Family {
    switch self {
    case .v4: .ipv4
    case .v6: .ipv6
    }
  }

  /// The address as a number, right-aligned for IPv4.
  @inlinable public var bits: UInt128 {
    switch self {
    case .v4(let address): UInt128(address.rawValue)
    case .v6(let address): address.rawValue
    }
  }

  /// The IPv4 address; nil for IPv6.
  @inlinable public var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
  /// The IPv6 address; nil for IPv4.
  @inlinable public var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }

  /// True in 224.0.0.0/4 and ff00::/8.
  @inlinable public var isMulticast: Bool {
    switch self {
    case .v4(let address): address.isMulticast
    case .v6(let address): address.isMulticast
    }
  }

  /// True in 127.0.0.0/8 and for ::1.
  @inlinable public var isLoopback: Bool {
    switch self {
    case .v4(let address): address.isLoopback
    case .v6(let address): address.isLoopback
    }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The address in its usual notation (RFC 5952 for IPv6).
  public var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }
}
