import Documents
import FoundationEssentials
import Suites
import Testing

@Suite("The schema of scenario files")
struct SchemaTests {
  static let path = Suites.root + "/Grammar/scenario.schema.json"

  /// `make grammar` writes it anew.
  @Test func isTheOneInGrammar() throws {
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try Data(ScenarioFileSchema.text.utf8).write(to: URL(filePath: Self.path))
    }
    let stored = FileManager.default.contents(atPath: Self.path).map { String(decoding: $0, as: UTF8.self) }
    #expect(stored == ScenarioFileSchema.text, "Grammar/scenario.schema.json is stale")
  }

  @Test(arguments: Suites.examples) func theSchemaAcceptsTheExamples(_ example: String) throws {
    let bytes = Array(FileManager.default.contents(atPath: "\(Suites.root)/Examples/\(example)/scenario.yaml") ?? Data())
    let document = try #require(ScenarioFile.json(bytes))
    #expect(SchemaValidator(ScenarioFileSchema.value).objections(to: document) == [])
  }

  /// What the schema refuses, the reader refuses, and what it takes is no question of members and kinds any more.
  @Test(arguments: [
    ("tests: []", true), ("tests: {}", false), ("{}", false), ("tests: [{name: a}]", false), ("tests: [{name: a, steps: []}]", true),
    ("tests: [{name: a, steps: [wait: 3]}]", true), ("tests: [{name: a, steps: [{wait: x}]}]", false),
    ("tests: [{name: a, steps: [{weit: 3}]}]", false), ("mode: loud\ntests: []", false), ("mode: stack\ntests: []", true),
    ("host: {interfaces: {eth0: [10.0.0.1/24]}}\ntests: []", true), ("host: {interfaces: {eth0: {mtu: 20}}}\ntests: []", false),
    ("host: {queues: {1: accept, 2: [drop, accept]}}\ntests: []", true), ("host: {queues: {1: maybe}}\ntests: []", false),
    ("host: {sockets: [{proto: udp}]}\ntests: []", false), ("host: {sockets: [{proto: udp, port: 53}]}\ntests: []", true),
    ("seed: -1\ntests: []", false), ("clock: 2024-01-31T09:30:00Z\ntests: []", true),
    ("tests: [{name: a, steps: [{ping: eth0 10.0.0.9 > 10.0.0.1, expect: {verdict: local, mark: 0x1/0xf}}]}]", true),
    ("tests: [{name: a, steps: [{ping: eth0 10.0.0.9 > 10.0.0.1, expect: {verdikt: local}}]}]", false),
    ("tests: [{name: a, steps: [{ping: eth0 10.0.0.9 > 10.0.0.1, expect: {queue: 70000}}]}]", false),
  ]) func agreesWithTheReader(_ text: String, _ isFine: Bool) throws {
    let document = try #require(ScenarioFile.json(Array(text.utf8)))
    #expect(SchemaValidator(ScenarioFileSchema.value).objections(to: document).isEmpty == isFine)
    #expect(Suites.read(text).hasErrors != isFine, "\(Suites.read(text).diagnostics)")
  }
}

/// As much of JSON Schema as the schema uses.
struct SchemaValidator {
  let root: JSONValue

  init(_ root: JSONValue) { self.root = root }

  func objections(to value: JSONValue) -> [String] { objections(value, root, "") }

  private func objections(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    var found: [String] = []
    if let reference = schema["$ref"]?.text, let name = reference.split(separator: "/").last {
      found += objections(value, root["$defs"]?[String(name)] ?? .null, path)
    }
    if let choices = schema["anyOf"]?.elements, !choices.contains(where: { objections(value, $0, path).isEmpty }) {
      found.append("\(path): fits none of the choices")
    }
    if let choices = schema["enum"]?.elements, !choices.contains(value) { found.append("\(path): is none of \(choices)") }
    if let type = schema["type"]?.text, !fits(value, type) { found.append("\(path): is no \(type)") }
    if let pattern = schema["pattern"]?.text, let text = value.text, let regex = try? Regex(pattern), text.firstMatch(of: regex) == nil {
      found.append("\(path): does not look like \(pattern)")
    }
    if let number = value.integer {
      if let least = schema["minimum"]?.integer, number < least { found.append("\(path): is below \(least)") }
      if let most = schema["maximum"]?.integer, number > most { found.append("\(path): is above \(most)") }
    }
    if let elements = value.elements, let items = schema["items"] {
      for (index, element) in elements.enumerated() { found += objections(element, items, "\(path)[\(index)]") }
    }
    if case .object(let object) = value { found += objections(object, schema, path) }
    return found
  }

  private func objections(_ object: JSONObject, _ schema: JSONValue, _ path: String) -> [String] {
    var found: [String] = []
    for name in schema["required"]?.elements ?? [] where object[name.text ?? ""] == nil { found.append("\(path): \(name) is missing") }
    for member in object.members {
      if let property = schema["properties"]?[member.name] {
        found += objections(member.value, property, "\(path).\(member.name)")
      } else if let rest = schema["additionalProperties"] {
        if rest == .bool(false) { found.append("\(path): has a \(member.name)") }
        if case .object = rest { found += objections(member.value, rest, "\(path).\(member.name)") }
      }
    }
    return found
  }

  private func fits(_ value: JSONValue, _ type: String) -> Bool {
    switch (type, value) {
    case ("string", .string), ("boolean", .bool), ("integer", .integer), ("number", .integer), ("number", .number), ("array", .array),
      ("object", .object):
      true
    default: false
    }
  }
}
