public import Diagnostics

/// One word of a rule: its bytes after unquoting, and its place in the source.
public struct Token: Sendable {
  /// The bytes after unquoting.
  public let bytes: ArraySlice<UInt8>
  /// The place in the source, quotes included.
  public let range: SourceRange

  /// Creates a token at a place.
  public init(_ bytes: ArraySlice<UInt8>, at range: SourceRange) {
    self.bytes = bytes
    self.range = range
  }

  /// Creates a token without a place, such as an argument of a command.
  public init(_ text: String) {
    self.init(ArraySlice(text.utf8), at: SourceRange(0..<0))
  }

  /// The word as a string; invalid UTF-8 is replaced.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether the word has exactly these bytes.
  public static func == (token: Token, text: String) -> Bool {
    token.bytes.count == text.utf8.count && token.bytes.elementsEqual(text.utf8)
  }

  /// Whether the word begins with these bytes.
  public func starts(with text: String) -> Bool { bytes.starts(with: text.utf8) }

  /// The parts between separators; always at least one.
  public func split(on separator: Unicode.Scalar) -> [Token] {
    let byte = UInt8(ascii: separator)
    return bytes.split(separator: byte, omittingEmptySubsequences: false).map { Token($0, at: range) }
  }

  /// The text from one of the token's parts, as ``split(on:)`` gives them, to its end.
  public func rest(from part: Token) -> String {
    String(decoding: bytes[max(part.bytes.startIndex, bytes.startIndex)...], as: UTF8.self)
  }

  /// The parts before and after the first separator; nil if there is none.
  public func cut(at separator: Unicode.Scalar) -> (before: Token, after: Token)? {
    guard let index = bytes.firstIndex(of: UInt8(ascii: separator)) else { return nil }
    return (Token(bytes[..<index], at: range), Token(bytes[(index + 1)...], at: range))
  }

  /// The number that is the whole token; nil if it is none. The corresponding C function is `xtables_strtoul` without an end
  /// pointer.
  public var unsigned: UInt64? { UnsignedText.parse(bytes) }
}

/// Reads unsigned numbers that must not be changed by the reading.
public enum UnsignedText {
  /// The whole text as a decimal, hexadecimal or octal number. White space and a plus may precede it. Nil if it is none.
  public static func parse(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    var end = 0
    if let number = PlainNumber.decimal(bytes.span, at: &end), end == bytes.count { return UInt64(number) }
    guard let number = CNumber(bytes), number.rest.isEmpty else { return nil }
    return number.exact
  }

  /// The number at the beginning, and the text after it; nil if there is none. The corresponding C function is `xtables_strtoul`.
  public static func prefix(_ bytes: ArraySlice<UInt8>) -> (value: UInt64, rest: ArraySlice<UInt8>)? {
    guard let number = CNumber(bytes), let value = number.exact else { return nil }
    return (value, number.rest)
  }

  /// The whole text as digits of one base; nil if it has any other character.
  public static func digits(_ bytes: ArraySlice<UInt8>, base: CNumber.Base) -> UInt64? {
    guard let first = bytes.first, first > UInt8(ascii: "-"), let number = CNumber(bytes, base: base), number.rest.isEmpty else {
      return nil
    }
    return number.exact
  }
}
