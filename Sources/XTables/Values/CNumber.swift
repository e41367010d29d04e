/// A number as the C library reads it at the front of a text: white space, a sign, digits.
///
/// Every number of a rule is read here. iptables has several readers, which agree on the digits and differ in what they do with a
/// minus, with too many digits and with what follows; the properties below are those readers.
public struct CNumber: Sendable {
  public enum Base: UInt64, Sendable {
    /// `0x1f`, `037` and `31` are the same number: base 0 of `strtoul`.
    case any = 0
    case decimal = 10
    case hexadecimal = 16
    /// Hexadecimal as the `%x` of `scanf` reads it, for which `0x` alone is the number 0.
    case scannedHexadecimal = 0x10_0010
  }

  /// The digits' value, or `UInt64.max` where they have more than 64 bits.
  public let magnitude: UInt64
  public let isNegative: Bool
  /// The digits have more than 64 bits; C sets `errno` to `ERANGE`.
  public let isTooLarge: Bool
  /// What follows the digits.
  public let rest: ArraySlice<UInt8>

  /// Nothing where the text begins with no number.
  public init?(_ bytes: ArraySlice<UInt8>, base: Base = .any) {
    var at = bytes.startIndex
    let end = bytes.endIndex
    while at < end, bytes[at] == 0x20 || (9...13).contains(bytes[at]) { at += 1 }
    var isNegative = false
    if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
      isNegative = bytes[at] == UInt8(ascii: "-")
      at += 1
    }
    var radix = base.rawValue & 0xff
    var isScanned = false
    if base != .decimal {
      // `0x` without a digit behind it is the number 0 and the letter x.
      let isPrefixed = end - at >= 2 && bytes[at] == UInt8(ascii: "0") && bytes[at + 1] | 0x20 == UInt8(ascii: "x")
        && (end - at > 2 && Self.digit(bytes[at + 2]) < 16 || base == .scannedHexadecimal)
      if isPrefixed { at += 2 }
      isScanned = isPrefixed && base == .scannedHexadecimal
      if base == .any { radix = isPrefixed ? 16 : at < end && bytes[at] == UInt8(ascii: "0") ? 8 : 10 }
    }
    let first = at
    var value: UInt64 = 0
    var isTooLarge = false
    while at < end {
      let digit = Self.digit(bytes[at])
      guard digit < radix else { break }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = scaled.addingReportingOverflow(digit)
      if overflow || carry { isTooLarge = true }
      value = sum
      at += 1
    }
    guard at > first || isScanned else { return nil }
    magnitude = isTooLarge ? .max : value
    self.isNegative = isNegative
    self.isTooLarge = isTooLarge
    rest = bytes[at...]
  }

  /// The digit's value, or 255 where the byte is none.
  private static func digit(_ byte: UInt8) -> UInt64 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte &- UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte &- UInt8(ascii: "a") &+ 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte &- UInt8(ascii: "A") &+ 10)
    default: 255
    }
  }

  /// The number itself: nothing where a minus stands before it or it has more than 64 bits.
  ///
  /// The corresponding C function is `xtables_strtoul`; its callers say how many bits they take.
  public var exact: UInt64? { isNegative || isTooLarge ? nil : magnitude }

  /// What `strtoul` and the `%u` of `scanf` give: all ones where there are too many digits, and a minus counts down from 2⁶⁴.
  public var wrapped: UInt64 { isNegative && !isTooLarge ? 0 &- magnitude : magnitude }

  /// What `strtol` gives: the nearest number of 64 bits with sign.
  public var clamped: Int64 {
    isNegative
      ? (magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude)) : Int64(clamping: magnitude)
  }

  /// What `atoi` gives: the lowest 32 bits of that.
  public var int: Int32 { Int32(truncatingIfNeeded: clamped) }
}
