import Diagnostics
public import XTables

/// Splits the arguments of a rule as iptables-restore does; the corresponding C function is `add_param_to_argv`.
public enum Lexer {
  /// One less than `XT_MAX_PARAM` leaves room for the final NUL.
  public static let longestArgument = 1023
  /// `MAX_ARGC` less the program's name, `-t` and the table.
  public static let mostArguments = 251

  /// The words of `range` in a file's bytes.
  ///
  /// Only `"` quotes, and a backslash escapes inside quotes only. A quote that is never closed swallows the rest of the
  /// line *without an error*, as iptables-restore has it; `unterminated` reports where it began.
  ///
  /// - Parameter takesNewline: such a quote swallows the newline too. iptables-restore does that, and then prints what it
  ///   cannot read back; where a text is to be kept readable it is better left out.
  public static func words(
    of file: [UInt8], in range: Range<Int>, takesNewline: Bool = false, unterminated: (Int) -> Void
  ) throws(OptionError) -> LineWords {
    let hasNewline = takesNewline && range.upperBound < file.count && file[range.upperBound] == UInt8(ascii: "\n")
    let lineEnd = range.upperBound + (hasNewline ? 1 : 0)
    var words = LineWords(in: file)
    let text = file.span
    var at = range.lowerBound
    while at < range.upperBound {
      if isBlank(text[at]) {
        at += 1
        continue
      }
      let start = at
      if let end = bareWordEnd(text, from: at, to: range.upperBound) {
        words.append(start..<end)
        try checkLimits(start..<end, end - start, count: words.count)
        at = end
      } else {
        let (bytes, end) = quotedWord(text, from: at, to: range.upperBound, lineEnd: lineEnd, unterminated: unterminated)
        // A quote that opens at the very end of the input holds nothing, and is no word.
        if takesNewline, bytes.isEmpty, end == text.count, text[end - 1] == UInt8(ascii: "\""), end - start == 1 { break }
        words.append(Token(bytes[...], at: SourceRange(start..<end)))
        try checkLimits(start..<end, bytes.count, count: words.count)
        at = end
      }
    }
    return words
  }

  private static func checkLimits(_ last: Range<Int>, _ length: Int, count: Int) throws(OptionError) {
    if length > longestArgument {
      throw OptionError(
        "parameter-too-long", "Parameter too long!", at: SourceRange(last),
        hint: "an argument may have at most \(longestArgument) bytes")
    }
    if count > mostArguments {
      throw OptionError(
        "too-many-arguments", "Parser cannot handle more arguments", at: SourceRange(last),
        hint: "a rule may have at most \(mostArguments) arguments")
    }
  }

  /// The end of a word without any quote, or nothing where it holds one.
  private static func bareWordEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
    var at = start
    while at < end {
      let byte = bytes[at]
      // Nearly every byte stands behind blank, tab and quote.
      if byte <= UInt8(ascii: "\"") {
        if isBlank(byte) { return at }
        if byte == UInt8(ascii: "\"") { return nil }
      }
      at += 1
    }
    return end
  }

  /// A closing quote ends the argument, even where text follows at once.
  private static func quotedWord(
    _ bytes: Span<UInt8>, from start: Int, to end: Int, lineEnd: Int, unterminated: (Int) -> Void
  ) -> (bytes: [UInt8], end: Int) {
    var result: [UInt8] = []
    var openedAt: Int?
    var at = start
    while at < (openedAt == nil ? end : lineEnd) {
      let byte = bytes[at]
      at += 1
      if openedAt != nil {
        if byte == UInt8(ascii: "\\"), at < lineEnd {
          result.append(bytes[at])
          at += 1
        } else if byte == UInt8(ascii: "\"") {
          return (result, at)
        } else {
          result.append(byte)
        }
      } else if byte == UInt8(ascii: "\"") {
        openedAt = at - 1
      } else if isBlank(byte) {
        return (result, at - 1)
      } else {
        result.append(byte)
      }
    }
    if let openedAt { unterminated(openedAt) }
    return (result, at)
  }

  /// Where words cannot be: the corresponding C function is `isspace`.
  static func isSpace(_ byte: UInt8) -> Bool { isBlank(byte) || (0x0a...0x0d).contains(byte) }

  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
