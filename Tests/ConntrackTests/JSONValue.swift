import FoundationEssentials

/// A JSON value of any shape, for fixtures.
enum JSONValue: Decodable, Equatable {
  case null, bool(Bool), number(Double), string(String), array([JSONValue]), object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  subscript(key: String) -> JSONValue? { if case .object(let fields) = self { fields[key] } else { nil } }
  var string: String? { if case .string(let value) = self { value } else { nil } }
  var int: Int? {
    switch self {
    case .number(let value): Int(value)
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The lines of a fixture file beside this test target.
  static func lines(_ name: String, from file: String = #filePath) throws -> [JSONValue] {
    let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
    let data = try Data(contentsOf: URL(filePath: "/\(folder)/Fixtures/\(name)"))
    return try data.split(separator: 10).map { try JSONDecoder().decode(JSONValue.self, from: Data($0)) }
  }
}
