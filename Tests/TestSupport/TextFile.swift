import FoundationEssentials

package enum TextFile {
  package static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// The lines that are not empty.
  package static func lines(_ path: String) throws -> [String] { try text(path).split(separator: "\n").map(String.init) }
}
