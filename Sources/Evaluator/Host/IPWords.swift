/// The words of a line, read one after the other.
struct IPWords {
  let line: String
  private let words: [String]
  private var at = 0

  init(_ line: String) {
    self.line = line
    words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
  }

  var isDone: Bool { at >= words.count }

  mutating func next() -> String? {
    guard at < words.count else { return nil }
    at += 1
    return words[at - 1]
  }

  mutating func next(ifIn choices: [String]) -> String? {
    guard at < words.count, choices.contains(words[at]) else { return nil }
    return next()
  }

  func value(of name: String) -> String? {
    words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
  }

  mutating func value(_ name: String) throws(HostError) -> String {
    guard let word = next() else { throw error("\(name) needs a value") }
    return word
  }

  mutating func number(_ name: String) throws(HostError) -> UInt32 {
    let word = try value(name)
    guard let number = Self.number(word) else { throw error("\(name) needs a number, not \(word)") }
    return number
  }

  /// `16`, `0x10`: `ip` reads the hexadecimal digits of either.
  mutating func tos(_ name: String) throws(HostError) -> UInt8 {
    let word = try value(name)
    guard let tos = UInt8(word.hasPrefix("0x") ? word.dropFirst(2) : word[...], radix: 16) else { throw error("\(name) needs a number, not \(word)") }
    return tos
  }

  /// `53`, `1000-2000`.
  mutating func range<Number: FixedWidthInteger>(_ name: String) throws(HostError) -> ClosedRange<Number> {
    let word = try value(name)
    let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Number($0) }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else {
      throw error("\(name) needs a number or a range, not \(word)")
    }
    return first...last
  }

  /// `to`, or `from/to`.
  mutating func realms(_ name: String) throws(HostError) -> UInt32 {
    let halves = try value(name).split(separator: "/", omittingEmptySubsequences: false).map(Self.number)
    guard halves.count < 3, let to = halves.last ?? nil, let from = halves.first ?? nil, to < 1 << 16, from < 1 << 16 else {
      throw error("\(name) needs a number below 65536, or two as from/to")
    }
    return halves.count == 1 ? to : from << 16 | to
  }

  static func number(_ word: some StringProtocol) -> UInt32? {
    word.hasPrefix("0x") ? UInt32(word.dropFirst(2), radix: 16) : UInt32(word)
  }

  func error(_ reason: String) -> HostError { HostError(line, reason) }
}
