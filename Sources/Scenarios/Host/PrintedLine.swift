import Diagnostics
import Documents

/// A line of what a program printed for people, split at blanks.
struct PrintedLine {
  let words: [String]
  let range: SourceRange
  /// Whether the line begins with a blank, as the continuation of another one does.
  let isIndented: Bool

  /// The lines of a text that are not empty. `ip -o` prints a backslash where it would begin a new line.
  static func all(of file: SourceFile) -> [PrintedLine] {
    (1..<file.lineCount + 1).compactMap { number in
      let range = file.lineRange(number)
      let bytes = file.bytes[range]
      let words = bytes.split { $0 == UInt8(ascii: "\\") || $0 <= UInt8(ascii: " ") }.map { String(decoding: $0, as: UTF8.self) }
      guard let first = words.first, !first.hasPrefix("#") else { return nil }
      return PrintedLine(words: words, range: SourceRange(range), isIndented: bytes.first.map { $0 <= UInt8(ascii: " ") } ?? false)
    }
  }

  /// The word behind the first `name`.
  func value(of name: String) -> String? {
    words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
  }

  /// The error for a text whose first line is not what a program prints: the file may be of another kind.
  func unlike(_ program: String) -> ScenarioFileError {
    ScenarioFileError("this is not the output of `\(program)'", at: SourceRange(0..<0), hidesText: true)
  }

  func error(_ message: String, hint: String? = nil) -> ScenarioFileError { ScenarioFileError(message, at: range, hint: hint) }
}

extension SourceFile {
  /// Whether the text is JSON, by its first byte.
  var isJSON: Bool {
    let first = bytes.first { $0 > UInt8(ascii: " ") }
    return first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
  }

  /// - Throws: an error if the text is known to be what another program prints.
  func check(is kind: PrintedText) throws(ScenarioFileError) {
    guard let other = PrintedText(bytes), other != kind else { return }
    throw ScenarioFileError(
      "\(other.title), not the output of `\(kind.program)'", at: SourceRange(0..<0), hint: other.advice, hidesText: true)
  }
}
