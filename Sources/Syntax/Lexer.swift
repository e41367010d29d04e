import Diagnostics
public import XTables

/// Splits a line into the words of a rule. The corresponding C function of iptables-restore is `add_param_to_argv`.
public enum Lexer {
  /// The longest word in bytes: `XT_MAX_PARAM` less one for the NUL.
  public static let longestArgument = 1023
  /// The largest number of words: `MAX_ARGC` less the program's name, `-t` and the table.
  public static let mostArguments = 251

  /// Splits a part of a file into words.
  ///
  /// Only `"` quotes, and a backslash escapes only inside quotes. As in iptables-restore, a quote that is not closed takes the rest
  /// of the line *without an error*.
  ///
  /// - Parameters:
  ///   - file: the bytes of the file.
  ///   - range: the offsets of the line, without its newline.
  ///   - takesNewline: whether a quote that is not closed takes the newline too. iptables-restore does that, and then iptables-save
  ///     prints a rule that cannot be read back.
  ///   - unterminated: receives the offset of a quote that is not closed.
  /// - Throws: an error for a word that is too long, or too many words.
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
        // A quote that opens at the very end of the input makes no word.
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

  /// The end of a word without quotes; nil if the word has one.
  private static func bareWordEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
    var at = start
    while at < end {
      let byte = bytes[at]
      // Most bytes are greater than blank, tab and quote, so one comparison is enough for them.
      if byte <= UInt8(ascii: "\"") {
        if isBlank(byte) { return at }
        if byte == UInt8(ascii: "\"") { return nil }
      }
      at += 1
    }
    return end
  }

  /// A word with quotes. The closing quote ends the word, even if text follows directly.
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

  /// Whether a byte separates words. The corresponding C function is `isspace`.
  static func isSpace(_ byte: UInt8) -> Bool { isBlank(byte) || (0x0a...0x0d).contains(byte) }

  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
