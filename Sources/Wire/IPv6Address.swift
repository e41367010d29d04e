/// An IPv6 address in host order: the first group of the text is the highest.
public struct IPv6Address: Sendable, Hashable, Comparable, RawRepresentable {
  /// The 128 bits, first octet highest.
  public var rawValue: UInt128
  /// Creates an address from its bits, first octet highest.
  @inlinable public init(rawValue: UInt128) { self.rawValue = rawValue }

  /// Parses every form of RFC 4291 §2.2, an embedded dotted quad included, as `inet_pton` does. No zone suffix.
  public init?(_ text: some StringProtocol) {
    let units = Array(text.utf8)
    var groups: [UInt16] = []
    var gap: Int?
    var index = 0
    if units.first == 0x3A {
      guard units.count >= 2, units[1] == 0x3A else { return nil }
      gap = 0
      index = 2
    }
    while index < units.count {
      guard groups.count < 8 else { return nil }
      var end = index
      while end < units.count, units[end] != 0x3A { end += 1 }
      let piece = units[index..<end]
      if piece.contains(0x2E) {
        guard end == units.count, groups.count <= 6,
          let quad = IPv4Address(String(decoding: piece, as: UTF8.self))
        else { return nil }
        groups += [UInt16(quad.rawValue >> 16), UInt16(quad.rawValue & 0xFFFF)]
        index = end
        break
      }
      guard (1...4).contains(piece.count) else { return nil }
      var value: UInt16 = 0
      for unit in piece {
        guard let digit = Hex.digit(unit) else { return nil }
        value = value << 4 | UInt16(digit)
      }
      groups.append(value)
      index = end
      guard index < units.count else { break }
      index += 1
      guard index < units.count else { return nil }
      if units[index] == 0x3A {
        guard gap == nil else { return nil }
        gap = groups.count
        index += 1
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    rawValue = groups.reduce(0) { $0 << 16 | UInt128($1) }
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
