import Diagnostics

/// A JSON value whose objects keep the order of their members, so that what is read in one order is written in the same.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object in their order.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  public var members: [Member]

  public init(_ members: [Member] = []) { self.members = members }

  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = elements.map { Member($0.0, $0.1) }
  }

  /// The value of the last member of this name, as most readers of JSON take a name that stands twice. Setting nil removes it.
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
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { JSONObject.Member($0.0, $0.1) }))
  }
}

extension JSONValue {
  /// The text, or null.
  public init(_ text: String?) { self = text.map { .string($0) } ?? .null }

  /// The number; as a `Double` when it does not fit.
  public init(_ value: some BinaryInteger) { self = Int(exactly: value).map { .integer($0) } ?? .number(Double(value)) }

  /// The member of an object; nil for other values.
  public subscript(name: String) -> JSONValue? {
    if case .object(let object) = self { object[name] } else { nil }
  }

  /// The elements of an array; nil for other values.
  public var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  public var text: String? { if case .string(let text) = self { text } else { nil } }
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  /// The kind of value, for a message.
  var kind: String {
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
  /// The value as JSON text on one line, hidden characters escaped.
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
