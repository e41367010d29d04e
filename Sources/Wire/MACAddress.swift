/// A 48-bit hardware address, held in the low bits of `rawValue`, first octet highest.
public struct MACAddress: Sendable, Hashable, RawRepresentable {
  /// The 48 bits, first octet highest; the upper 16 bits are 0.
  public var rawValue: UInt64

  /// Creates an address from its 48 bits; higher bits are discarded.
  public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

  /// Reads the six octets at `offset`; nil if there are fewer.
  public init?(_ bytes: borrowing [UInt8], at offset: Int = 0) {
    guard let high = bytes.uint16(at: offset), let low = bytes.uint32(at: offset &+ 2) else { return nil }
    self.init(rawValue: UInt64(high) << 32 | UInt64(low))
  }

  /// Parses six groups of one or two hexadecimal digits, all separated by colons or all by dashes, as `ether_aton` takes them.
  public init?(_ text: some StringProtocol) {
    var value: UInt64 = 0
    var groups = 0
    var digits = 0
    var group: UInt64 = 0
    for unit in text.utf8 {
      if unit == 0x3A || unit == 0x2D {
        guard digits > 0, groups < 5 else { return nil }
        value = value << 8 | group
        groups += 1
        digits = 0
        group = 0
      } else {
        guard let digit = Hex.digit(unit), digits < 2 else { return nil }
        group = group << 4 | UInt64(digit)
        digits += 1
      }
    }
    guard groups == 5, digits > 0 else { return nil }
    self.init(rawValue: value << 8 | group)
  }

  /// The octets in network order.
  public var octets: [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: rawValue >> UInt64(40 - 8 * $0)) }
  }

  /// ff:ff:ff:ff:ff:ff.
  public static let broadcast = MACAddress(rawValue: 0xFFFF_FFFF_FFFF)
  /// The group bit of the first octet; true for broadcast as well.
  public var isMulticast: Bool { rawValue >> 40 & 1 == 1 }
}

extension MACAddress: CustomStringConvertible {
  /// Six two-digit groups, lower case, separated by colons.
  public var description: String { octets.map { Hex.string([$0]) }.joined(separator: ":") }
}
