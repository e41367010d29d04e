import Wire
import XTables

/// Draws arguments at the limits of number parsers: widths, signs, bases, blanks, garbage, ranges and masks.
///
/// Each is derived from a text that an option accepts, so that units, separators and names around a number are tested too.
struct EdgeValues {
  /// Numbers at the limits of each width, and at common limits of options.
  private static let numbers: [String] = {
    var numbers = [
      "0", "1", "2", "3", "5", "7", "9", "15", "16", "23", "24", "31", "59", "60", "63", "100", "999999", "1000000", "1000001",
    ]
    for width in [5, 6, 7, 8, 15, 16, 24, 31, 32, 33, 48, 63, 64] {
      let power = UInt128(1) << UInt128(width)
      numbers += [power - 1, power, power + 1].map { String($0) }
    }
    return numbers + [
      "10000000000000000000", "99999999999999999999999", String(repeating: "9", count: 60), String(repeating: "0", count: 40) + "7",
    ]
  }()

  /// Texts that are no numbers, or only begin with one.
  private static let oddities = [
    "", " ", "+", "-", "0x", "0X", "08", "0x1g", "1e3", "1.5", "0.5", ".5", "--5", "+-5", "- 5", "5%", "0b1", "٣", "inf", "nan",
    "-nan(a_1)", "nan(", "INFINITY", "0x.8p-1", "1e400", "!", "1 2", "\t",
  ]
  private static let prefixes = ["+", "-", " ", "\t", "\u{b}", " +", " -", "0", "00", "0x", "0X", "0x0", "x"]
  private static let suffixes = [
    " ", "\t", "x", ".", ".0", ",", ":", "/", "-", "%", "k", "K", "m", "kb", "kb/s", "b/s", "/s", "/sec", "/hour", "/0", "/32",
    "/255.0.0.0", "h", "L",
  ]
  private static let separators = [":", "-", "/", ",", ".", "|", "=", "&", "<<", " "]

  /// Names of interfaces that the kernel or a parser may treat specially.
  static let interfaces = [
    "", ".", "..", "a/b", "a+b", "+a", "++", "-eth0", "!eth0", "eth 0", "eth\t0", "123456789012345", "1234567890123456", "12345678901234+",
    "123456789012345+", "é", "eth0é", "a\"b", "a\\b", ":", "%", "eth0:1", "@",
  ].map(quoted)

  /// One argument in the notation of iptables-restore: quoted if necessary.
  static func argument(like samples: [String], using random: inout SeededRandom) -> String {
    let sample = samples.randomElement(using: &random) ?? ""
    let isQuoted = sample.hasPrefix("\"")
    let text = isQuoted ? String(sample.dropFirst().dropLast()) : sample
    let value =
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3: replacingNumber(in: text, using: &random)
      case 4, 5: number(using: &random)
      case 6:
        number(using: &random) + (separators.randomElement(using: &random) ?? "") + number(using: &random)
      case 7, 8: rearranged(text, using: &random)
      default:
        Bool.random(using: &random)
          ? text + (suffixes.randomElement(using: &random) ?? "") : (prefixes.randomElement(using: &random) ?? "") + text
      }
    return isQuoted ? "\"" + value + "\"" : quoted(value)
  }

  /// A number at a limit, in one of the notations of C.
  static func number(using random: inout SeededRandom) -> String {
    let number = numbers.randomElement(using: &random) ?? "0"
    switch Int.random(in: 0..<12, using: &random) {
    case 0...4: return number
    case 5: return (Bool.random(using: &random) ? "0x" : "0X") + (UInt128(number).map { String($0, radix: 16) } ?? number)
    case 6: return "0" + (UInt128(number).map { String($0, radix: 8) } ?? number)
    case 7: return (prefixes.randomElement(using: &random) ?? "") + number
    case 8, 9: return number + (suffixes.randomElement(using: &random) ?? "")
    case 10: return "-" + number
    default: return oddities.randomElement(using: &random) ?? ""
    }
  }

  /// The text with one of its numbers replaced.
  private static func replacingNumber(in text: String, using random: inout SeededRandom) -> String {
    var runs: [Range<String.Index>] = []
    var at = text.startIndex
    while at < text.endIndex {
      let end = text[at...].firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
      if end > at { runs.append(at..<end) }
      at = end < text.endIndex ? text.index(after: end) : end
    }
    guard let run = runs.randomElement(using: &random) else { return number(using: &random) }
    return text.replacingCharacters(in: run, with: number(using: &random))
  }

  /// The text with parts of a list, range or pair removed, repeated, exchanged or emptied, or with letters in the other case or
  /// removed.
  private static func rearranged(_ text: String, using random: inout SeededRandom) -> String {
    let present = separators.filter { text.contains($0) }
    guard let separator = present.randomElement(using: &random) else {
      switch Int.random(in: 0..<4, using: &random) {
      case 0: return text.uppercased()
      case 1: return String(text.dropLast())
      case 2: return text + text
      default: return text + (separators.randomElement(using: &random) ?? "") + text
      }
    }
    var parts = text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    let at = Int.random(in: 0..<parts.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: parts.remove(at: at)
    case 1: parts.insert(parts[at], at: at)
    case 2: parts.reverse()
    case 3: parts[at] = ""
    case 4: parts.append(number(using: &random))
    default: parts = [String](repeating: parts[at], count: Int.random(in: 2...20, using: &random))
    }
    return parts.joined(separator: separator)
  }

  private static func quoted(_ text: String) -> String {
    guard text.isEmpty || text.contains(where: { " \t\"\\".contains($0) }) else { return text }
    var result = "\""
    for character in text {
      if character == "\"" || character == "\\" { result.append("\\") }
      result.append(character)
    }
    return result + "\""
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
