import Documents

/// An error in a scenario line, with its place.
public struct ScenarioError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The path of the faulty member, such as `steps[3].frag.off`; empty for the whole line.
  public var path: String
  /// What is wrong.
  public var reason: String

  /// Creates an error.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The index of the line of `setup` that cannot be applied; nil for another error.
  package var line: Int?

  /// The path and the reason as one line.
  public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

/// An object of a scenario with its path. Reading functions return nil if the member is absent or null, and throw if it has the wrong kind or
/// is out of range.
struct ScenarioReader {
  var object: JSONObject
  var path: String

  init(_ value: JSONValue, at path: String) throws(ScenarioError) {
    guard case .object(let object) = value else {
      throw ScenarioError(path: path, reason: "expected an object, found \(value.kind)")
    }
    self.object = object
    self.path = path
  }

  func path(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func error(_ name: String, _ reason: String) -> ScenarioError { ScenarioError(path: path(name), reason: reason) }

  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], value != .null else { return nil }
    return value
  }

  func has(_ name: String) -> Bool { value(name) != nil }

  func text(_ name: String) throws(ScenarioError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.text else { throw error(name, "expected a text, found \(value.kind)") }
    return text
  }

  /// An integer in range; numbers written as text (`"0x10"`, `"17"`) are accepted.
  func integer<N: FixedWidthInteger>(_ name: String, as type: N.Type = N.self) throws(ScenarioError) -> N? {
    guard let value = value(name) else { return nil }
    return try ScenarioReader.integer(value, at: path(name))
  }

  static func integer<N: FixedWidthInteger>(_ value: JSONValue, at path: String, as type: N.Type = N.self) throws(ScenarioError) -> N {
    let number: N?
    switch value {
    case .integer(let integer): number = N(exactly: integer)
    case .number(let double): number = N(exactly: double)
    case .bool(let bool): number = bool ? 1 : 0
    case .string(let text):
      number = text.hasPrefix("0x") || text.hasPrefix("0X") ? N(text.dropFirst(2), radix: 16) : N(text)
    default: throw ScenarioError(path: path, reason: "expected a number, found \(value.kind)")
    }
    guard let number else { throw ScenarioError(path: path, reason: "\(value) is not a whole number from \(N.min) to \(N.max)") }
    return number
  }

  /// A non-negative number of seconds.
  func seconds(_ name: String) throws(ScenarioError) -> Double? {
    guard let value = value(name) else { return nil }
    let seconds: Double
    switch value {
    case .integer(let integer): seconds = Double(integer)
    case .number(let double): seconds = double
    default: throw error(name, "expected seconds, found \(value.kind)")
    }
    guard seconds >= 0, seconds < 1e10 else { throw error(name, "\(value) is not a number of seconds") }
    return seconds
  }

  /// A Boolean; 0 and 1 are accepted.
  func bool(_ name: String) throws(ScenarioError) -> Bool? {
    switch value(name) {
    case nil: return nil
    case .bool(let bool): return bool
    case .integer(let integer): return integer != 0
    case .some(let value): throw error(name, "expected true or false, found \(value.kind)")
    }
  }

  func list(_ name: String) throws(ScenarioError) -> [JSONValue]? {
    guard let value = value(name) else { return nil }
    guard let elements = value.elements else { throw error(name, "expected a list, found \(value.kind)") }
    return elements
  }

  func texts(_ name: String) throws(ScenarioError) -> [String]? {
    guard let elements = try list(name) else { return nil }
    var texts: [String] = []
    for (index, element) in elements.enumerated() {
      guard let text = element.text else { throw error("\(name)[\(index)]", "expected a text, found \(element.kind)") }
      texts.append(text)
    }
    return texts
  }

  func reader(_ name: String) throws(ScenarioError) -> ScenarioReader? {
    guard let value = value(name) else { return nil }
    return try ScenarioReader(value, at: path(name))
  }

  /// Throws for unknown members, so that misspelt names are reported.
  func allow(only names: Set<String>) throws(ScenarioError) {
    for member in object.members where !names.contains(member.name) {
      throw error(member.name, "unknown member")
    }
  }
}
