import Diagnostics

/// Writes what came of tests into their file as what is expected of them: the values that did not hold, and verdicts of packets of which
/// nothing was expected. What no other value would make true is taken out. All other bytes stay, comments among them.
public struct TestUpdate: Sendable {
  /// The file's new bytes.
  public let bytes: [UInt8]
  /// How many places are others than before.
  public let count: Int

  private typealias Edit = (range: Range<Int>, text: String)

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
    // From the end, so that the places of the others stay what they are; what is written as a whole is not written in parts besides.
    let ordered = edits.sorted { ($0.range.upperBound, $1.range.lowerBound) > ($1.range.upperBound, $0.range.lowerBound) }
    for edit in ordered where edit.range.upperBound <= start {
      bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8))
      start = edit.range.lowerBound
      count += 1
    }
    self.bytes = bytes
    self.count = count
  }

  /// What stands behind a packet's line.
  private static func tail(_ step: StepResult) -> Edit? {
    guard case .line(let tail) = step.form, let pattern = step.pattern, step.expectation == nil || !step.failures.isEmpty else { return nil }
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

  /// Takes entries out of a mapping or list; one that loses all of them stays as an empty one.
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

  /// With the rest of its line, where nothing else stands there.
  private static func wholeLine(_ entry: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
    let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " ")
    let start = bytes[..<entry.lowerBound].lastIndex { $0 != space } ?? -1
    let end = bytes[entry.upperBound...].firstIndex { $0 != space } ?? bytes.count
    guard start < 0 || bytes[start] == newline, end == bytes.count || bytes[end] == newline else { return entry }
    return start + 1..<min(end + 1, bytes.count)
  }
}

/// Words as YAML writes them.
enum YAMLScalar {
  /// - Parameter first: the first byte of what stood there before, whose quotes are kept.
  static func text(_ text: String, like first: UInt8?) -> String {
    switch first {
    // Only double quotes can hold what a line does not show.
    case UInt8(ascii: "'") where Escaping.line(text) == text: return "'" + text.replacing("'", with: "''") + "'"
    case UInt8(ascii: "\""): return Escaping.yaml(text)
    default: return isPlain(text) ? text : Escaping.yaml(text)
    }
  }

  /// YAML takes it for nothing else.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.first, first.isLetter || first.isNumber, !text.hasSuffix(":"), !text.hasSuffix(" "), !text.contains(": ") else { return false }
    return text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && !"[]{},#&*!|>'\"%@`".utf8.contains($0) }
  }
}
