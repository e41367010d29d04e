import Diagnostics

/// A JSON value. Objects keep the order of their members, so that a value is written in the order in which it was read.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits in `Int`.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object in order.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// A member of an object.
  public struct Member: Sendable, Equatable {
    /// The member's name.
    public var name: String
    /// The member's value.
    public var value: JSONValue

    /// Creates a member.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// All members in order; a name may occur more than once.
  public var members: [Member]

  /// Creates an object from members.
  public init(_ members: [Member] = []) { self.members = members }

  /// Creates an object from a dictionary literal; keeps its order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = elements.map { Member($0.0, $0.1) }
  }

  /// The value of the last member with this name, as most JSON readers treat duplicates. Assigning nil removes the member.
  public subscript(name: String) -> JSONValue? {
    get { members.last { $0.name == name }?.value }
    set {
      if let newValue, let at = members.lastIndex(where: { $0.name == name }) {
        members[at].value = newValue
      } else if let newValue {
        members.append(Member(name, newValue))
      } else {
        members.removeAll { $0.name == name }
      }
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral {
  /// Creates a string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Creates an integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// Creates a Boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Creates an array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  /// Creates an object; keeps the literal's order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { JSONObject.Member($0.0, $0.1) }))
  }
}

extension JSONValue {
  /// Creates a string, or null.
  public init(_ text: String?) { self = text.map { .string($0) } ?? .null }

  /// Creates an integer, or a `Double` if the number does not fit.
  public init(_ value: some BinaryInteger) { self = Int(exactly: value).map { .integer($0) } ?? .number(Double(value)) }

  /// A member of an object; nil for other values and missing members.
  public subscript(name: String) -> JSONValue? {
    if case .object(let object) = self { object[name] } else { nil }
  }

  /// The elements of an array; nil for other values.
  public var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  /// The text of a string; nil for other values.
  public var text: String? { if case .string(let text) = self { text } else { nil } }
  /// The value of an integer; nil for other values.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  /// The kind of the value, for messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as JSON text on one line, with control characters escaped.
  public var description: String {
    var line: [UInt8] = []
    write(to: &line)
    return Escaping.json(String(decoding: line, as: UTF8.self))
  }

  private func write(to line: inout [UInt8]) {
    switch self {
    case .null: line += "null".utf8
    case .bool(let value): line += (value ? "true" : "false").utf8
    case .integer(let value): line += String(value).utf8
    case .number(let value): line += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let text): JSONValue.write(text, to: &line)
    case .array(let elements):
      line.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { line += ", ".utf8 }
        element.write(to: &line)
      }
      line.append(0x5D)
    case .object(let object):
      line.append(0x7B)
      for (index, member) in object.members.enumerated() {
        if index > 0 { line += ", ".utf8 }
        JSONValue.write(member.name, to: &line)
        line += ": ".utf8
        member.value.write(to: &line)
      }
      line.append(0x7D)
    }
  }

  private static func write(_ text: String, to line: inout [UInt8]) {
    line.append(0x22)
    for unit in text.utf8 {
      switch unit {
      case 0x22: line += #"\""#.utf8
      case 0x5C: line += #"\\"#.utf8
      case 0x0A: line += #"\n"#.utf8
      case 0x0D: line += #"\r"#.utf8
      case 0x09: line += #"\t"#.utf8
      case 0..<0x20:
        let digits = String(unit, radix: 16)
        line += (digits.utf8.count == 1 ? #"\u000"# : #"\u00"#).utf8
        line += digits.utf8
      default: line.append(unit)
      }
    }
    line.append(0x22)
  }
}
