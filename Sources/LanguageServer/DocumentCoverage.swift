public import Documents
import XTables

/// The names of interfaces and ipsets of a machine, which completion offers besides those of the file.
public struct MachineNames: Sendable {
  let interfaces: [String]
  let sets: [String]

  /// Creates names; by default none.
  public init(interfaces: [String] = [], sets: [String] = []) {
    self.interfaces = interfaces
    self.sets = sets
  }
}

/// A saved document whose tests are to be run. It is a value, so that they can run on another thread while the document changes.
public struct CoverageRequest: Sendable {
  let uri: String
  let revision: Int
  /// The path of the document.
  public let path: String
  /// The text of the document.
  public let bytes: [UInt8]
}

/// How many packets of tests matched each rule of a document.
public struct DocumentCoverage: Sendable {
  let uri: String
  let revision: Int
  /// The number of packets by the line of the rule, from 0.
  let hits: [Int: UInt64]

  /// Creates the coverage of a document.
  ///
  /// - Parameter hits: the number of packets by the line of the rule, from 1.
  public init(of request: CoverageRequest, hits: [Int: UInt64]) {
    uri = request.uri
    revision = request.revision
    self.hits = Dictionary(uniqueKeysWithValues: hits.map { ($0.key - 1, $0.value) })
  }
}

/// Lenses above chains and rules: counts, counters, and what tests match.
extension LanguageSession {
  /// A document whose tests must be run; nil if there is none. A document is handed out when it was opened or saved.
  public mutating func nextCoverage() -> CoverageRequest? {
    guard let uri = documents.values.filter(\.needsCoverage).map(\.uri).min(), let document = documents[uri] else { return nil }
    documents[uri]?.needsCoverage = false
    return CoverageRequest(uri: uri, revision: document.revision, path: OpenDocument.path(of: uri), bytes: document.text.bytes)
  }

  /// Whether a document is no longer the one of a request.
  public func isOutdated(_ request: CoverageRequest) -> Bool { documents[request.uri]?.revision != request.revision }

  /// Takes the result of the tests. That of a version that has changed meanwhile is dropped.
  public mutating func accept(_ coverage: DocumentCoverage) -> [JSONValue] {
    guard documents[coverage.uri]?.revision == coverage.revision else { return [] }
    documents[coverage.uri]?.coverage = coverage
    guard refreshesLenses else { return [] }
    refreshes += 1
    return [["jsonrpc": "2.0", "id": .string("lenses \(refreshes)"), "method": "workspace/codeLens/refresh"]]
  }

  /// The greatest number of rules of a document above which a lens says that no test matches them.
  private static let mostUnmatched = 500

  func lenses(_ document: OpenDocument) -> JSONValue {
    let text = document.text
    let counts = ChainCount.all(in: text)
    let covered = coveredRules(document)
    let chains = text.sections.flatMap { section in
      section.lines.flatMap { line in
        text.lines[line].outline.mentions.filter { $0.role == .declares }.map { mention -> JSONValue in
          let tests = covered[section.name]?[mention.name].map { "; tests match \($0.matched) of \($0.all)" } ?? ""
          return lens((counts[section.name]?[mention.name]?.sentence ?? "") + tests, mention.range, line, document)
        }
      }
    }
    let unmatched = (document.coverage?.hits ?? [:]).filter { $0.value == 0 && text.lines.indices.contains($0.key) }.keys.sorted()
    return .array(
      chains
        + unmatched.prefix(Self.mostUnmatched).map { lens("no test matches this rule", 0..<text.lines[$0].bytes.count, $0, document) })
  }

  private func lens(_ title: String, _ bytes: Range<Int>, _ line: Int, _ document: OpenDocument) -> JSONValue {
    ["range": range(bytes, line: line, in: document.text), "command": ["title": .string(title), "command": ""]]
  }

  /// How many rules of each chain tests match; empty without tests.
  private func coveredRules(_ document: OpenDocument) -> [TableName: [String: (matched: Int, all: Int)]] {
    var counts: [TableName: [String: (matched: Int, all: Int)]] = [:]
    guard let hits = document.coverage?.hits else { return counts }
    for section in document.text.sections {
      for line in section.lines {
        guard let count = hits[line], let chain = document.text.lines[line].outline.mentions.first(where: { $0.role == .changes }) else {
          continue
        }
        let before = counts[section.name]?[chain.name] ?? (0, 0)
        counts[section.name, default: [:]][chain.name] = (before.matched + (count > 0 ? 1 : 0), before.all + 1)
      }
    }
    return counts
  }
}
