import Diagnostics
import Syntax

/// The suppression comments of a file: `# ferrule:ignore FE002` applies to the next line that is not a comment,
/// `# ferrule:ignore-file FE002` to all lines, and `ferrule:ignore FE002` in a rule's remark to the rule. Codes and ids are separated by commas
/// or blanks; the text after them is the reason. Errors cannot be suppressed: iptables-restore would refuse the file anyway.
struct Suppressions {
  private struct Entry {
    let names: [(name: String, range: SourceRange)]
    let reason: String?
    /// The byte range of the line to which it applies; nil for the whole file.
    let target: SourceRange?
  }

  private var entries: [Entry] = []

  init(_ syntax: RulesetSyntax) {
    var pending: [Comment] = []
    for line in syntax.lines {
      switch line.kind {
      case .blank: continue
      case .comment:
        guard let comment = Self.read(syntax.file.bytes[line.content.range].dropFirst()) else { continue }
        if comment.isForFile { add(comment, nil) } else { pending.append(comment) }
      case .table, .chain, .command, .commit:
        for comment in pending { add(comment, line.range) }
        pending = []
        if line.kind == .command, let remark = Self.remark(line, syntax.file) { add(remark, line.range) }
      }
    }
    for comment in pending { add(comment, SourceRange(syntax.file.bytes.count..<syntax.file.bytes.count)) }
  }

  private mutating func add(_ comment: Comment, _ target: SourceRange?) {
    entries.append(Entry(names: comment.names, reason: comment.reason, target: target))
  }

  private struct Comment {
    let isForFile: Bool
    var names: [(name: String, range: SourceRange)] = []
    var reason: String?
  }

  private static let mark = Array("ferrule:ignore".utf8)

  /// The suppression in a rule's remark. The marker is searched in the bytes of the line, so that quotes need not be resolved.
  private static func remark(_ line: LineSyntax, _ file: SourceFile) -> Comment? {
    let bytes = file.bytes[line.content.range]
    guard let colon = bytes.firstIndex(of: mark[7]), bytes.count > mark.count else { return nil }
    for start in bytes.indices[colon...].lazy.filter({ bytes[$0] == mark[7] }) where start - 7 >= bytes.startIndex {
      guard bytes[(start - 7)...].starts(with: mark) else { continue }
      let text = bytes[(start - 7)...]
      let isQuoted = start - 7 > bytes.startIndex && bytes[start - 8] == UInt8(ascii: "\"")
      return read(text.prefix { isQuoted ? $0 != UInt8(ascii: "\"") : $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\"") })
    }
    return nil
  }

  private static func read(_ text: ArraySlice<UInt8>) -> Comment? {
    let separators = Array(" \t,\r".utf8)
    let words = text.split { separators.contains($0) }
    guard let first = words.first else { return nil }
    let isForFile = first.elementsEqual("ferrule:ignore-file".utf8)
    guard isForFile || first.elementsEqual(mark) else { return nil }
    var comment = Comment(isForFile: isForFile)
    for word in words.dropFirst() {
      let name = String(decoding: word, as: UTF8.self)
      // The first word is always a name, so that a misspelt one is reported; so is a word after a comma.
      let isListed = comment.names.last.map { text[Int($0.range.upperBound)..<word.startIndex].contains(UInt8(ascii: ",")) } ?? true
      guard isListed || isName(name) else {
        comment.reason = String(decoding: text[word.startIndex...], as: UTF8.self)
        break
      }
      comment.names.append((name, SourceRange(word.startIndex..<word.endIndex)))
    }
    return comment
  }

  /// Whether a word is a code or an id, and not a word of the reason.
  private static func isName(_ word: String) -> Bool {
    let isCode = word.hasPrefix("FE") && word.utf8.count == 5 && word.utf8.dropFirst(2).allSatisfy { (0x30...0x39).contains($0) }
    return isCode || word.contains("-") && (CheckList.named(word) != nil || DiagnosticCatalogue.explanation(word) != nil)
  }

  /// Separates the suppressed diagnostics and reports suppressions that suppress nothing.
  func apply(to diagnostics: [Diagnostic], _ checks: [any Check.Type]) -> (kept: [Diagnostic], suppressed: [SuppressedDiagnostic]) {
    guard !entries.isEmpty else { return (diagnostics, []) }
    var kept = diagnostics
    var suppressed: [SuppressedDiagnostic] = []
    for entry in entries {
      for (name, range) in entry.names {
        let before = kept.count
        kept.removeAll { diagnostic in
          guard Self.covers(name, entry.target, diagnostic) else { return false }
          suppressed.append(SuppressedDiagnostic(diagnostic, .inSource, justification: entry.reason))
          return true
        }
        guard kept.count == before, checks.contains(where: { $0 == UnusedSuppressionCheck.self }) else { continue }
        kept.append(UnusedSuppressionCheck.finding(name, at: range, checks))
      }
    }
    return (kept, suppressed)
  }

  private static func covers(_ name: String, _ target: SourceRange?, _ diagnostic: Diagnostic) -> Bool {
    guard diagnostic.severity != .error, diagnostic.code == name || diagnostic.id == name else { return false }
    return target.map { $0.range.contains(diagnostic.range.range.lowerBound) } ?? true
  }
}
