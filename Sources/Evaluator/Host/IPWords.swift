import Wire

/// Reads the words of a line of `ip` in order. Words are separated by blanks and tabs only.
struct IPWords {
  let line: String
  private let words: [String]
  private var at = 0

  init(_ line: String) {
    self.line = line
    words = line.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.map { String(decoding: Array($0), as: UTF8.self) }
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

  /// Passes over the words before the first of these. Returns false if none follows.
  mutating func skip(to ends: [String]) -> Bool {
    guard let end = words[at...].firstIndex(where: { ends.contains($0) }) else { return false }
    at = end
    return true
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

  /// An interface name.
  mutating func interface(_ name: String) throws(HostError) -> String {
    let word = try value(name)
    guard InterfaceName.isValid(word) else { throw error("\(name) needs the name of an interface, not \(word)") }
    return word
  }

  mutating func address(_ name: String) throws(HostError) -> IPAddress {
    let word = try value(name)
    guard let address = IPAddress(word) else { throw error("\(name) needs an address, not \(word)") }
    return address
  }

  /// A routing table: `main`, `100`.
  mutating func table(_ name: String) throws(HostError) -> UInt32 {
    let word = try value(name)
    guard let table = RouteTable.number(word) else { throw error("\(word) is not a routing table") }
    return table
  }

  /// A TOS: `16`, `0x10`; `ip` reads both as hexadecimal.
  mutating func tos(_ name: String) throws(HostError) -> UInt8 {
    let word = try value(name)
    let digits = word.hasPrefix("0x") ? word.dropFirst(2) : word[...]
    guard digits.utf8.first != UInt8(ascii: "+"), let tos = UInt8(digits, radix: 16) else {
      throw error("\(name) needs a number, not \(word)")
    }
    return tos
  }

  /// A range: `53`, `1000-2000`.
  mutating func range<Number: FixedWidthInteger>(_ name: String) throws(HostError) -> ClosedRange<Number> {
    let word = try value(name)
    let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Self.number($0).flatMap { Number(exactly: $0) } }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else {
      throw error("\(name) needs a number or a range, not \(word)")
    }
    return first...last
  }

  /// Realms: `to`, or `from/to`.
  mutating func realms(_ name: String) throws(HostError) -> UInt32 {
    let halves = try value(name).split(separator: "/", omittingEmptySubsequences: false).map(Self.number)
    guard halves.count < 3, let to = halves.last ?? nil, let from = halves.first ?? nil, to < 1 << 16, from < 1 << 16 else {
      throw error("\(name) needs a number below 65536, or two as from/to")
    }
    return halves.count == 1 ? to : from << 16 | to
  }

  /// A number as `strtoul` parses it with base 0: `0x10` is hexadecimal, `010` octal.
  static func number(_ word: some StringProtocol) -> UInt32? {
    guard let first = word.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") else { return nil }
    if word.hasPrefix("0x") { return word.utf8.dropFirst(2).first == UInt8(ascii: "+") ? nil : UInt32(word.dropFirst(2), radix: 16) }
    return UInt32(word, radix: first == UInt8(ascii: "0") ? 8 : 10)
  }

  /// Creates an error for this line.
  ///
  /// - Parameter reason: control characters of quoted words are escaped.
  func error(_ reason: String) -> HostError {
    let isControl = { (scalar: Unicode.Scalar) in
      scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
    }
    return HostError(line, reason.unicodeScalars.map { isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined())
  }
}
