import Diagnostics
public import Linter
public import Syntax
import Wire
public import XTables

/// How the ruleset of a document is read and checked. The command that runs the server finds it out, because it may read files.
public struct DocumentRules: Sendable {
  /// Reads the ruleset.
  public let parser: RulesetParser
  /// Checks the ruleset.
  public let linter: Linter
  /// The rules that are loaded already, under a file that does not replace them.
  public let existing: Ruleset?
  /// The names of the machine for which the rules are.
  public let machine: MachineNames

  /// Creates the rules of a document.
  public init(parser: RulesetParser, linter: Linter, existing: Ruleset? = nil, machine: MachineNames = MachineNames()) {
    self.parser = parser
    self.linter = linter
    self.existing = existing
    self.machine = machine
  }
}

/// A version of a document to be checked. It is a value, so that the check can run on another thread while the document changes.
public struct DocumentCheck: Sendable {
  /// The findings of a check.
  public struct Result: Sendable {
    let uri: String
    let revision: Int
    let parsed: ParsedRuleset
    let findings: [Diagnostic]
  }

  let uri: String
  let revision: Int
  let bytes: [UInt8]
  let rules: DocumentRules
  let path: String

  /// Parses and checks the document.
  public func run() -> Result {
    let parsed = rules.parser.parse(SourceFile(name: path, bytes: bytes), existing: rules.existing)
    return Result(uri: uri, revision: revision, parsed: parsed, findings: rules.linter.diagnostics(for: parsed))
  }
}

/// A document that the client has opened.
struct OpenDocument: Sendable {
  let uri: String
  /// The version of the client, which its answers name.
  var version: Int
  /// Counts the changes; unlike the version of the client it always grows.
  var revision = 0
  var text: TextDocument
  var rules: DocumentRules
  /// The last check, if the document has not changed since.
  var checked: DocumentCheck.Result?
  /// Whether the document has changed since its last check began.
  var needsCheck = true
  /// What the tests beside the document match, if they ran and the document has not changed since.
  var coverage: DocumentCoverage?
  /// Whether the document was opened or saved since its tests were last run.
  var needsCoverage = true

  var family: Family { rules.parser.family }
  var registry: Registry { rules.parser.registry }

  /// The path of a `file:` URI; the URI itself for another one.
  static func path(of uri: String) -> String {
    guard uri.hasPrefix("file://") else { return uri }
    var bytes: [UInt8] = []
    let text = Array(uri.utf8.dropFirst(7).drop { $0 != UInt8(ascii: "/") })
    var at = 0
    while at < text.count {
      if text[at] == UInt8(ascii: "%"), at + 2 < text.count,
        let byte = UInt8(String(decoding: text[(at + 1)...(at + 2)], as: UTF8.self), radix: 16), byte != 0
      {
        bytes.append(byte)
        at += 3
      } else {
        bytes.append(text[at])
        at += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
