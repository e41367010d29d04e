public import Diagnostics
import Syntax
import Wire
import XTables

/// What identifies a finding when lines are added, removed or moved: the check, the table, and the text of the line.
public struct FindingKey: Sendable, Hashable {
  /// The code of the check, or the id of a diagnostic without a code.
  public let code: String
  /// The table whose block contains the line; empty outside of tables.
  public let table: String
  /// The line without counters and with single blanks; its first words name the chain.
  public let text: String

  /// Creates a key from its parts.
  public init(code: String, table: String, text: String) {
    self.code = code
    self.table = table
    self.text = text
  }

  /// The 64-bit FNV-1a hash of the parts in hexadecimal.
  var hash: String {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(code)\0\(table)\0\(text)".utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let text = String(state, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}

/// The keys of the findings in one file.
public struct FindingKeys: Sendable {
  private let file: SourceFile
  /// By line number less one: the table.
  private let tables: [String]

  /// Reads the lines of a file.
  public init(_ file: SourceFile) {
    self.file = file
    var current = ""
    tables = RulesetSyntax(file).lines.map { line in
      switch line.kind {
      case .table:
        let name = file.bytes[line.content.range].dropFirst().prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        current = String(decoding: name, as: UTF8.self)
      case .commit:
        let finished = current
        current = ""
        return finished
      default: break
      }
      return current
    }
  }

  /// The key of a diagnostic.
  public subscript(diagnostic: Diagnostic) -> FindingKey {
    let number = file.position(of: diagnostic.range.range.lowerBound).line
    let table = tables.indices.contains(number - 1) ? tables[number - 1] : ""
    return FindingKey(code: diagnostic.code ?? diagnostic.id, table: table, text: Self.normalised(file.line(number)))
  }

  /// A line with single blanks and without the counters of iptables-save.
  static func normalised(_ line: ArraySlice<UInt8>) -> String {
    let words = line.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") })
    let kept = words.enumerated().filter { index, word in
      !(word.first == UInt8(ascii: "[") && word.last == UInt8(ascii: "]")
        && (index == 0 || index == 2 && words[0].first == UInt8(ascii: ":")))
    }
    return kept.map { String(decoding: $0.element, as: UTF8.self) }.joined(separator: " ")
  }
}

/// The known findings of a file, which are not reported again.
public struct Baseline: Sendable {
  /// How often each finding is known.
  public private(set) var counts: [FindingKey: Int]

  /// Creates a baseline with some findings.
  public init(_ counts: [FindingKey: Int] = [:]) { self.counts = counts }

  /// Adds the findings of a file. Errors are left out: a baseline does not hide that a file would not load.
  public mutating func add(_ file: FileDiagnostics) {
    let keys = FindingKeys(file.file)
    for diagnostic in file.diagnostics where diagnostic.severity != .error { counts[keys[diagnostic], default: 0] += 1 }
  }

  /// Splits the findings of a file into those that are new and those that the baseline has.
  func split(_ diagnostics: [Diagnostic], in file: SourceFile) -> (new: [Diagnostic], known: [Diagnostic]) {
    guard !counts.isEmpty else { return (diagnostics, []) }
    let keys = FindingKeys(file)
    var left = counts
    var new: [Diagnostic] = []
    var known: [Diagnostic] = []
    for diagnostic in diagnostics {
      let key = keys[diagnostic]
      if diagnostic.severity != .error, let count = left[key], count > 0 {
        left[key] = count - 1
        known.append(diagnostic)
      } else {
        new.append(diagnostic)
      }
    }
    return (new, known)
  }

  private struct Document: Encodable {
    struct Entry: Encodable {
      let code: String
      let table: String
      let text: String
      let count: Int?
    }
    let version = 1
    let findings: [Entry]
  }

  /// The baseline as JSON, which ``FindingKey`` sorts so that it is easy to compare.
  public var text: String {
    let sorted = counts.sorted { ($0.key.code, $0.key.table, $0.key.text) < ($1.key.code, $1.key.table, $1.key.text) }
    return JSONText.encode(
      Document(
        findings: sorted.map {
          Document.Entry(code: $0.key.code, table: $0.key.table, text: $0.key.text, count: $0.value == 1 ? nil : $0.value)
        }))
  }
}
