/// A rule of nf_tables split into words.
struct NativeWords {
  enum Word: Equatable {
    /// A word without quotes, or one of `{`, `}` and `,`.
    case plain(String)
    case quoted(String)
  }

  private var words: [Word] = []
  private var at = 0

  /// Between braces, commas are words of their own.
  init(_ text: String) throws(NativeRule.SyntaxError) {
    var word: [UInt8] = []
    var (depth, isQuoted, isEscaped) = (0, false, false)
    func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    func end(_ words: inout [Word]) {
      if !word.isEmpty { words.append(.plain(string(word))) }
      word = []
    }
    for byte in text.utf8 {
      if isQuoted {
        if isEscaped || byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
          word.append(byte)
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else {
          words.append(.quoted(string(word)))
          (word, isQuoted) = ([], false)
        }
        continue
      }
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"): end(&words)
      case UInt8(ascii: "\""):
        end(&words)
        isQuoted = true
      case UInt8(ascii: "{"), UInt8(ascii: "}"):
        end(&words)
        words.append(.plain(byte == UInt8(ascii: "{") ? "{" : "}"))
        depth += byte == UInt8(ascii: "{") ? 1 : -1
      case UInt8(ascii: ",") where depth > 0 && word.first != UInt8(ascii: "@"):
        end(&words)
        words.append(.plain(","))
      default: word.append(byte)
      }
    }
    guard !isQuoted else { throw NativeRule.SyntaxError("a quote is not closed") }
    end(&words)
  }

  /// The bytes of names without quotes.
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  var isAtEnd: Bool { at >= words.count }

  /// The next word if it has no quotes, without taking it.
  var next: String? {
    guard at < words.count, case .plain(let word) = words[at] else { return nil }
    return word
  }

  /// Takes the next words if they are these.
  mutating func take(_ text: String) -> Bool {
    let wanted = text.split(separator: " ")
    guard words.count - at >= wanted.count else { return false }
    for (index, word) in wanted.enumerated() where words[at + index] != .plain(String(word)) { return false }
    at += wanted.count
    return true
  }

  /// Takes the next word, with or without quotes.
  mutating func any(_ what: String) throws(NativeRule.SyntaxError) -> String {
    guard at < words.count else { throw NativeRule.SyntaxError("\(what) is missing at the end") }
    at += 1
    switch words[at - 1] {
    case .plain(let word), .quoted(let word): return word
    }
  }

  /// Takes a number of a type.
  mutating func number<Number: FixedWidthInteger>(_ what: String, _: Number.Type = Number.self) throws(NativeRule.SyntaxError) -> Number {
    let word = try any(what)
    let number = word.hasPrefix("0x") ? Number(word.dropFirst(2), radix: 16) : Number(word)
    guard let number else { throw NativeRule.SyntaxError("`\(word)' is no number for \(what)") }
    return number
  }
}
