import Diagnostics
import Documents
import Linter
import Netfilter
import Syntax
import XTables

/// What the word under the cursor means.
extension LanguageSession {
  func hover(_ request: RequestPlace) -> JSONValue {
    let outline = request.line.outline
    switch outline.kind {
    case .blank, .comment, .commit: return .null
    case .table: return hoverTable(request)
    case .chain, .command: break
    }
    let words = LineOutline.words(request.line.bytes)
    if let chain = request.document.text.chain(at: request.place) {
      return page(chainText(chain, in: request.document), chain.mention.range, request)
    }
    if let counters = outline.counters, let range = countersRange(request.line.bytes), range.contains(request.place.byte) {
      return page("this rule counted \(counters.packets) packets, \(counters.bytes) bytes", range, request)
    }
    guard
      let index = words.firstIndex(where: { $0.range.range.contains(request.place.byte) || $0.range.range.upperBound == request.place.byte }
      )
    else { return .null }
    let range = words[index].range.range
    return meaning(of: words, at: index, request).map { page($0, range, request) } ?? .null
  }

  private func page(_ text: String, _ bytes: Range<Int>, _ request: RequestPlace) -> JSONValue {
    // Plain text: names of chains are the ruleset's, and could be Markdown.
    [
      "contents": ["kind": "plaintext", "value": .string(Escaping.lines(text))],
      "range": range(bytes, line: request.place.line, in: request.document.text),
    ]
  }

  private func hoverTable(_ request: RequestPlace) -> JSONValue {
    guard let name = request.line.outline.table.flatMap({ TableName(rawValue: $0) }) else { return .null }
    let hooks = name.hooks.map(\.name).joined(separator: ", ")
    return page("table \(name.rawValue): its chains are at \(hooks)", 0..<request.line.bytes.count, request)
  }

  private func chainText(_ chain: ChainPlace, in document: OpenDocument) -> String {
    let count = ChainCount.all(in: document.text)[chain.table]?[chain.mention.name] ?? ChainCount()
    let isBuiltin = chain.table.hooks.contains { $0.name == chain.mention.name }
    return "chain \(chain.mention.name) of table \(chain.table.rawValue)\(isBuiltin ? " (built-in)" : "")\n\(count.sentence)"
  }

  /// The bytes of `[packets:bytes]` before a rule.
  private func countersRange(_ line: [UInt8]) -> Range<Int>? {
    guard line.first == UInt8(ascii: "["), let close = line.firstIndex(of: UInt8(ascii: "]")) else { return nil }
    return 0..<close + 1
  }

  private func meaning(of words: [Token], at index: Int, _ request: RequestPlace) -> String? {
    let word = words[index]
    if word == "!" { return "the next option matches the packets that it would not match without !" }
    let line = LineExtensions(request.line, upTo: word.range.range.upperBound, request.document.registry, request.document.family)
    if word.starts(with: "-") {
      if let found = line.option(named: word.string) { return Self.text(of: found.option, found.owner) }
      if let option = GeneralOption.named(word.string) {
        return "\(option.names.joined(separator: ", ")) \(option.argument)\n\(option.summary)"
      }
      return nil
    }
    guard index > 0 else { return nil }
    let option = words[index - 1].string
    switch option {
    case "-m", "--match", "-p", "--protocol":
      return request.document.registry.declared(.match, named: word.bytes, request.document.family).map { ExtensionExplanation($0).text }
    case "-j", "--jump":
      if let verdict = VerdictExplanation.named(word.string) { return verdict.text }
      return request.document.registry.declared(.target, named: word.bytes, request.document.family).map { ExtensionExplanation($0).text }
    default:
      let before = LineExtensions(
        request.line, upTo: words[index - 1].range.range.upperBound, request.document.registry, request.document.family)
      return before.option(named: option).map { Self.text(of: $0.option, $0.owner) }
        ?? GeneralOption.named(option).map { "\($0.names.joined(separator: ", ")) \($0.argument)\n\($0.summary)" }
    }
  }

  static func text(of option: OptionDescriptor, _ owner: ExtensionDescriptor) -> String {
    let names = ([option.name] + option.aliases).joined(separator: ", ")
    var lines = ["\(option.isInvertible ? "[!] " : "")\(names) \(option.placeholder)".trimmed]
    if !option.summary.isEmpty { lines.append(option.summary) }
    if option.isMandatory { lines.append("this option is mandatory") }
    if !option.excludes.isEmpty { lines.append("not together with \(option.excludes.joined(separator: ", "))") }
    if !option.requires.isEmpty { lines.append("needs \(option.requires.joined(separator: ", "))") }
    lines.append("\(owner.kind == .match ? "-m" : "-j") \(owner.name): \(owner.summary)")
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// The text without blanks at its end.
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
