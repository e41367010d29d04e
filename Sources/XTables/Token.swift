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

  /// The number that is the whole token; the corresponding C function is `xtables_strtoul` with its second argument null.
  public var unsigned: UInt64? { UnsignedText.parse(bytes) }
}

/// Numbers without a sign that must be what was written.
public enum UnsignedText {
  /// The whole text as a number, decimal, hexadecimal or octal; white space and a plus may stand before it.
  public static func parse(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    guard let number = CNumber(bytes), number.rest.isEmpty else { return nil }
    return number.exact
  }

  /// The number at the front and what follows it; the corresponding C function is `xtables_strtoul`.
  public static func prefix(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, rest: ArraySlice<UInt8>)? {
    guard let number = CNumber(bytes), let value = number.exact else { return nil }
    return (value, number.rest)
  }

  /// The whole text as digits of one base and nothing else.
  public static func digits(_ bytes: ArraySlice<UInt8>, base: CNumber.Base) -> UInt64? {
    guard let first = bytes.first, first > UInt8(ascii: "-"), let number = CNumber(bytes, base: base), number.rest.isEmpty else { return nil }
    return number.exact
  }
}
