/// An IPv6 address in host order: the first group of the text is the highest.
public struct IPv6Address: Sendable, Hashable, Comparable, RawRepresentable {
  /// The 128 bits, first octet highest.
  public var rawValue: UInt128
  /// Creates an address from its bits, first octet highest.
  @inlinable public init(rawValue: UInt128) { self.rawValue = rawValue }

  /// Parses every form of RFC 4291 §2.2, an embedded dotted quad included, as `inet_pton` does. No zone suffix.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    self.init(bytes.span)
  }

  /// Parses the text of an address in bytes. See ``init(_:)-(StringProtocol)``.
  public init?(_ text: Span<UInt8>) {
    var groups = InlineArray<8, UInt16>(repeating: 0)
    var count = 0
    var gap: Int?
    var index = 0
    let colon = UInt8(ascii: ":")
    if text.count > 0, text[0] == colon {
      guard text.count >= 2, text[1] == colon else { return nil }
      gap = 0
      index = 2
    }
    while index < text.count {
      guard count < 8 else { return nil }
      var end = index
      var value: UInt16 = 0
      var isHexadecimal = true
      while end < text.count, text[end] != colon {
        if let digit = Hex.digit(text[end]) { value = value << 4 | UInt16(digit) } else { isHexadecimal = false }
        end += 1
      }
      if !isHexadecimal {
        let quad = (index..<end).map { text[$0] }
        guard end == text.count, count <= 6, let address = IPv4Address(String(decoding: quad, as: UTF8.self)) else { return nil }
        groups[count] = UInt16(address.rawValue >> 16)
        groups[count + 1] = UInt16(address.rawValue & 0xFFFF)
        count += 2
        break
      }
      guard (1...4).contains(end - index) else { return nil }
      groups[count] = value
      count += 1
      guard end < text.count else { break }
      index = end + 1
      guard index < text.count else { return nil }
      if text[index] == colon {
        guard gap == nil else { return nil }
        gap = count
        index += 1
      }
    }
    guard gap == nil ? count == 8 : count < 8 else { return nil }
    rawValue = 0
    let zeroes = 8 - count
    for place in 0..<8 {
      let group = gap.map { place < $0 ? groups[place] : place < $0 + zeroes ? 0 : groups[place - zeroes] } ?? groups[place]
      rawValue = rawValue << 16 | UInt128(group)
    }
  }

  /// The unspecified address, `::`.
  public static let any = IPv6Address(rawValue: 0)
  /// The loopback address, `::1`.
  public static let loopback = IPv6Address(rawValue: 1)

  /// ff00::/8.
  @inlinable public var isMulticast: Bool { rawValue >> 120 == 0xFF }
  /// fe80::/10.
  @inlinable public var isLinkLocal: Bool { rawValue >> 118 == 0x3FA }
  /// True in `::/96` except `::` and `::1`. Kernel: `IPV6_ADDR_COMPATv4`.
  @inlinable public var isIPv4Compatible: Bool { rawValue >> 32 == 0 && rawValue > 1 }
  /// True for `::1`.
  @inlinable public var isLoopback: Bool { rawValue == 1 }

  /// The four 32-bit words, first word first, each in host byte order; compare `in6_addr.s6_addr32`.
  public var words: [UInt32] { (0..<4).map { UInt32(truncatingIfNeeded: rawValue >> UInt128(96 - 32 * $0)) } }

  /// The network mask with `prefixLength` leading ones; lengths outside 0…128 are clamped.
  public static func mask(prefixLength: Int) -> IPv6Address {
    let length = min(max(prefixLength, 0), 128)
    return IPv6Address(rawValue: length == 0 ? 0 : UInt128.max << UInt128(128 - length))
  }

  /// Compares the bits as numbers.
  @inlinable public static func < (a: IPv6Address, b: IPv6Address) -> Bool { a.rawValue < b.rawValue }
  /// The bits that both have set.
  @inlinable public static func & (a: IPv6Address, b: IPv6Address) -> IPv6Address {
    IPv6Address(rawValue: a.rawValue & b.rawValue)
  }
}

extension IPv6Address: CustomStringConvertible {
  /// The canonical text of RFC 5952, as glibc's `inet_ntop` prints it: IPv4-mapped and IPv4-compatible addresses end in a
  /// dotted quad, a single zero group is not shortened.
  public var description: String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: rawValue >> UInt128(112 - 16 * $0)) }
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start >= 2 { best = start..<end }
      start = max(end, start + 1)
    }
    let quad = IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue)).description
    if best == 0..<6 { return "::" + quad }
    if best == 0..<5, groups[5] == 0xFFFF { return "::ffff:" + quad }
    let text = groups.map { String($0, radix: 16) }
    guard !best.isEmpty else { return text.joined(separator: ":") }
    return text[..<best.lowerBound].joined(separator: ":") + "::" + text[best.upperBound...].joined(separator: ":")
  }
}
