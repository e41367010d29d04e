public import Diagnostics

/// One argument of a rule: its bytes after unquoting, and where it stood in the source.
public struct Token: Sendable {
  public let bytes: ArraySlice<UInt8>
  public let range: SourceRange

  public init(_ bytes: ArraySlice<UInt8>, at range: SourceRange) {
    self.bytes = bytes
    self.range = range
  }

  /// A token that stands in no file: an argument of a command, or one made by a test.
  public init(_ text: String) {
    self.init(ArraySlice(text.utf8), at: SourceRange(0..<0))
  }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  public static func == (token: Token, text: String) -> Bool {
    token.bytes.count == text.utf8.count && token.bytes.elementsEqual(text.utf8)
  }

  public func starts(with text: String) -> Bool { bytes.starts(with: text.utf8) }

  /// The parts between separators; always at least one.
  public func split(on separator: Unicode.Scalar) -> [Token] {
    let byte = UInt8(ascii: separator)
    return bytes.split(separator: byte, omittingEmptySubsequences: false).map { Token($0, at: range) }
  }

  /// The parts before and after the first separator, or nothing where there is none.
  public func cut(at separator: Unicode.Scalar) -> (before: Token, after: Token)? {
    guard let index = bytes.firstIndex(of: UInt8(ascii: separator)) else { return nil }
    return (Token(bytes[..<index], at: range), Token(bytes[(index + 1)...], at: range))
  }

  /// A number as `strtoul` with base 0 reads it: decimal, `0x` hexadecimal or `0` octal, the whole token, no blank before.
  public var unsigned: UInt64? { UnsignedText.parse(bytes) }
}

/// Numbers as C's `strtoul` reads them.
public enum UnsignedText {
  /// Parses with base 0: `0x1f`, `037` and `31` are the same number. A sign is not accepted.
  public static func parse(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    guard let first = bytes.first else { return nil }
    if first == UInt8(ascii: "0"), bytes.count > 1 {
      let second = bytes[bytes.startIndex + 1] | 0x20
      if second == UInt8(ascii: "x") { return digits(bytes.dropFirst(2), radix: 16) }
      return digits(bytes.dropFirst(1), radix: 8)
    }
    return digits(bytes, radix: 10)
  }

  /// The decimal number a text begins with, whatever follows, as `scanf` reads it; nothing where it begins with none.
  public static func leading(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    let text = bytes.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    return digits(text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }, radix: 10)
  }

  public static func digits(_ bytes: ArraySlice<UInt8>, radix: UInt64) -> UInt64? {
    guard !bytes.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      let digit: UInt64
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt64(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
      guard digit < radix else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = scaled.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }
}
