import Diagnostics
import Wire
import XTables

/// Finds the cause of a mistake that the message of iptables does not name: text that a word processor or a web page has changed, lists with
/// blanks, and options for one value that are given several.
struct LikelyCause {
  /// The sentence for the user.
  let hint: String
  /// The bytes that cause the mistake; nil if the place of the error shows them.
  let range: SourceRange?

  private init(_ hint: String, at range: SourceRange? = nil) {
    self.hint = hint
    self.range = range
  }

  /// Looks at the line of an error; nil if nothing in it is a known cause.
  init?(of error: OptionError, in file: SourceFile, line: SourceRange) {
    let place = error.range ?? line
    let found =
      Self.typography(file, line) ?? Self.singleQuote(error, file, line) ?? Self.blankInList(error, file, line, place)
      ?? Self.manyPorts(error, file, place)
    guard let found else { return nil }
    self = found
  }

  // MARK: Characters

  private static let typographic: [(character: Unicode.Scalar, name: String, meant: String)] = [
    ("\u{2010}", "a hyphen", "`-'"), ("\u{2011}", "a non-breaking hyphen", "`-'"), ("\u{2012}", "a figure dash", "`-'"),
    ("\u{2013}", "an en dash", "`-' or `--'"), ("\u{2014}", "an em dash", "`--'"), ("\u{2015}", "a horizontal bar", "`--'"),
    ("\u{2212}", "a minus sign", "`-'"), ("\u{FF0D}", "a full-width hyphen", "`-'"), ("\u{00AD}", "a soft hyphen", "nothing"),
    ("\u{00A0}", "a no-break space", "a blank"), ("\u{202F}", "a narrow no-break space", "a blank"),
    ("\u{2007}", "a figure space", "a blank"),
    ("\u{2009}", "a thin space", "a blank"), ("\u{3000}", "an ideographic space", "a blank"), ("\u{200B}", "a zero-width space", "nothing"),
    ("\u{FEFF}", "a byte-order mark", "nothing"), ("\u{201C}", "a curly quote", "`\"'"), ("\u{201D}", "a curly quote", "`\"'"),
    ("\u{201E}", "a curly quote", "`\"'"), ("\u{00AB}", "a guillemet", "`\"'"), ("\u{00BB}", "a guillemet", "`\"'"),
    ("\u{2018}", "a curly quote", "`\"'"), ("\u{2019}", "a curly quote", "`\"'"), ("\u{FF01}", "a full-width exclamation mark", "`!'"),
    ("\u{FF0C}", "a full-width comma", "`,'"), ("\u{2026}", "an ellipsis", "`...'"),
  ]

  /// The first character that editors and web pages put in the place of an ASCII character, outside quoted words.
  private static func typography(_ file: SourceFile, _ line: SourceRange) -> LikelyCause? {
    let bytes = file.bytes[line.range]
    guard bytes.contains(where: { $0 >= 0x80 }) else { return nil }
    var at = bytes.startIndex
    var isQuoted = false
    while at < bytes.endIndex {
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte < 0x80 || isQuoted {
        at += 1
        continue
      }
      for (character, name, meant) in typographic {
        let encoded = Array(String(character).utf8)
        guard bytes[at...].starts(with: encoded) else { continue }
        let code = String(character.value, radix: 16, uppercase: true)
        let point = "U+" + String(repeating: "0", count: 4 - code.count) + code
        let column = file.position(of: at).column
        let advice = meant == "nothing" ? "remove it" : "write \(meant) instead"
        return LikelyCause("column \(column) has \(name) (\(point)): \(advice)", at: SourceRange(at..<at + encoded.count))
      }
      at += 1
    }
    return nil
  }

  /// A word that a shell would quote with `'`.
  private static func singleQuote(_ error: OptionError, _ file: SourceFile, _ line: SourceRange) -> LikelyCause? {
    guard let place = error.range, place != line, ["bad-argument", "bad-value", "invalid-port", "unknown-protocol"].contains(error.id)
    else {
      return nil
    }
    let before = file.bytes[Int(line.lowerBound)..<Int(place.upperBound)]
    var open: Int?
    for index in before.indices where before[index] == UInt8(ascii: "'") { open = open == nil ? index : nil }
    let last = before.lastIndex(of: UInt8(ascii: "'"))
    guard let start = open ?? last.flatMap({ place.range.contains($0) ? $0 : nil }) else { return nil }
    return LikelyCause(
      "only double quotes join words here: write \" instead of ' around the text", at: SourceRange(start..<start + 1))
  }

  // MARK: Lists

  /// The words of the line that a blank after or before a comma has cut apart.
  private static func blankInList(_ error: OptionError, _ file: SourceFile, _ line: SourceRange, _ place: SourceRange) -> LikelyCause? {
    guard error.range != nil, place != line else { return nil }
    let bytes = file.bytes
    let comma = UInt8(ascii: ",")
    var start = Int(place.lowerBound)
    var end = Int(place.upperBound)
    guard start < end else { return nil }
    func isBlank(_ index: Int) -> Bool { Lexer.isBlank(bytes[index]) }
    var isCut = false
    // Backwards over the part before the blank, and forwards over the part behind it.
    while start > Int(line.lowerBound), isBlank(start - 1) {
      var gap = start
      while gap > Int(line.lowerBound), isBlank(gap - 1) { gap -= 1 }
      guard gap > Int(line.lowerBound), bytes[gap - 1] == comma || bytes[start] == comma else { break }
      isCut = true
      start = gap
      while start > Int(line.lowerBound), !isBlank(start - 1) { start -= 1 }
    }
    while end < Int(line.upperBound), isBlank(end) {
      var gap = end
      while gap < Int(line.upperBound), isBlank(gap) { gap += 1 }
      guard gap < Int(line.upperBound), bytes[end - 1] == comma || bytes[gap] == comma else { break }
      isCut = true
      end = gap
      while end < Int(line.upperBound), !isBlank(end) { end += 1 }
    }
    guard isCut else { return nil }
    let joined = String(decoding: bytes[start..<end].filter { !Lexer.isBlank($0) }, as: UTF8.self)
    return LikelyCause("a list must not contain blanks: write \(joined)", at: SourceRange(start..<end))
  }

  /// Several ports for an option that takes one port or one range.
  private static func manyPorts(_ error: OptionError, _ file: SourceFile, _ place: SourceRange) -> LikelyCause? {
    guard error.id == "invalid-port", place.range.count < 1024 else { return nil }
    let text = String(decoding: file.bytes[place.range], as: UTF8.self)
    let lead = file.bytes[..<Int(place.lowerBound)]
    guard let option = lead.split(separator: UInt8(ascii: " ")).last.map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
    let isMany = option.hasSuffix("ports")
    if text.contains(";") { return LikelyCause("ports in a list are separated by commas: write \(text.replacing(";", with: ","))") }
    if text.contains(","), !isMany, option.hasSuffix("port") {
      let name = option.contains("sport") || option.contains("source") ? "--sports" : "--dports"
      return LikelyCause("\(option) takes one port or one range: write -m multiport \(name) \(text.replacing("-", with: ":"))")
    }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    if ends.count == 2, ends.allSatisfy({ UInt16($0) != nil }) {
      return LikelyCause("a range of ports is written with a colon: \(ends[0]):\(ends[1])")
    }
    return nil
  }
}
