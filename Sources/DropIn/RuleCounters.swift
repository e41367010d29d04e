import Diagnostics
import Kernel
import XTables

/// The text of `[packets:bytes]` before a rule. The corresponding C function is `tokenize_rule_counters`.
struct RuleCounters {
  /// Nil if the line has no counters.
  var packets: ArraySlice<UInt8>?
  var bytes: ArraySlice<UInt8>?
  /// The place of the rule itself.
  let rest: Range<Int>

  init(of text: ArraySlice<UInt8>, line: Int) throws(OptionError) {
    guard text.first == UInt8(ascii: "[") else {
      rest = text.indices
      return
    }
    let missing = { (sign: String) in OptionError("bad-counters", "Bad line \(line): need \(sign)") }
    guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { throw missing("]") }
    let inside = text[(text.startIndex + 1)...].drop { $0 == UInt8(ascii: ":") }
    if inside.isEmpty { throw missing(":") }
    guard let colon = inside.firstIndex(of: UInt8(ascii: ":")) else { throw missing("]") }
    let second = inside[(colon + 1)...].drop { $0 == UInt8(ascii: "]") }.prefix { $0 != UInt8(ascii: "]") }
    if second.isEmpty { throw missing("]") }
    packets = inside[..<colon]
    bytes = second
    // A colon behind the bracket ends the line, because iptables-restore cuts the first number there.
    rest = (close + 1)..<(colon > close ? colon : text.endIndex)
  }

  /// The counters as an option of the rule.
  var words: [Token] {
    guard let packets, let bytes else { return [] }
    return [Token("--set-counters"), Self.token(packets), Self.token(bytes)]
  }

  private static func token(_ text: ArraySlice<UInt8>) -> Token { Token(text, at: SourceRange(text.indices)) }

  /// Reads `[packets:bytes` of a chain as `scanf` does; nil if malformed. The corresponding C function is `parse_counters`.
  static func counters(_ text: ArraySlice<UInt8>) -> Counters? {
    text.first == UInt8(ascii: "[") ? Counters(scanning: text.dropFirst()) : nil
  }
}
