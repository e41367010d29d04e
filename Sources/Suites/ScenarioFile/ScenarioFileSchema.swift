import Diagnostics
public import Documents

/// The JSON Schema of scenario files, generated from the reader's shapes; stored in `Grammar/scenario.schema.json`.
public enum ScenarioFileSchema {
  /// The schema as indented text.
  public static var text: String {
    var schema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Ferrule scenario file", "$ref": "#/$defs/file",
    ]
    schema["$defs"] = .object(JSONObject(FileShape.all.map { JSONObject.Member($0.name, $0.schema) }))
    return indented(.object(schema), 0) + "\n"
  }

  /// The schema as a value.
  public static var value: JSONValue { (try? JSONValue(parsing: text)) ?? .null }

  private static func indented(_ value: JSONValue, _ depth: Int) -> String {
    let inner = String(repeating: "  ", count: depth + 1)
    let outer = String(repeating: "  ", count: depth)
    switch value {
    case .object(let object) where !object.members.isEmpty && value.description.utf8.count > 100:
      let members = object.members.map { "\(inner)\(JSONValue.string($0.name)): \(indented($0.value, depth + 1))" }
      return "{\n" + members.joined(separator: ",\n") + "\n\(outer)}"
    case .array(let elements) where value.description.utf8.count > 100:
      return "[\n" + elements.map { inner + indented($0, depth + 1) }.joined(separator: ",\n") + "\n\(outer)]"
    default: return value.description
    }
  }
}

extension FileShape {
  fileprivate var schema: JSONValue {
    var object: JSONObject = ["type": "object", "additionalProperties": false]
    if !required.isEmpty { object["required"] = .array(required.map { .string($0) }) }
    object["properties"] = .object(
      JSONObject(
        members.map { member in
          var property = JSONObject(member.kind.schema.members)
          property["description"] = .string(member.summary)
          return JSONObject.Member(member.name, .object(property))
        }))
    return .object(object)
  }
}

extension FileShape.Kind {
  fileprivate var schema: JSONObject {
    switch self {
    case .text: ["type": "string"]
    case .pattern(let pattern): ["type": "string", "pattern": .string(pattern)]
    case .choice(let choices): ["enum": .array(choices.map { .string($0) })]
    case .integer(let range):
      range == Int.min...Int.max
        ? ["type": "integer"] : ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
    case .seconds: ["type": "number", "minimum": 0]
    case .boolean: ["type": "boolean"]
    case .list(let element): ["type": "array", "items": .object(element.schema)]
    case .oneOrMore(let element): ["anyOf": [.object(element.schema), ["type": "array", "items": .object(element.schema)]]]
    case .map(let element): ["type": "object", "additionalProperties": .object(element.schema)]
    case .either(let kinds): ["anyOf": .array(kinds.map { .object($0.schema) })]
    case .object(let name): ["$ref": .string("#/$defs/\(name)")]
    case .anything: [:]
    }
  }
}

extension ScenarioFile {
  /// Converts YAML text to JSON for validation; nil if it is not valid YAML.
  public static func json(_ bytes: [UInt8]) -> JSONValue? {
    try? FileDocument(SourceFile(name: "", bytes: bytes)).root().json()
  }
}
