import Documents
import Netfilter
import Syntax
import Wire
import XTables

/// What can be written at a place. The client filters by what is typed already.
extension LanguageSession {
  /// The kinds of the protocol's `CompletionItemKind` that are used.
  private enum Kind: Int {
    case function = 3
    case property = 10
    case value = 12
    case keyword = 14
    case reference = 18
    case constant = 21
  }

  private struct Item {
    let label: String
    let kind: Kind
    var detail = ""
  }

  func completion(_ request: RequestPlace) -> JSONValue {
    let line = request.line.bytes
    // The word that is being typed.
    let start = line[..<request.place.byte].lastIndex { $0 == 0x20 || $0 == 0x09 }.map { $0 + 1 } ?? 0
    let replaced = range(start..<request.place.byte, line: request.place.line, in: request.document.text)
    let items = items(request, wordStart: start)
    return [
      "isIncomplete": .bool(false),
      "items": .array(
        items.map { item in
          var members: JSONObject = [
            "label": .string(item.label), "kind": .integer(item.kind.rawValue),
            "textEdit": ["range": replaced, "newText": .string(item.label)],
          ]
          if !item.detail.isEmpty { members["detail"] = .string(item.detail) }
          return .object(members)
        }),
    ]
  }

  private func items(_ request: RequestPlace, wordStart: Int) -> [Item] {
    let text = request.document.text
    let line = request.line
    guard line.outline.kind != .comment else { return [] }
    guard let table = text.table(at: request.place.line), line.outline.kind != .table else {
      return wordStart == 0 ? TableName.allCases.map { Item(label: "*" + $0.rawValue, kind: .keyword, detail: "table") } : []
    }
    if line.outline.kind == .chain {
      if wordStart > 0 {
        return [Item(label: "ACCEPT", kind: .constant), Item(label: "DROP", kind: .constant), Item(label: "-", kind: .constant)]
      }
      return table.hooks.map { Item(label: ":" + $0.name, kind: .function, detail: "built-in chain") }
    }
    if wordStart == 0 {
      return GeneralOption.commands.map { Item(label: $0.names[0], kind: .keyword, detail: $0.summary) }
        + [Item(label: "COMMIT", kind: .keyword, detail: "ends the table")]
    }
    let typed = LineExtensions(line, upTo: wordStart, request.document.registry, request.document.family)
    return values(typed, request, table) ?? options(typed, line, request.document)
  }

  /// The values of the option before the cursor; nil if there is none that has values.
  private func values(_ typed: LineExtensions, _ request: RequestPlace, _ table: TableName) -> [Item]? {
    guard let last = typed.words.last else { return nil }
    let document = request.document
    switch last.string {
    case "-A", "-I", "-D", "-R", "-C", "-F", "-Z", "-X", "-P", "-E", "--append", "--insert", "--delete", "--replace", "--policy":
      return chains(document, table)
    case "-m", "--match":
      return descriptors(.match, document, table).map { Item(label: $0.name, kind: .reference, detail: $0.summary) }
    case "-j", "--jump":
      return chains(document, table, isTarget: true)
        + StandardVerdict.allCases.map { Item(label: $0.rawValue, kind: .constant, detail: "verdict") }
        + descriptors(.target, document, table).map { Item(label: $0.name, kind: .reference, detail: $0.summary) }
    case "-g", "--goto": return chains(document, table, isTarget: true)
    case "-p", "--protocol":
      return BuiltinProtocol.names.map { Item(label: $0.name, kind: .value, detail: "protocol \($0.number)") }
    case "-i", "-o", "--in-interface", "--out-interface":
      let used = words(after: ["-i", "-o", "--in-interface", "--out-interface"], in: document)
      return used.map { Item(label: $0, kind: .value, detail: "interface in this file") }
        + others(document.rules.machine.interfaces, than: used, "interface of the host")
    default:
      guard let pending = typed.pendingOption else { return nil }
      let used = words(after: Set([pending.option.name] + pending.option.aliases), in: document)
      let known = pending.option.samples.filter {
        $0.utf8.first.map { (65...122).contains($0) } == true && !$0.contains(" ") && !used.contains($0)
      }
      let sets = pending.option.content == .set ? document.rules.machine.sets : []
      return used.map { Item(label: $0, kind: .value, detail: "in this file") }
        + others(sets, than: used, "set of the host")
        + known.map { Item(label: $0, kind: .value, detail: pending.option.placeholder) }
    }
  }

  private func others(_ names: [String], than used: [String], _ detail: String) -> [Item] {
    names.filter { !used.contains($0) }.map { Item(label: $0, kind: .value, detail: detail) }
  }

  private func chains(_ document: OpenDocument, _ table: TableName, isTarget: Bool = false) -> [Item] {
    let builtin = Set(table.hooks.map(\.name))
    return document.text.chains(in: table).filter { !isTarget || !builtin.contains($0) }.map {
      Item(label: $0, kind: .function, detail: builtin.contains($0) ? "built-in chain" : "chain")
    }
  }

  /// The extensions that a table allows.
  private func descriptors(_ kind: ExtensionDescriptor.Kind, _ document: OpenDocument, _ table: TableName) -> [ExtensionDescriptor] {
    document.registry.names(kind, document.family).compactMap {
      document.registry.declared(kind, named: ArraySlice($0.utf8), document.family)
    }
    .filter { $0.scope(document.family).tables.map { $0.contains(table) } ?? true }
  }

  /// The options that the line may have yet.
  private func options(_ typed: LineExtensions, _ line: DocumentLine, _ document: OpenDocument) -> [Item] {
    let whole = LineExtensions(line, document.registry, document.family)
    let given = Set(whole.words.map(\.string))
    // A target stands behind the cursor if the rule is edited in its middle.
    var uses = typed.uses
    for use in whole.uses where use.kind == .target && !uses.contains(where: { $0 === use }) { uses.append(use) }
    let own = uses.flatMap { use in
      use.options.filter { $0.isRepeatable || given.isDisjoint(with: [$0.name] + $0.aliases) }
        .filter { given.isDisjoint(with: $0.excludes) }
        .map { Item(label: $0.name, kind: .property, detail: $0.summary.isEmpty ? $0.placeholder : $0.summary) }
    }
    let general = GeneralOption.all.filter { option in option.names.contains("-m") || given.isDisjoint(with: option.names) }
      .map { Item(label: $0.names[0], kind: .keyword, detail: $0.summary) }
    return own + general + [Item(label: "!", kind: .keyword, detail: "inverts the next option")]
  }

  /// The words that follow these options anywhere in the document, each once, at most 100 of the first lines.
  private func words(after options: Set<String>, in document: OpenDocument) -> [String] {
    var found: [String] = []
    for line in document.text.lines.prefix(Self.mostScannedLines) where line.outline.kind == .command && found.count < 100 {
      let words = LineOutline.words(line.bytes)
      for (word, value) in zip(words, words.dropFirst()) where options.contains(word.string) && !value.starts(with: "-") {
        if !found.contains(value.string) { found.append(value.string) }
      }
    }
    return found
  }

  /// The lines that are searched for values of an option: a keystroke must be answered at once.
  static let mostScannedLines = 5000
}
