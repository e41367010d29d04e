import Wire
import XTables

/// Damages inputs: what a careless editor, a broken transfer or someone with bad intent makes of a file. The same seed makes the same.
package struct InputMutator {
  /// Longest input that is made; `InputLimits` hold below it.
  package static let longest = 65_535

  private var random: SeededRandom
  /// Inputs of any kind, to take pieces from.
  private let others: [[UInt8]]

  package init(seed: UInt64, others: [[UInt8]]) {
    random = SeededRandom(seed: seed)
    self.others = others
  }

  /// An input with one to six damages.
  package mutating func mutated(_ input: [UInt8]) -> [UInt8] {
    var result = input
    for _ in 0...below(6) { damage(&result) }
    return Array(result.prefix(Self.longest))
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    switch below(16) {
    case 0: replaceByte(&bytes)
    case 1: bytes.insert(contentsOf: oddText(), at: place(bytes))
    case 2: bytes.removeSubrange(piece(bytes))
    case 3: bytes.removeSubrange(place(bytes)...)
    case 4: bytes.insert(contentsOf: bytes[piece(bytes)], at: place(bytes))
    case 5: splice(&bytes)
    case 6, 7: replaceToken(&bytes)
    case 8, 9: replaceNumber(&bytes)
    case 10: repeatLine(&bytes)
    case 11: bytes.insert(contentsOf: nest(), at: place(bytes))
    case 12: lengthen(&bytes)
    case 13: exchangeLines(&bytes)
    case 14: changeSpaces(&bytes)
    default: for _ in 0...below(8) { replaceByte(&bytes) }
    }
  }

  // MARK: Bytes

  private mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(random.next() % UInt64(bound)) : 0 }
  private mutating func any<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
  private mutating func place(_ bytes: [UInt8]) -> Int { below(bytes.count + 1) }

  private mutating func piece(_ bytes: [UInt8]) -> Range<Int> {
    let start = place(bytes)
    return start..<min(bytes.count, start + 1 + below(below(4) == 0 ? 4000 : 40))
  }

  private mutating func replaceByte(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let at = below(bytes.count)
    switch below(4) {
    case 0: bytes[at] ^= 1 << UInt8(below(8))
    case 1: bytes[at] = any(Array("\"'\\!-:[]{}(),#&*|>%@/ \t\n\r\0".utf8))
    case 2: bytes[at] = any([0, 1, 0x7f, 0x80, 0xff])
    default: bytes[at] = UInt8(truncatingIfNeeded: random.next())
    }
  }

  /// What terminals, browsers and readers of UTF-8 trip over; also bytes that are no UTF-8.
  private mutating func oddText() -> [UInt8] {
    let texts = [
      "\u{0}", "\u{1b}[2J", "\u{7f}", "\u{85}", "\u{9b}31m", "\u{200b}", "\u{202e}", "\u{2028}", "\u{2066}", "\u{feff}", "\u{fffd}",
      "e\u{301}", "ß", "\u{1f4a9}",
      "İ", "\r\n", "\n::error::", "${x}", "%s%n", "../", "~",
    ]
    let bytes: [[UInt8]] = [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff, 0xfe], [0x80], [0xe2, 0x80]]
    return below(3) == 0 ? any(bytes) : Array(any(texts).utf8)
  }

  // MARK: Pieces of others

  private mutating func splice(_ bytes: inout [UInt8]) {
    guard !others.isEmpty else { return }
    let other = any(others)
    bytes.replaceSubrange(below(2) == 0 ? place(bytes)..<bytes.count : piece(bytes), with: other[piece(other)])
  }

  private static func isSeparator(_ byte: UInt8) -> Bool { byte <= 0x20 || ",:={}[]\"'/()".utf8.contains(byte) }

  /// The token at a place that was drawn.
  private mutating func token(_ bytes: [UInt8]) -> Range<Int>? {
    guard !bytes.isEmpty else { return nil }
    var start = below(bytes.count)
    while start < bytes.count, Self.isSeparator(bytes[start]) { start += 1 }
    while start > 0, start < bytes.count, !Self.isSeparator(bytes[start - 1]) { start -= 1 }
    let end = bytes[start...].firstIndex(where: Self.isSeparator) ?? bytes.count
    return start < end && end - start <= 200 ? start..<end : nil
  }

  private mutating func replaceToken(_ bytes: inout [UInt8]) {
    guard let range = token(bytes) else { return }
    let other = below(2) == 0 || others.isEmpty ? bytes : any(others)
    guard let replacement = token(other) else { return bytes.removeSubrange(range) }
    bytes.replaceSubrange(range, with: other[replacement])
  }

  // MARK: Numbers

  private mutating func replaceNumber(_ bytes: inout [UInt8]) {
    let start = place(bytes)
    guard let first = bytes[start...].firstIndex(where: Self.isDigit) else { return }
    let end = bytes[first...].firstIndex { !Self.isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(first..<min(end, first + 40), with: number().utf8)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  /// Two to some power, one more, or one less, in one of the ways in which numbers are written.
  private mutating func number() -> String {
    let power = any([0, 1, 3, 4, 5, 7, 8, 15, 16, 24, 31, 32, 33, 53, 63, 64, 65, 127, 128])
    let exact = Double.init(sign: .plus, exponent: power, significand: 1)
    guard power < 127 else { return any(["340282366920938463463374607431768211456", "-170141183460469231731687303715884105729"]) }
    let value = (Int128(1) << power) + Int128(below(3) - 1)
    switch below(10) {
    case 0: return "-\(value)"
    case 1: return "0x" + String(value, radix: 16)
    case 2: return "0" + String(value, radix: 8)
    case 3: return "+\(value)"
    case 4: return "\(exact)"
    case 5: return any(["1e999", "-0", "NaN", "0.0000000000000001", "00000000000000000001", "٣", "", " "])
    default: return "\(value)"
    }
  }

  // MARK: Lines

  private mutating func line(_ bytes: [UInt8]) -> Range<Int> {
    let at = below(max(bytes.count, 1))
    let start = bytes[..<min(at, bytes.count)].lastIndex(of: 10).map { $0 + 1 } ?? 0
    let end = bytes[start...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
    return start..<end
  }

  private mutating func repeatLine(_ bytes: inout [UInt8]) {
    let range = line(bytes)
    guard !range.isEmpty else { return }
    let room = max(Self.longest - bytes.count, 0) / range.count
    let count = min(any([1, 2, 10, 300, 70_000]), room)
    bytes.insert(contentsOf: repeatElement(bytes[range], count: count).joined(), at: range.upperBound)
  }

  private mutating func exchangeLines(_ bytes: inout [UInt8]) {
    let range = line(bytes)
    let text = Array(bytes[range])
    bytes.removeSubrange(range)
    let other = line(bytes)
    bytes.insert(contentsOf: text, at: other.lowerBound)
  }

  // MARK: Shapes

  /// Something opened many times, with or without its end.
  private mutating func nest() -> [UInt8] {
    let (open, close) = any([
      ("[", "]"), ("{\"a\":", "}"), ("- ", ""), ("(", ")"), ("{a: ", "}"), ("[udp 10.0.0.9:1 > 10.0.1.9:2 ", "]"), ("\"", "\""), ("!", ""),
      ("&a [", "]"),
      ("\n ", ""), ("? ", ""), ("0&", ""), ("|", "|"), ("\\", ""),
    ])
    let count = min(any([2, 20, 200, 2000, 30_000]), Self.longest / 2 / open.utf8.count)
    let inner = Array(open.utf8)
    var result = Array(repeatElement(inner, count: count).joined())
    if below(2) == 0 { result += Array(repeatElement(Array(close.utf8), count: count).joined()) }
    return result
  }

  /// A token made as long as fits.
  private mutating func lengthen(_ bytes: inout [UInt8]) {
    guard let range = token(bytes) else { return }
    let count = min(any([16, 256, 1024, 10_240, 60_000]), max(Self.longest - bytes.count, 0)) / range.count
    bytes.insert(contentsOf: repeatElement(bytes[range], count: count).joined(), at: range.upperBound)
  }

  private mutating func changeSpaces(_ bytes: inout [UInt8]) {
    let space = any([" ", "  ", "\t", "\n", "\r\n", "\u{a0}", "\u{b}", "", "\0"])
    let wanted = any([UInt8(ascii: " "), 10, 9])
    let most = any([1, 5, 100_000])
    var result: [UInt8] = []
    var changed = 0
    for byte in bytes {
      if byte == wanted, changed < most, result.count < Self.longest {
        result += space.utf8
        changed += 1
      } else {
        result.append(byte)
      }
    }
    bytes = result
  }
}
