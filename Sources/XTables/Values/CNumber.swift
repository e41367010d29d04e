/// A number at the beginning of a text, as the C library reads it: white space, a sign, digits.
///
/// Every number of a rule is read here. iptables uses several C functions, which treat digits alike but differ in a minus, too many
/// digits, and the text behind. The properties below correspond to these functions.
public struct CNumber: Sendable {
  /// The base of the digits.
  public enum Base: UInt64, Sendable {
    /// Base 0 of `strtoul`: `0x1f`, `037` and `31` are the same number.
    case any = 0
    /// Decimal digits only.
    case decimal = 10
    /// Hexadecimal digits, with or without `0x`.
    case hexadecimal = 16
    /// Hexadecimal as `%x` of `scanf` reads it: `0x` alone is the number 0.
    case scannedHexadecimal = 0x10_0010
  }

  /// The value of the digits; `UInt64.max` if they have more than 64 bits.
  public let magnitude: UInt64
  /// Whether a minus precedes the digits.
  public let isNegative: Bool
  /// Whether the digits have more than 64 bits, so that C sets `errno` to `ERANGE`.
  public let isTooLarge: Bool
  /// The text after the digits.
  public let rest: ArraySlice<UInt8>

  /// Nil if the text does not begin with a number.
  public init?(_ bytes: ArraySlice<UInt8>, base: Base = .any) {
    if base == .any || base == .decimal, let (value, end) = Self.shortDecimal(bytes) {
      (magnitude, isNegative, isTooLarge, rest) = (value, false, false, bytes[end...])
      return
    }
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
      // `0x` without a digit behind it is the number 0, followed by the letter x.
      let isPrefixed =
        end - at >= 2 && bytes[at] == UInt8(ascii: "0") && bytes[at + 1] | 0x20 == UInt8(ascii: "x")
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

  /// A number that begins with a digit from 1 to 9 and has at most 19 digits, which nearly all have: the same in both bases, and never too
  /// large.
  private static func shortDecimal(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, end: Int)? {
    guard let first = bytes.first, (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first) else { return nil }
    var end = 0
    return PlainNumber.digits(bytes.span, at: &end).map { ($0, bytes.startIndex + end) }
  }

  /// The value of a digit; 255 if the byte is none.
  private static func digit(_ byte: UInt8) -> UInt64 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte &- UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte &- UInt8(ascii: "a") &+ 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte &- UInt8(ascii: "A") &+ 10)
    default: 255
    }
  }

  /// The number; nil if a minus precedes it or it has more than 64 bits.
  ///
  /// The corresponding C function is `xtables_strtoul`. Its callers check the number of bits.
  public var exact: UInt64? { isNegative || isTooLarge ? nil : magnitude }

  /// The result of `strtoul` and of `%u` of `scanf`: all ones for too many digits, and 2⁶⁴ minus the number after a minus.
  public var wrapped: UInt64 { isNegative && !isTooLarge ? 0 &- magnitude : magnitude }

  /// The result of `strtol`: the nearest signed 64-bit number.
  public var clamped: Int64 {
    isNegative
      ? (magnitude > UInt64(Int64.max) ? .min : -Int64(magnitude)) : Int64(clamping: magnitude)
  }

  /// The result of `atoi`: the lowest 32 bits of ``clamped``.
  public var int: Int32 { Int32(truncatingIfNeeded: clamped) }
}
