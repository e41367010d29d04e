import Diagnostics
import Syntax

/// The suppression comments of a file: `# ferrule:ignore FE002` applies to the next line that is not a comment,
/// `# ferrule:ignore-file FE002` to all lines. Errors cannot be suppressed: iptables-restore would refuse the file anyway.
struct Suppressions {
  private struct Entry {
    let names: [(name: String, range: SourceRange)]
    /// The byte range of the line to which it applies; nil for the whole file.
    let target: SourceRange?
  }

  private var entries: [Entry] = []

  init(_ syntax: RulesetSyntax) {
    var pending: [[(name: String, range: SourceRange)]] = []
    for line in syntax.lines {
      switch line.kind {
      case .blank: continue
      case .comment:
        guard let (isForFile, names) = Self.read(line, syntax.file) else { continue }
        if isForFile { entries.append(Entry(names: names, target: nil)) } else { pending.append(names) }
      case .table, .chain, .command, .commit:
        entries += pending.map { Entry(names: $0, target: line.range) }
        pending = []
      }
    }
    entries += pending.map { Entry(names: $0, target: SourceRange(syntax.file.bytes.count..<syntax.file.bytes.count)) }
  }

  private static func read(_ line: LineSyntax, _ file: SourceFile) -> (Bool, [(name: String, range: SourceRange)])? {
    let separators = Array(" \t,\r".utf8)
    let words = file.bytes[line.content.range].dropFirst().split { separators.contains($0) }
    guard let first = words.first else { return nil }
    let isForFile = first.elementsEqual("ferrule:ignore-file".utf8)
    guard isForFile || first.elementsEqual("ferrule:ignore".utf8) else { return nil }
    return (
      isForFile,
      words.dropFirst().map { (String(decoding: $0, as: UTF8.self), SourceRange($0.startIndex..<$0.endIndex)) }
    )
  }

  /// Removes the suppressed diagnostics and reports suppressions that suppress nothing.
  func apply(to diagnostics: [Diagnostic], _ checks: [any Check.Type]) -> [Diagnostic] {
    guard !entries.isEmpty else { return diagnostics }
    var kept = diagnostics
    for entry in entries {
      for (name, range) in entry.names {
        let before = kept.count
        kept.removeAll { Self.covers(name, entry.target, $0) }
        guard kept.count == before, checks.contains(where: { $0 == UnusedSuppressionCheck.self }) else { continue }
        kept.append(UnusedSuppressionCheck.finding(name, at: range, checks))
      }
    }
    return kept
  }

  private static func covers(_ name: String, _ target: SourceRange?, _ diagnostic: Diagnostic) -> Bool {
    guard diagnostic.severity != .error, diagnostic.code == name || diagnostic.id == name else { return false }
    return target.map { $0.range.contains(diagnostic.range.range.lowerBound) } ?? true
  }
}
