import Diagnostics
import FoundationEssentials

/// A log of one run in the OASIS standard SARIF 2.1.0.
struct SARIFReport: Encodable {
  let version = "2.1.0"
  let schema = "https://json.schemastore.org/sarif-2.1.0.json"
  let runs: [Run]

  enum CodingKeys: String, CodingKey {
    case version
    case schema = "$schema"
    case runs
  }

  struct Run: Encodable {
    let tool: Tool
    /// SARIF's default column unit is UTF-16. Columns here count bytes, which equals code points for ASCII.
    let columnKind = "unicodeCodePoints"
    let results: [Result]
  }

  struct Tool: Encodable {
    let driver: Driver
  }

  struct Driver: Encodable {
    let name = "ferrule"
    let rules: [Rule]
  }

  struct Rule: Encodable {
    let id: String
    let name: String
    let shortDescription: Message
    let fullDescription: Message
  }

  struct Message: Encodable {
    let text: String
  }

  struct Result: Encodable {
    let ruleId: String
    let level: String
    let message: Message
    let locations: [Location]
    let relatedLocations: [Location]?
  }

  struct Location: Encodable {
    let physicalLocation: PhysicalLocation
    let message: Message?
  }

  struct PhysicalLocation: Encodable {
    let artifactLocation: Artifact
    let region: SARIFRegion
  }

  struct Artifact: Encodable {
    let uri: String
  }

  struct SARIFRegion: Encodable {
    let startLine: Int
    let startColumn: Int
    let endLine: Int
    let endColumn: Int
  }

  init(_ files: [FileDiagnostics]) {
    let rules = CheckList.all.map {
      Rule(id: $0.code, name: $0.id, shortDescription: Message(text: $0.title), fullDescription: Message(text: $0.rationale))
    }
    let results = files.flatMap { file in file.diagnostics.map { Self.result($0, in: file.file) } }
    runs = [Run(tool: Tool(driver: Driver(rules: rules)), results: results)]
  }

  var text: String { JSONText.encode(self) }

  private static func result(_ diagnostic: Diagnostic, in file: SourceFile) -> Result {
    let placed = diagnostic.notes.compactMap { note in
      note.range.map { location($0, in: file, message: note.message) }
    }
    let loose = diagnostic.notes.filter { $0.range == nil }.map(\.message)
    return Result(
      ruleId: diagnostic.code ?? diagnostic.id, level: diagnostic.severity.rawValue,
      message: Message(text: ([diagnostic.message] + loose).joined(separator: "\n")),
      locations: [location(diagnostic.range, in: file)], relatedLocations: placed.isEmpty ? nil : placed)
  }

  private static func location(_ range: SourceRange, in file: SourceFile, message: String? = nil) -> Location {
    let region = Region(range, in: file)
    return Location(
      physicalLocation: PhysicalLocation(
        artifactLocation: Artifact(uri: uri(file.name)),
        region: SARIFRegion(
          startLine: region.line, startColumn: region.column, endLine: region.endLine, endColumn: region.endColumn)),
      message: message.map(Message.init))
  }

  /// A path as a relative or absolute URI reference.
  private static func uri(_ name: String) -> String {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
