/// Text from an input, written so that it drives no terminal, no log reader and no browser: one function for each output format.
///
/// Every writer of a text format passes names, comments, paths, messages and whatever else comes from an input through one of these.
/// Escaped are control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and all other characters without
/// a glyph (zero-width characters, tags, variation selectors), noncharacters, and bytes that are not UTF-8. Escaped text stays the same when
/// it is escaped again. Data that other programs read (a ruleset that `fmt`, `save` or `decompile` prints) is not text in this sense.
public enum Escaping {
  /// One line of text for a terminal or a log: `\n`, `\t`, `\x1b`, `\u{202e}` stand for what is not shown; the result has no line end.
  ///
  /// GitHub's and Azure's log readers take commands out of a log: `::error::` at the start of a line and `##[error]` or
  /// `##vso[…]` anywhere in it. Both are broken up too.
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

  /// Bytes of any encoding as one line of text; a byte that is not UTF-8 is shown as `\xff`, and a tab as a blank.
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

  /// Many lines of bytes for a terminal, their line ends kept.
  public static func lines(_ bytes: [UInt8]) -> String {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line($0) }.joined(separator: "\n")
  }

  /// Many lines of text that another program or library wrote, each escaped by itself.
  public static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0)) }.joined(separator: "\n")
  }

  /// The message of a workflow command of GitHub, as its toolkit escapes it; what else is not shown stands as in ``line(_:)-(String)``.
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

  /// The value of a property of a workflow command.
  public static func gitHubProperty(_ text: String) -> String {
    gitHub(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }

  /// One line of text in an element or an attribute of XML 1.0 or HTML. What is not shown is escaped as in a terminal: XML has no form for most
  /// control characters, and a browser obeys a character reference as it does the character.
  public static func markup(_ text: String) -> String { entities(line(text)) }

  /// The same of bytes.
  public static func markup(_ bytes: some Sequence<UInt8>) -> String { entities(line(bytes)) }

  /// A description or reason of the Test Anything Protocol: `#` would begin a directive.
  public static func tap(_ text: String) -> String {
    line(text).replacing("\\", with: "\\\\").replacing("#", with: "\\#")
  }

  /// A whole JSON document, in which hidden characters within strings get the escapes of JSON; readers of JSON get the same strings.
  public static func json(_ document: String) -> String {
    guard !isPlain(document, lineEnds: true) else { return document }
    var result = ""
    var previous: Unicode.Scalar = " "
    var scalars = document.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      // Between strings JSON has no other hidden characters than line ends and tabs, and no number sign at all.
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

  /// Text as a double-quoted scalar of YAML, on one line; readers of YAML get the same text.
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
  /// Whether it changes what is shown, or where, instead of being shown itself.
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
  /// Whether nothing in the text can need an escape: printable ASCII without the beginnings of log commands.
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

  /// Where `::name` begins a line, past blanks, which GitHub's log reader ignores; nil for an IPv6 address such as `::1`.
  private static func startOfLogCommand(_ scalars: [Unicode.Scalar]) -> Int? {
    guard let start = scalars.firstIndex(where: { !$0.properties.isWhitespace && !$0.isHidden }), start + 2 < scalars.count,
      scalars[start] == ":", scalars[start + 1] == ":"
    else { return nil }
    let word = scalars[(start + 2)...].prefix { $0.properties.isAlphabetic || $0 == "-" || $0 == "_" || ("0"..."9").contains($0) }
    let isHex = word.allSatisfy { ("0"..."9").contains($0) || ("a"..."f").contains($0) || ("A"..."F").contains($0) }
    return isHex ? nil : start
  }

  /// Whether the second sign of `##[` or `##vso[` stands here.
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
