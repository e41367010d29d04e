import Diagnostics

/// Updates expectations in a scenario file from test results: replaces values that did not hold, adds verdicts for packets without an
/// expectation, and removes expectations that no value would satisfy. All other bytes, including comments, are unchanged.
public struct TestUpdate: Sendable {
  /// The file's new bytes.
  public let bytes: [UInt8]
  /// The number of changed places.
  public let count: Int

  private typealias Edit = (range: Range<Int>, text: String)

  /// Computes the update of a suite's file.
  public init(_ suite: SuiteResult) {
    var edits: [Edit] = []
    var changes: [TestChange] = []
    for test in suite.tests where test.outcome == .passed || test.outcome == .failed {
      for step in test.steps {
        if let edit = TestUpdate.tail(step) { edits.append(edit) }
        if case .line = step.form { continue }
        changes += step.failures.flatMap(\.changes)
      }
      changes += test.failures.flatMap(\.changes)
    }
    edits += TestUpdate.edits(changes, suite.file.bytes)
    var bytes = suite.file.bytes
    var start = bytes.count
    var count = 0
    // Edits are applied from the end, so that earlier ranges stay valid. Edits inside a replaced range are skipped.
    let ordered = edits.sorted { ($0.range.upperBound, $1.range.lowerBound) > ($1.range.upperBound, $0.range.lowerBound) }
    for edit in ordered where edit.range.upperBound <= start {
      bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8))
      start = edit.range.lowerBound
      count += 1
    }
    self.bytes = bytes
    self.count = count
  }

  /// The edit of the text after a packet's line.
  private static func tail(_ step: StepResult) -> Edit? {
    guard case .line(let tail) = step.form, let pattern = step.pattern, step.expectation == nil || !step.failures.isEmpty else {
      return nil
    }
    return (tail.range, " => \(pattern)")
  }

  private static func edits(_ changes: [TestChange], _ bytes: [UInt8]) -> [Edit] {
    var edits: [Edit] = []
    var removed: [[Range<Int>]: (site: EntrySite, indices: Set<Int>)] = [:]
    for change in changes {
      switch change {
      case .write(let range, let text, let isLiteral):
        guard range.upperBound <= bytes.count, !range.isEmpty else { continue }
        edits.append((range, isLiteral ? text : YAMLScalar.text(text, like: bytes[range].first)))
      case .remove(let site): removed[site.entries, default: (site, [])].indices.insert(site.index)
      }
    }
    return edits + removed.values.flatMap { TestUpdate.removal(of: $0.indices, beside: $0.site, bytes) }
  }

  /// Removes entries of a mapping or list; one without remaining entries becomes an empty one.
  private static func removal(of indices: Set<Int>, beside site: EntrySite, _ bytes: [UInt8]) -> [Edit] {
    let entries = site.entries
    guard let first = entries.first, let last = entries.last, last.upperBound <= bytes.count else { return [] }
    let isAll = indices.count == entries.count
    if site.isFlow {
      if isAll { return [(first.lowerBound..<last.upperBound, "")] }
      let kept = entries.indices.last { !indices.contains($0) } ?? 0
      let inner = indices.filter { $0 < kept }.map { (range: entries[$0].lowerBound..<entries[$0 + 1].lowerBound, text: "") }
      return inner + (kept < entries.count - 1 ? [(entries[kept].upperBound..<last.upperBound, "")] : [])
    }
    return indices.sorted().map { index in
      if isAll, index == 0 { return (entries[0], site.isList ? "[]" : "{}") }
      return (wholeLine(entries[index], bytes), "")
    }
  }

  /// Extends an entry to the whole line if nothing else is on it.
  private static func wholeLine(_ entry: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
    let newline = UInt8(ascii: "\n")
    let space = UInt8(ascii: " ")
    let start = bytes[..<entry.lowerBound].lastIndex { $0 != space } ?? -1
    let end = bytes[entry.upperBound...].firstIndex { $0 != space } ?? bytes.count
    guard start < 0 || bytes[start] == newline, end == bytes.count || bytes[end] == newline else { return entry }
    return start + 1..<min(end + 1, bytes.count)
  }
}

/// Writes scalars as YAML.
enum YAMLScalar {
  /// - Parameter first: the first byte of the old value, whose quoting style is kept.
  static func text(_ text: String, like first: UInt8?) -> String {
    switch first {
    // Only double quotes can represent control characters.
    case UInt8(ascii: "'") where Escaping.line(text) == text: return "'" + text.replacing("'", with: "''") + "'"
    case UInt8(ascii: "\""): return Escaping.yaml(text)
    default: return isPlain(text) ? text : Escaping.yaml(text)
    }
  }

  /// True if YAML reads the plain scalar as this text.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.first, first.isLetter || first.isNumber, !text.hasSuffix(":"), !text.hasSuffix(" "), !text.contains(": ") else {
      return false
    }
    return text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && !"[]{},#&*!|>'\"%@`".utf8.contains($0) }
  }
}
