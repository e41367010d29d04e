/// Checked loads and stores of network-order integers in a byte array.
///
/// The only file of this target that accesses memory without the language's own checks. Each function compares the offset with the
/// count first, so no length or offset in a packet can lead to an access outside of it.
extension [UInt8] {
  /// True if the array has `length` bytes from `offset` on; false for negative or overflowing values.
  @inlinable @inline(__always)
  public func holds(_ length: Int, at offset: Int) -> Bool {
    offset >= 0 && length >= 0 && length <= count && offset <= count &- length
  }

  /// The byte at `offset`; nil outside the array.
  @inlinable @inline(__always)
  public func uint8(at offset: Int) -> UInt8? {
    offset >= 0 && offset < count ? self[offset] : nil
  }

  /// The big-endian 16-bit word at `offset`; nil if not entirely inside the array.
  @inlinable @inline(__always)
  public func uint16(at offset: Int) -> UInt16? {
    guard holds(2, at: offset) else { return nil }
    return unsafe UInt16(bigEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The big-endian 32-bit word at `offset`; nil if not entirely inside the array.
  @inlinable @inline(__always)
  public func uint32(at offset: Int) -> UInt32? {
    guard holds(4, at: offset) else { return nil }
    return unsafe UInt32(bigEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The big-endian 64-bit word at `offset`; nil if not entirely inside the array.
  @inlinable @inline(__always)
  public func uint64(at offset: Int) -> UInt64? {
    guard holds(8, at: offset) else { return nil }
    return unsafe UInt64(bigEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The big-endian 128-bit word at `offset`; nil if not entirely inside the array.
  @inlinable @inline(__always)
  public func uint128(at offset: Int) -> UInt128? {
    guard let high = uint64(at: offset), let low = uint64(at: offset &+ 8) else { return nil }
    return UInt128(high) << 64 | UInt128(low)
  }

  /// Stores a byte. Returns false and changes nothing outside the array.
  @inlinable @discardableResult
  public mutating func setUInt8(_ value: UInt8, at offset: Int) -> Bool {
    guard holds(1, at: offset) else { return false }
    self[offset] = value
    return true
  }

  /// Stores a big-endian 16-bit word. Returns false and changes nothing if it does not fit.
  @inlinable @discardableResult
  public mutating func setUInt16(_ value: UInt16, at offset: Int) -> Bool {
    guard holds(2, at: offset) else { return false }
    unsafe withUnsafeMutableBytes { unsafe $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self) }
    return true
  }

  /// Stores a big-endian 32-bit word. Returns false and changes nothing if it does not fit.
  @inlinable @discardableResult
  public mutating func setUInt32(_ value: UInt32, at offset: Int) -> Bool {
    guard holds(4, at: offset) else { return false }
    unsafe withUnsafeMutableBytes { unsafe $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self) }
    return true
  }

  /// Stores a big-endian 128-bit word. Returns false and changes nothing if it does not fit.
  @inlinable @discardableResult
  public mutating func setUInt128(_ value: UInt128, at offset: Int) -> Bool {
    guard holds(16, at: offset) else { return false }
    for index in 0..<4 {
      setUInt32(UInt32(truncatingIfNeeded: value >> UInt128(96 &- 32 &* index)), at: offset &+ 4 &* index)
    }
    return true
  }

  /// Appends a big-endian 16-bit word.
  @inlinable
  public mutating func appendUInt16(_ value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  /// Appends a big-endian 32-bit word.
  @inlinable
  public mutating func appendUInt32(_ value: UInt32) {
    appendUInt16(UInt16(truncatingIfNeeded: value >> 16))
    appendUInt16(UInt16(truncatingIfNeeded: value))
  }

  /// Appends a big-endian 128-bit word.
  @inlinable
  public mutating func appendUInt128(_ value: UInt128) {
    for index in 0..<4 { appendUInt32(UInt32(truncatingIfNeeded: value >> UInt128(96 &- 32 &* index))) }
  }

  /// At most `length` bytes from `offset` on; empty outside the array.
  public func slice(at offset: Int, length: Int = .max) -> ArraySlice<UInt8> {
    guard offset >= 0, offset < count, length > 0 else { return [] }
    return self[offset..<(offset &+ Swift.min(length, count &- offset))]
  }
}

/// Converts bytes to lower-case hexadecimal digits and back.
public enum Hex {
  /// Two lower-case digits per byte, without separators.
  public static func string(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Parses hexadecimal digits; white space and colons between bytes are skipped.
  /// Nil for any other character or an odd number of digits.
  public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    var result: [UInt8] = []
    var high: UInt8?
    for unit in text.utf8 {
      guard let digit = digit(unit) else {
        if high == nil, unit == 0x20 || unit == 0x3A || (9...13).contains(unit) { continue }
        return nil
      }
      if let first = high {
        result.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? result : nil
  }

  /// The value of an ASCII hexadecimal digit; nil for other bytes.
  public static func digit(_ unit: UInt8) -> UInt8? {
    switch unit {
    case 0x30...0x39: unit - 0x30
    case 0x41...0x46: unit - 0x37
    case 0x61...0x66: unit - 0x57
    default: nil
    }
  }
}
