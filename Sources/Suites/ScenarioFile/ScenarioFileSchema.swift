import Diagnostics
public import Documents

/// The JSON Schema of scenario files, generated from the reader's shapes; stored in `Grammar/scenario.schema.json`.
public enum ScenarioFileSchema {
  /// The schema as indented text.
  public static var text: String { ShapeSchema.text("Ferrule scenario file", root: "file", FileShape.all) }

  /// The schema as a value.
  public static var value: JSONValue { (try? JSONValue(parsing: text)) ?? .null }
}

extension ScenarioFile {
  /// Converts YAML text to JSON for validation; nil if it is not valid YAML.
  public static func json(_ bytes: [UInt8]) -> JSONValue? {
    try? FileDocument(SourceFile(name: "", bytes: bytes)).root().json()
  }
}
