import Documents
import FoundationEssentials
import TestSupport
import Wire

/// The inputs kept for each entry: `Tests/Fixtures/inputs/NAME.jsonl`, one a line, as text where they are text and as `{"hex": …}` where not.
package enum InputCorpus {
  package static let folder = PackageFolder.path + "/Tests/Fixtures/inputs"

  package static func inputs(of entry: String) throws -> [[UInt8]] {
    let path = "\(folder)/\(entry).jsonl"
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try TextFile.lines(path).map { line in
      let value = try JSONValue(parsing: line)
      if let text = value.text { return Array(text.utf8) }
      guard let bytes = value["hex"]?.text.flatMap({ Hex.bytes($0) }) else { throw Malformed(path: path, line: line) }
      return bytes
    }
  }

  struct Malformed: Error {
    let path: String
    let line: String
  }

  /// Everything that is kept, to take pieces from.
  package static func all() throws -> [[UInt8]] { try InputEntry.all.flatMap { try inputs(of: $0.name) } }

  /// A line of a corpus file. Text that has other than printing characters is written as hex, so that every tool leaves it alone.
  private static func line(_ bytes: [UInt8]) -> String {
    if bytes.allSatisfy({ 0x20...0x7e ~= $0 || $0 == 10 }) { return JSONValue.string(String(decoding: bytes, as: UTF8.self)).description }
    return JSONValue.object(["hex": .string(Hex.string(bytes))]).description
  }

  /// Writes inputs in place of those of an entry, in an order of their own.
  package static func write(_ inputs: [[UInt8]], of entry: String) throws {
    let lines = inputs.sorted { ($0.count, line($0)) < ($1.count, line($1)) }.map { line($0) + "\n" }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try lines.joined().write(toFile: "\(folder)/\(entry).jsonl", atomically: true, encoding: .utf8)
  }
}
