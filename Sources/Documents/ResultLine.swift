/// One line of `--format jsonl`: the result of one file, or of files that belong together. `Grammar/results.schema.json` is its schema.
public struct ResultLine: Sendable {
  /// The version of the schema. It changes if a member is removed or gets another meaning, not if one is added.
  public static let schema = 1

  private var members: JSONObject

  /// Creates a line.
  ///
  /// - Parameters:
  ///   - command: the command, such as `lint`.
  ///   - files: the files whose result it is.
  ///   - exit: the exit status that the command would have for these files alone.
  ///   - result: the result, in the form of `--format json`.
  public init(command: String, files: [String], exit: Int32, result: JSONValue) {
    members = Self.members(command, files, exit)
    members["result"] = result
  }

  /// Creates the line of files without a result.
  ///
  /// - Parameter error: why there is none.
  public init(command: String, files: [String], exit: Int32, error: String) {
    members = Self.members(command, files, exit)
    members["error"] = .string(error)
  }

  private static func members(_ command: String, _ files: [String], _ exit: Int32) -> JSONObject {
    [
      "schema": .integer(schema), "command": .string(command), "files": .array(files.map { .string($0) }), "exit": .integer(Int(exit)),
    ]
  }

  /// The line, with its newline.
  public var text: String { JSONValue.object(members).description + "\n" }
}
