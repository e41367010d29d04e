/// Escapes text from an input so that it cannot control a terminal, a log reader or a browser. There is one function for each
/// output format.
///
/// Every writer of a text format passes names, comments, paths, messages and all other text from an input through one of these
/// functions. They escape control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls, all other
/// characters without a glyph (zero-width characters, tags, variation selectors), noncharacters, and bytes that are not UTF-8.
/// Escaping text twice gives the same text. Data for other programs (a ruleset that `fmt`, `save` or `decompile` prints) is not
/// escaped.
public enum Escaping {
  /// One line of text for a terminal or a log: `
  /// `, `\t`, `\x1b`, `\u{202e}` replace hidden characters. The result has no line end.
  ///
  /// The log readers of GitHub and Azure execute commands in a log: `::error::` at the start of a line, and `##[error]` or
  /// `##vso[…]` anywhere in it. Both are escaped too.
  public static func line(_ text: String) -> String {
    guard !isPlain(text) else { return text }
    let scalars = Array(text.unicodeScalars)
    let command = startOfLogCommand(scalars)
    var result = ""
    for (index, scalar) in scalars.enumerated() {
      if scalar.isHidden || index == command || endsLogMark(scalars, index) {
        result += visible(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Bytes of any encoding as one line of text. A byte that is not UTF-8 is shown as `\xff`, and a tab as a space.
  public static func line(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = bytes.map { $0 == 0x09 ? 0x20 : $0 }
    if let text = String(validating: bytes, as: UTF8.self) { return line(text) }
    var text = ""
    var parser = Unicode.UTF8.ForwardParser()
    var input = bytes.makeIterator()
    var at = 0
    while true {
      switch parser.parseScalar(from: &input) {
      case .valid(let encoded):
        text.unicodeScalars.append(Unicode.UTF8.decode(encoded))
        at += encoded.count
      case .error(let length):
        for byte in bytes[at..<at + length] { text += "\\x" + hex(UInt32(byte), width: 2) }
        at += length
      case .emptyInput: return line(text)
      }
    }
  }

  /// Several lines of bytes for a terminal. Line ends are kept.
  public static func lines(_ bytes: [UInt8]) -> String {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line($0) }.joined(separator: "\n")
  }

  /// Several lines of text from another program or library. Each line is escaped on its own, and line ends are kept.
  public static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0)) }.joined(separator: "\n")
  }

  /// The message of a GitHub workflow command, escaped as GitHub's toolkit does it. Hidden characters are escaped as in
  /// ``line(_:)-(String)``.
  public static func gitHub(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "%": "%25"
      case "\r": "%0D"
      case "\n": "%0A"
      default: scalar.isHidden ? visible(scalar) : String(scalar)
      }
    }.joined()
  }

  /// The value of a property of a GitHub workflow command.
  public static func gitHubProperty(_ text: String) -> String {
    gitHub(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }

  /// One line of text in an element or attribute of XML 1.0 or HTML. Hidden characters are escaped as for a terminal: XML cannot
  /// represent most control characters, and a browser treats a character reference like the character itself.
  public static func markup(_ text: String) -> String { entities(line(text)) }

  /// Bytes of any encoding as one line of text in XML 1.0 or HTML, as in ``line(_:)-(some Sequence<UInt8>)``.
  public static func markup(_ bytes: some Sequence<UInt8>) -> String { entities(line(bytes)) }

  /// A description or reason of the Test Anything Protocol, in which an unescaped `#` begins a directive.
  public static func tap(_ text: String) -> String {
    line(text).replacing("\\", with: "\\\\").replacing("#", with: "\\#")
  }

  /// Escapes the hidden characters in the strings of a whole JSON document. Parsers read the same strings as before.
  public static func json(_ document: String) -> String {
    guard !isPlain(document, lineEnds: true) else { return document }
    var result = ""
    var previous: Unicode.Scalar = " "
    var scalars = document.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      // Outside of strings JSON has no hidden characters but line ends and tabs, and no number sign.
      let isHidden = scalar.value >= 0x7F && scalar.isHidden || scalar == "#" && previous == "#"
      if isHidden {
        for unit in String(scalar).utf16 { result += "\\u" + hex(UInt32(unit), width: 4) }
      } else {
        result.unicodeScalars.append(scalar)
      }
      previous = scalar
    }
    return result
  }

  /// Text as a double-quoted YAML scalar on one line. Parsers read the same text.
  public static func yaml(_ text: String) -> String {
    var result = "\""
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default:
        if !scalar.isHidden, scalar != "#" || previous != "#" {
          result.unicodeScalars.append(scalar)
        } else if scalar.value < 0x100 {
          result += "\\x" + hex(scalar.value, width: 2)
        } else {
          result += scalar.value < 0x10000 ? "\\u" + hex(scalar.value, width: 4) : "\\U" + hex(scalar.value, width: 8)
        }
      }
      previous = scalar
    }
    return result + "\""
  }
}

// MARK: What is escaped

extension Unicode.Scalar {
  /// Whether the character changes the display or the layout instead of being displayed.
  fileprivate var isHidden: Bool {
    if value < 0x7F { return value < 0x20 }
    if value < 0xA0 { return true }
    if properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint { return true }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
    default: return false
    }
  }
}

extension Escaping {
  /// Whether no character of the text needs an escape: only printable ASCII, and nothing that begins a log command.
  private static func isPlain(_ text: String, lineEnds: Bool = false) -> Bool {
    var previous: UInt8 = 0
    var isStart = true
    for byte in text.utf8 {
      guard (0x20..<0x7F).contains(byte) || lineEnds && byte == 0x0A else { return false }
      if byte == UInt8(ascii: "#"), previous == byte { return false }
      if isStart, byte == UInt8(ascii: ":") { return false }
      isStart = isStart && byte == 0x20
      previous = byte
    }
    return true
  }

  /// The index of `::name` at the beginning of a line, after blanks, which GitHub's log reader ignores; nil for an IPv6 address
  /// such as `::1`.
  private static func startOfLogCommand(_ scalars: [Unicode.Scalar]) -> Int? {
    guard let start = scalars.firstIndex(where: { !$0.properties.isWhitespace && !$0.isHidden }), start + 2 < scalars.count,
      scalars[start] == ":", scalars[start + 1] == ":"
    else { return nil }
    let word = scalars[(start + 2)...].prefix { $0.properties.isAlphabetic || $0 == "-" || $0 == "_" || ("0"..."9").contains($0) }
    let isHex = word.allSatisfy { ("0"..."9").contains($0) || ("a"..."f").contains($0) || ("A"..."F").contains($0) }
    return isHex ? nil : start
  }

  /// Whether the second `#` of `##[` or `##vso[` is at `index`.
  private static func endsLogMark(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
    guard scalars[index] == "#", index > 0, scalars[index - 1] == "#" else { return false }
    let rest = scalars[(index + 1)...]
    return rest.first == "[" || rest.starts(with: "vso[".unicodeScalars)
  }

  private static func visible(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: scalar.value < 0x80 ? "\\x" + hex(scalar.value, width: 2) : "\\u{" + hex(scalar.value, width: 1) + "}"
    }
  }

  private static func hex(_ value: UInt32, width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  private static func entities(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
  }
}
