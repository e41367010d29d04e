import Diagnostics

/// A syntax error in JSON text.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The byte offset where parsing stopped.
  public var offset: Int
  /// What is wrong there.
  public var reason: String

  /// Creates an error at a byte offset.
  public init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }

  /// The offset and the reason as one line.
  public var description: String { "not JSON at byte \(offset): \(reason)" }
}

extension JSONValue {
  /// Parses one JSON value (RFC 8259), surrounded only by white space.
  ///
  /// - Throws: `JSONError` for any other text, or one that is nested too deeply.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.at == bytes.count else { throw parser.error("there is more text after the value") }
    self = value
  }

  /// Parses one JSON value (RFC 8259) from text.
  ///
  /// - Throws: `JSONError` for any other text.
  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }
}

/// A recursive-descent parser; the depth is limited by ``NestingLimit/values``.
private struct JSONParser {
  let bytes: [UInt8]
  var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  func error(_ reason: String) -> JSONError { JSONError(offset: at, reason: reason) }

  var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func skipSpace() {
    while let unit = next, unit == 0x20 || unit == 0x0A || unit == 0x0D || unit == 0x09 { at += 1 }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    guard let unit = next else { throw error("a value is missing") }
    switch unit {
    case 0x7B: return .object(try object(depth: try deeper(depth)))
    case 0x5B: return .array(try array(depth: try deeper(depth)))
    case 0x22: return .string(try string())
    case 0x2D, 0x30...0x39: return try number()
    default:
      if take("true") { return .bool(true) }
      if take("false") { return .bool(false) }
      if take("null") { return .null }
      throw error("a JSON value cannot start with this character")
    }
  }

  private func deeper(_ depth: Int) throws(JSONError) -> Int {
    do throws(NestingError) {
      try NestingLimit.values.check(depth + 1)
    } catch {
      throw self.error("\(error)")
    }
    return depth + 1
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let word = Array(String(describing: word).utf8)
    guard bytes[at...].starts(with: word) else { return false }
    at += word.count
    return true
  }

  private mutating func expect(_ unit: UInt8, _ what: String) throws(JSONError) {
    guard next == unit else { throw error(what) }
    at += 1
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    at += 1
    var object = JSONObject()
    skipSpace()
    if next == 0x7D {
      at += 1
      return object
    }
    while true {
      skipSpace()
      guard next == 0x22 else { throw error("the name of a member is missing") }
      let name = try string()
      skipSpace()
      try expect(0x3A, "a colon is missing after the name of a member")
      object.members.append(JSONObject.Member(name, try value(depth: depth)))
      skipSpace()
      if next == 0x2C {
        at += 1
        continue
      }
      try expect(0x7D, "a comma or a closing brace is missing")
      return object
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
    at += 1
    var elements: [JSONValue] = []
    skipSpace()
    if next == 0x5D {
      at += 1
      return elements
    }
    while true {
      elements.append(try value(depth: depth))
      skipSpace()
      if next == 0x2C {
        at += 1
        continue
      }
      try expect(0x5D, "a comma or a closing bracket is missing")
      return elements
    }
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = at
    if next == 0x2D { at += 1 }
    let first = at
    try digits()
    guard bytes[first] != 0x30 || at == first + 1 else { throw error("a number with leading zeros") }
    var isInteger = true
    if next == 0x2E {
      isInteger = false
      at += 1
      try digits()
    }
    if next == 0x65 || next == 0x45 {
      isInteger = false
      at += 1
      if next == 0x2B || next == 0x2D { at += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw error("a number out of range") }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) {
    let start = at
    while let unit = next, (0x30...0x39).contains(unit) { at += 1 }
    guard at > start else { throw error("a digit is missing") }
  }

  private mutating func string() throws(JSONError) -> String {
    at += 1
    var units: [UInt8] = []
    while let unit = next {
      at += 1
      switch unit {
      case 0x22:
        guard let text = String(validating: units, as: UTF8.self) else { throw error("the text is not UTF-8") }
        return text
      case 0x5C:
        try escape(into: &units)
      case 0..<0x20:
        throw error("a control character must be escaped in a string")
      default:
        units.append(unit)
      }
    }
    throw error("the text has no end")
  }

  private mutating func escape(into units: inout [UInt8]) throws(JSONError) {
    guard let unit = next else { throw error("the text has no end") }
    at += 1
    switch unit {
    case 0x22, 0x5C, 0x2F: units.append(unit)
    case 0x62: units.append(0x08)
    case 0x66: units.append(0x0C)
    case 0x6E: units.append(0x0A)
    case 0x72: units.append(0x0D)
    case 0x74: units.append(0x09)
    case 0x75:
      var code = try fourDigits()
      if code & 0xFC00 == 0xD800 {
        guard take(#"\u"#) else { throw error("half of a surrogate pair") }
        let low = try fourDigits()
        guard low & 0xFC00 == 0xDC00 else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      units += String(Character(scalar)).utf8
    default: throw error("an unknown escape")
    }
  }

  private mutating func fourDigits() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let unit = next, let digit = Character(Unicode.Scalar(unit)).hexDigitValue else {
        throw error("four hexadecimal digits are missing")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}
