/// The Internet checksum (RFC 1071), its incremental form (RFC 1624) and the sum of the pseudo headers.
public enum Checksum {
  /// The one's-complement sum of the 16-bit words of a range, not folded. Words start at even distances from the range's start.
  /// A range past the end of the array is cut there.
  public static func sum(_ bytes: [UInt8], in range: Range<Int>, initial: UInt64 = 0) -> UInt64 {
    var total = initial
    var index = max(range.lowerBound, 0)
    let end = min(range.upperBound, bytes.count)
    let span = unsafe bytes.span.bytes
    // Adding a 32-bit word equals adding its two halves: 2¹⁶ is 1 in one's complement.
    while index &+ 8 <= end {
      let word = unsafe UInt64(bigEndian: span.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      total &+= (word >> 32) &+ (word & 0xFFFF_FFFF)
      index &+= 8
    }
    while index &+ 1 < end {
      total &+= UInt64(bytes[index]) << 8 | UInt64(bytes[index &+ 1])
      index &+= 2
    }
    if index < end { total &+= UInt64(bytes[index]) << 8 }
    return total
  }

  /// Folds a running sum to sixteen bits, without complementing it.
  @inlinable public static func fold(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum >> 16 != 0 { sum = (sum & 0xFFFF) &+ (sum >> 16) }
    return UInt16(truncatingIfNeeded: sum)
  }

  /// The checksum of a range, complemented, ready to be stored.
  public static func compute(_ bytes: [UInt8], in range: Range<Int>, initial: UInt64 = 0) -> UInt16 {
    ~fold(sum(bytes, in: range, initial: initial))
  }

  /// The sum of the pseudo header of TCP, UDP, UDP-Lite and DCCP over IPv4 (RFC 793), and of those and ICMPv6 over IPv6 (RFC 8200 §8.1).
  /// - Parameter length: bytes of the transport header and its payload.
  public static func pseudoHeader(
    source: IPAddress, destination: IPAddress, protocol number: IPProtocol, length: Int
  ) -> UInt64 {
    pseudoHeaderStart(protocol: number, length: length) &+ halves(source.bits) &+ halves(destination.bits)
  }

  /// The sum of a pseudo header without its addresses.
  static func pseudoHeaderStart(protocol number: IPProtocol, length: Int) -> UInt64 {
    UInt64(number.rawValue) &+ UInt64(truncatingIfNeeded: length & 0xFFFF) &+ UInt64(truncatingIfNeeded: length >> 16 & 0xFFFF)
  }

  /// The sum of an address's words.
  private static func halves(_ bits: UInt128) -> UInt64 {
    let high = UInt64(truncatingIfNeeded: bits >> 64)
    let low = UInt64(truncatingIfNeeded: bits)
    return (high >> 32) &+ (high & 0xFFFF_FFFF) &+ (low >> 32) &+ (low & 0xFFFF_FFFF)
  }

  /// The checksum after a 16-bit word of the data changed (RFC 1624, equation 3).
  @inlinable public static func updated(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
    ~fold(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
  }

  /// The checksum after a 32-bit word of the data changed.
  @inlinable public static func updated(_ checksum: UInt16, from old: UInt32, to new: UInt32) -> UInt16 {
    let half = updated(checksum, from: UInt16(truncatingIfNeeded: old >> 16), to: UInt16(truncatingIfNeeded: new >> 16))
    return updated(half, from: UInt16(truncatingIfNeeded: old), to: UInt16(truncatingIfNeeded: new))
  }

  /// The checksum after an address of the pseudo header changed.
  public static func updated(_ checksum: UInt16, from old: IPAddress, to new: IPAddress) -> UInt16 {
    var result = checksum
    var (before, after) = (old.bits, new.bits)
    while before != 0 || after != 0 {
      result = updated(result, from: UInt16(truncatingIfNeeded: before), to: UInt16(truncatingIfNeeded: after))
      before >>= 16
      after >>= 16
    }
    return result
  }

  /// CRC-32C (Castagnoli), which SCTP carries little-endian in place of a checksum (RFC 9260, appendix A).
  /// - Parameters:
  /// - range: the bytes; cut at the end of the array.
  /// - field: the position of the checksum field, whose four bytes count as zeros; nil for none.
  public static func crc32c(_ bytes: [UInt8], in range: Range<Int>, ignoring field: Int? = nil) -> UInt32 {
    var crc: UInt32 = .max
    let ignored = field.map { $0..<($0 &+ 4) } ?? 0..<0
    for index in range.clamped(to: bytes.indices) {
      let byte = ignored.contains(index) ? 0 : bytes[index]
      crc = remainders[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8
    }
    return ~crc
  }

  /// The remainder of each byte divided by the polynomial of CRC-32C, lowest bit first.
  private static let remainders: InlineArray<256, UInt32> = InlineArray { index in
    (0..<8).reduce(UInt32(index)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0x82F6_3B78 : 0) }
  }
}
