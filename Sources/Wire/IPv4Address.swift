/// An IPv4 address in host order: `10.0.0.1` is `0x0A000001`.
public struct IPv4Address: Sendable, Hashable, Comparable, RawRepresentable {
  /// The 32 bits, first octet highest.
  public var rawValue: UInt32
  /// Creates an address from its bits, first octet highest.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Creates an address from its four octets.
  @inlinable public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  /// Parses exactly four decimal octets without leading zeros, as `inet_pton` does.
  public init?(_ text: some StringProtocol) {
    var value: UInt32 = 0
    var octet: UInt32 = 0
    var octets = 1
    var digits = 0
    for unit in text.utf8 {
      if unit == 0x2E {
        guard digits > 0, octets < 4 else { return nil }
        value = value << 8 | octet
        octets += 1
        octet = 0
        digits = 0
      } else {
        guard (0x30...0x39).contains(unit), !(digits > 0 && octet == 0) else { return nil }
        octet = octet * 10 + UInt32(unit - 0x30)
        digits += 1
        guard octet <= 255 else { return nil }
      }
    }
    guard octets == 4, digits > 0 else { return nil }
    rawValue = value << 8 | octet
  }

  /// 0.0.0.0.
  public static let any = IPv4Address(rawValue: 0)
  /// 255.255.255.255.
  public static let broadcast = IPv4Address(rawValue: .max)
  /// 127.0.0.1.
  public static let loopback = IPv4Address(127, 0, 0, 1)

  /// 127.0.0.0/8.
  @inlinable public var isLoopback: Bool { rawValue >> 24 == 127 }
  /// 224.0.0.0/4.
  @inlinable public var isMulticast: Bool { rawValue >> 28 == 0xE }
  /// 169.254.0.0/16.
  @inlinable public var isLinkLocal: Bool { rawValue >> 16 == 0xA9FE }

  /// The network mask with `prefixLength` leading ones; lengths outside 0…32 are clamped.
  public static func mask(prefixLength: Int) -> IPv4Address {
    let length = min(max(prefixLength, 0), 32)
    return IPv4Address(rawValue: length == 0 ? 0 : UInt32.max << UInt32(32 - length))
  }

  /// Compares the bits as numbers.
  @inlinable public static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.rawValue < b.rawValue }
  /// The bits that both have set.
  @inlinable public static func & (a: IPv4Address, b: IPv4Address) -> IPv4Address {
    IPv4Address(rawValue: a.rawValue & b.rawValue)
  }
}

extension IPv4Address: CustomStringConvertible {
  /// Dotted decimal.
  public var description: String {
    var text: [UInt8] = []
    append(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the dotted decimal form.
  func append(to text: inout [UInt8]) {
    for place in 0..<4 {
      if place > 0 { text.append(UInt8(ascii: ".")) }
      text.appendDecimal(Int(rawValue >> UInt32(24 &- 8 &* place) & 255))
    }
  }
}
