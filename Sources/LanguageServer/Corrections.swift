import Diagnostics
import Documents
import Linter
import Syntax
import XTables

/// Formatting, and fixes of findings.
extension LanguageSession {
  /// The greatest number of rules of a document whose fixes are proved when they are asked for: the proof takes time by the number of rules.
  static let mostProvedRules = 2000
  /// The greatest number of findings for which one request gets fixes.
  static let mostActions = 16

  func formatting(_ document: OpenDocument) throws(RequestFailure) -> JSONValue {
    let file = SourceFile(name: OpenDocument.path(of: document.uri), bytes: document.text.bytes)
    let parsed = document.rules.parser.parse(file, existing: document.rules.existing)
    guard !parsed.hasErrors else { throw .failed("the ruleset has errors; it is not formatted") }
    guard !parsed.ruleset.tables.isEmpty else { return [] }
    let formatter = RulesetFormatter(parser: document.rules.parser, formatter: Formatter(names: document.rules.parser.names))
    do {
      return .array(edits(making: try formatter.format(parsed).bytes, of: document))
    } catch {
      throw .failed("\(error.message); the document is unchanged")
    }
  }

  /// The fixes of the findings in a range, a comment that suppresses each, and on request all proved fixes at once.
  func actions(_ document: OpenDocument, _ parameters: JSONValue) -> JSONValue {
    guard let checked = document.checked, checked.revision == document.revision,
      let start = place(parameters["range"]?["start"], in: document.text),
      let end = place(parameters["range"]?["end"], in: document.text)
    else { return [] }
    let kinds = parameters["context"]?["only"]?.elements?.compactMap(\.text)
    func wants(_ kind: String) -> Bool { kinds.map { $0.contains { kind == $0 || kind.hasPrefix($0 + ".") } } ?? (kind == "quickfix") }
    var actions: [JSONValue] = []
    if wants("source.fixAll") { actions += fixAll(document, checked) }
    guard wants("quickfix") else { return .array(actions) }
    let ruleCount = checked.parsed.ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
    let fixer = ruleCount <= Self.mostProvedRules ? fixer(document) : nil
    let offsets = document.text.offsets
    let nearby = checked.findings.filter { finding in
      let places = offsets.places(of: finding.range)
      return places.start.line <= end.line && places.end.line >= start.line
    }
    for finding in nearby.prefix(Self.mostActions) {
      actions += finding.fixIts.map { fix(finding, $0, isProved: fixer?.isProved(finding, in: checked.parsed) == true, document, offsets) }
      actions += suppression(finding, document, offsets)
    }
    return .array(actions)
  }

  private func fixer(_ document: OpenDocument) -> RulesetFixer {
    RulesetFixer(parser: document.rules.parser, linter: document.rules.linter, existing: document.rules.existing)
  }

  private func fix(_ finding: Diagnostic, _ fix: Diagnostic.FixIt, isProved: Bool, _ document: OpenDocument, _ offsets: LineOffsets)
    -> JSONValue
  {
    let change: JSONValue = [
      "range": range(fix.range, offsets, in: document), "newText": .string(String(decoding: fix.replacement, as: UTF8.self)),
    ]
    let title = "\(finding.code ?? finding.id): \(fix.message)" + (isProved ? "" : " (not proved to change nothing)")
    return [
      "title": .string(Escaping.line(title)), "kind": "quickfix", "isPreferred": .bool(isProved), "edit": edit(document, [change]),
    ]
  }

  /// The comment line before the finding; errors cannot be suppressed.
  private func suppression(_ finding: Diagnostic, _ document: OpenDocument, _ offsets: LineOffsets) -> [JSONValue] {
    guard let code = finding.code, finding.severity != .error else { return [] }
    let line = offsets.places(of: finding.range).start.line
    let change: JSONValue = ["range": range(0..<0, line: line, in: document.text), "newText": .string("# ferrule:ignore \(code)\n")]
    return [["title": .string("Ignore \(code) here"), "kind": "quickfix", "edit": edit(document, [change])]]
  }

  private func fixAll(_ document: OpenDocument, _ checked: DocumentCheck.Result) -> [JSONValue] {
    let result = fixer(document).fix(checked.parsed.file)
    guard result.fixCount > 0 else { return [] }
    return [
      [
        "title": .string("Apply \(result.fixCount) proved fix\(result.fixCount == 1 ? "" : "es")"), "kind": "source.fixAll",
        "edit": edit(document, edits(making: result.file.bytes, of: document)),
      ]
    ]
  }
}
