/// The JSON Schema of a kind of file, generated from the shapes with which it is read.
package enum ShapeSchema {
  /// The schema as indented text.
  ///
  /// - Parameters:
  ///   - title: the title of the schema.
  ///   - root: the name of the shape of the whole file.
  ///   - shapes: all shapes.
  package static func text(_ title: String, root: String, _ shapes: [FileShape]) -> String {
    var schema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title), "$ref": .string("#/$defs/\(root)"),
    ]
    schema["$defs"] = .object(JSONObject(shapes.map { JSONObject.Member($0.name, $0.schema) }))
    return indented(.object(schema), 0) + "\n"
  }

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
