import Documents
import XTables

/// The tables and chains of a document: symbols and folds.
extension LanguageSession {
  func symbols(_ document: OpenDocument) -> JSONValue {
    let text = document.text
    let counts = ChainCount.all(in: text)
    return .array(
      text.sections.map { section in
        let head = section.lines.lowerBound
        let chains = section.lines.flatMap { line in
          text.lines[line].outline.mentions.filter { $0.role == .declares }.map { mention -> JSONValue in
            [
              "name": .string(mention.name), "kind": 12, "detail": .string(counts[section.name]?[mention.name]?.sentence ?? ""),
              "range": range(0..<text.lines[line].bytes.count, line: line, in: text),
              "selectionRange": range(mention.range, line: line, in: text),
            ]
          }
        }
        let last = section.lines.upperBound
        return [
          "name": .string("*" + section.name.rawValue), "kind": 3,
          "range": range(DocumentPlace(line: head, byte: 0), DocumentPlace(line: last, byte: text.lines[last].bytes.count), in: text),
          "selectionRange": range(0..<text.lines[head].bytes.count, line: head, in: text), "children": .array(chains),
        ]
      })
  }

  func folds(_ document: OpenDocument) -> JSONValue {
    .array(
      document.text.sections.filter { $0.lines.count > 1 }.map { section in
        ["startLine": .integer(section.lines.lowerBound), "endLine": .integer(section.lines.upperBound), "kind": "region"]
      })
  }
}
