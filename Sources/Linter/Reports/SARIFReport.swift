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
    let semanticVersion: String?
    let rules: [Rule]
  }

  struct Rule: Encodable {
    struct Configuration: Encodable {
      let level: String
    }
    struct Properties: Encodable {
      let tags: [String]
    }

    let id: String
    let name: String
    let shortDescription: Message
    let fullDescription: Message
    let help: Message
    let helpUri: String
    let defaultConfiguration: Configuration
    let properties: Properties
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
    let partialFingerprints: [String: String]
    let fixes: [Fix]?
    let suppressions: [Suppression]?
    /// The number of equal findings for which this one stands.
    let occurrenceCount: Int?
  }

  struct Suppression: Encodable {
    let kind: String
    let justification: String?
  }

  struct Fix: Encodable {
    struct Change: Encodable {
      let artifactLocation: Artifact
      let replacements: [Replacement]
    }
    struct Replacement: Encodable {
      let deletedRegion: SARIFRegion
      let insertedContent: Message
    }

    let description: Message
    let artifactChanges: [Change]
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

  /// The checks of `ferrule lint` as rules of the log.
  private static var checks: [Rule] {
    CheckList.all.map { check in
      Rule(
        id: check.code, name: check.id, shortDescription: Message(text: check.title), fullDescription: Message(text: check.rationale),
        help: Message(text: CheckExplanation(check).text), helpUri: Self.pages + check.code.lowercased(),
        defaultConfiguration: Rule.Configuration(level: check.severity.rawValue),
        properties: Rule.Properties(tags: [check.group.rawValue]))
    }
  }

  /// - Parameter rules: the rules of the log; the checks of `ferrule lint` unless others are given.
  init(_ files: [FileDiagnostics], version: String, rules: [Rule]? = nil) {
    let rules = rules ?? Self.checks
    let results = files.flatMap { file in
      var keys = SARIFFingerprints(file.file)
      return file.shown.map { Self.result($0, in: file.file, &keys, nil) }
        + file.suppressed.map { entry in
          Self.result(
            entry.diagnostic, in: file.file, &keys, Suppression(kind: entry.kind.rawValue, justification: entry.justification))
        }
    }
    runs = [
      Run(tool: Tool(driver: Driver(semanticVersion: version.isEmpty ? nil : version, rules: rules)), results: results)
    ]
  }

  /// A name of the page that `ferrule explain` prints. A URN: the pages are in the program and not on a server.
  private static let pages = "urn:ferrule:check:"

  var text: String { JSONText.encode(self) }

  private static func result(
    _ diagnostic: Diagnostic, in file: SourceFile, _ keys: inout SARIFFingerprints, _ suppression: Suppression?
  ) -> Result {
    let placed = diagnostic.notes.compactMap { note in
      note.range.map { location($0, in: file, message: note.message) }
    }
    let again = (diagnostic.repeats?.places ?? []).map { location($0, in: file, message: "the same here") }
    let loose = diagnostic.notes.filter { $0.range == nil }.map(\.message) + (diagnostic.repeats.map { [$0.sentence(in: file)] } ?? [])
    let related = placed + again
    return Result(
      ruleId: diagnostic.code ?? diagnostic.id, level: diagnostic.severity.rawValue,
      message: Message(text: ([diagnostic.message] + loose).joined(separator: "\n")),
      locations: [location(diagnostic.range, in: file)], relatedLocations: related.isEmpty ? nil : related,
      partialFingerprints: ["ferruleRule/v1": keys.fingerprint(of: diagnostic)],
      fixes: diagnostic.fixIts.isEmpty ? nil : diagnostic.fixIts.map { fix($0, in: file) },
      suppressions: suppression.map { [$0] }, occurrenceCount: diagnostic.repeats?.count)
  }

  private static func fix(_ fix: Diagnostic.FixIt, in file: SourceFile) -> Fix {
    let replacement = Fix.Replacement(
      deletedRegion: region(fix.range, in: file), insertedContent: Message(text: String(decoding: fix.replacement, as: UTF8.self)))
    return Fix(
      description: Message(text: fix.message),
      artifactChanges: [Fix.Change(artifactLocation: Artifact(uri: uri(file.name)), replacements: [replacement])])
  }

  private static func location(_ range: SourceRange, in file: SourceFile, message: String? = nil) -> Location {
    Location(
      physicalLocation: PhysicalLocation(artifactLocation: Artifact(uri: uri(file.name)), region: region(range, in: file)),
      message: message.map(Message.init))
  }

  private static func region(_ range: SourceRange, in file: SourceFile) -> SARIFRegion {
    let region = Region(range, in: file)
    return SARIFRegion(startLine: region.line, startColumn: region.column, endLine: region.endLine, endColumn: region.endColumn)
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

/// The fingerprints of the findings in one file: the hash of the finding's key, and which of the equal ones it is.
private struct SARIFFingerprints {
  private let keys: FindingKeys
  private var counts: [FindingKey: Int] = [:]

  init(_ file: SourceFile) { keys = FindingKeys(file) }

  mutating func fingerprint(of diagnostic: Diagnostic) -> String {
    let key = keys[diagnostic]
    counts[key, default: 0] += 1
    return "\(key.hash):\(counts[key] ?? 1)"
  }
}

extension SARIFReport.Rule {
  /// The rule of a control of an audit.
  init(control: String, title: String, manual: String, profile: String) {
    self.init(
      id: control, name: control, shortDescription: SARIFReport.Message(text: title), fullDescription: SARIFReport.Message(text: manual),
      help: SARIFReport.Message(text: manual), helpUri: "urn:ferrule:control:\(profile):\(control)",
      defaultConfiguration: Configuration(level: Severity.warning.rawValue), properties: Properties(tags: [profile]))
  }
}
