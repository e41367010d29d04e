/// A fraction at the beginning of a text, as `strtod` reads it: white space, a sign, then a decimal or hexadecimal number, `inf`, `nan`
/// or `nan(NAME)`.
public struct CFraction: Sendable {
  /// The value.
  public let value: Double
  /// The text after the number.
  public let rest: ArraySlice<UInt8>

  /// Nil if the text does not begin with a number.
  public init?(_ bytes: ArraySlice<UInt8>) {
    var at = bytes.drop { $0 == 0x20 || (9...13).contains($0) }
    let isNegative = at.first == UInt8(ascii: "-")
    if isNegative || at.first == UInt8(ascii: "+") { at = at.dropFirst() }
    let length = Self.nameLength(at) ?? Self.length(at)
    guard length > 0, let magnitude = Double(String(decoding: at.prefix(length), as: UTF8.self)) else { return nil }
    value = isNegative ? -magnitude : magnitude
    rest = at.dropFirst(magnitude.isNaN ? length + Self.payloadLength(at.dropFirst(length)) : length)
  }

  /// The length of the name in parentheses after `nan`: letters, digits and underscores. 0 if there is none.
  private static func payloadLength(_ bytes: ArraySlice<UInt8>) -> Int {
    guard bytes.first == UInt8(ascii: "(") else { return 0 }
    let name = bytes.dropFirst().prefix { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || byte == UInt8(ascii: "_")
    }
    return bytes.dropFirst(1 + name.count).first == UInt8(ascii: ")") ? name.count + 2 : 0
  }

  private static func nameLength(_ bytes: ArraySlice<UInt8>) -> Int? {
    ["infinity", "inf", "nan"].first { name in bytes.count >= name.utf8.count && zip(bytes, name.utf8).allSatisfy { $0 | 0x20 == $1 } }?
      .utf8.count
  }

  /// The number of bytes that are digits, a point and an exponent.
  private static func length(_ bytes: ArraySlice<UInt8>) -> Int {
    let text = Array(bytes.prefix(1024))
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let isHexadecimal =
      text.count > 2 && text[0] == UInt8(ascii: "0") && text[1] | 0x20 == UInt8(ascii: "x")
      && (CNumber(text[2..<3], base: .hexadecimal)?.rest.isEmpty == true || text[2] == UInt8(ascii: "."))
    let isMantissa = { (byte: UInt8) in isDigit(byte) || isHexadecimal && (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) }
    var at = isHexadecimal ? 2 : 0
    var digits = 0
    var hasPoint = false
    while at < text.count, isMantissa(text[at]) || text[at] == UInt8(ascii: ".") && !hasPoint {
      if text[at] == UInt8(ascii: ".") { hasPoint = true } else { digits += 1 }
      at += 1
    }
    guard digits > 0 else { return isHexadecimal ? 1 : 0 }
    // An exponent without digits is not part of the number.
    guard at < text.count, text[at] | 0x20 == UInt8(ascii: isHexadecimal ? "p" : "e") else { return at }
    var end = at + 1
    if end < text.count, text[end] == UInt8(ascii: "+") || text[end] == UInt8(ascii: "-") { end += 1 }
    let first = end
    while end < text.count, isDigit(text[end]) { end += 1 }
    return end > first ? end : at
  }
}

extension UInt32 {
  /// The lowest 32 bits of the integral part, as compiled C code converts a `double` on 64-bit machines; 0 if the integral part has
  /// more than 63 bits.
  public init(truncating value: Double) {
    self = value > -0x1p63 && value < 0x1p63 ? UInt32(truncatingIfNeeded: Int64(value)) : 0
  }
}
