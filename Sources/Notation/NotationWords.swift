package import Diagnostics

/// A word of packet notation with its place.
package struct NotationWord {
  /// What it says; bytes that are no UTF-8 stand in it as U+FFFD, so that places in it are none in the file.
  package let text: String
  package let range: SourceRange
  /// What it was read from: a packet in brackets is read from there, so that its places are those of the file.
  package let file: SourceFile

  package init(text: String, range: SourceRange, file: SourceFile) {
    self.text = text
    self.range = range
    self.file = file
  }

  /// Name and value of `name=value`, without quotes around the value.
  package var setting: (name: String, value: String)? {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    var value = text[text.index(after: equals)...]
    if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
    return (String(text[..<equals]), String(value))
  }
}

/// A syntax error in packet notation.
package struct NotationError: Error {
  package let message: String
  package let range: SourceRange
  package let hint: String?

  package init(_ message: String, at range: SourceRange, hint: String? = nil) {
    self.message = message
    self.range = range
    self.hint = hint
  }
}

/// Splits a line into words at blanks and `>`; `=>` is a word. Quoted and bracketed text stays together.
///
/// The nesting depth of brackets is limited to that of quoted packets, plus one level for IPv6 addresses.
package enum NotationLexer {
  package static func words(_ file: SourceFile, _ line: Range<Int>) throws(NotationError) -> [NotationWord] {
    var words: [NotationWord] = []
    var at = line.lowerBound
    func add(_ range: Range<Int>) {
      words.append(NotationWord(text: String(decoding: file.bytes[range], as: UTF8.self), range: SourceRange(range), file: file))
    }
    while at < line.upperBound {
      let byte = file.bytes[at]
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") {
        at += 1
      } else if byte == UInt8(ascii: "#") {
        break
      } else if byte == UInt8(ascii: ">") {
        add(at..<at + 1)
        at += 1
      } else if byte == UInt8(ascii: "="), at + 1 < line.upperBound, file.bytes[at + 1] == UInt8(ascii: ">") {
        add(at..<at + 2)
        at += 2
      } else {
        let end = try wordEnd(file.bytes, at, line.upperBound)
        add(at..<end)
        at = end
      }
    }
    return words
  }

  /// Checks the nesting depth.
  ///
  /// - Parameter level: the level of the quoted packet.
  static func check(_ level: Int, at place: Int) throws(NotationError) {
    do throws(NestingError) {
      try NestingLimit.packets.check(level)
    } catch {
      throw NotationError("\(error)", at: SourceRange(place..<place + 1))
    }
  }

  private static func wordEnd(_ bytes: [UInt8], _ start: Int, _ end: Int) throws(NotationError) -> Int {
    var depth = 0
    var quotedAt: Int?
    var at = start
    while at < end {
      let byte = bytes[at]
      if quotedAt != nil {
        // A backslash keeps a quote from ending the text.
        if byte == UInt8(ascii: "\\") { at += 1 } else if byte == UInt8(ascii: "\"") { quotedAt = nil }
      } else {
        switch byte {
        case UInt8(ascii: "\""): quotedAt = at
        case UInt8(ascii: "["):
          depth += 1
          try check(depth - 1, at: at)
        case UInt8(ascii: "]"): depth -= 1
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: ">"): if depth <= 0 { return at }
        default: break
        }
      }
      at += 1
    }
    at = min(at, end)
    if let quotedAt { throw NotationError("the quote is never closed", at: SourceRange(quotedAt..<end)) }
    if depth > 0 { throw NotationError("a bracket is never closed", at: SourceRange(start..<end)) }
    return end
  }
}
