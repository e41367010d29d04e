import Diagnostics
internal import Yams

/// Composes values from YAML text. JSON is a subset of YAML.
///
/// Aliases are resolved here instead of by Yams. Yams compares mapping keys by their whole content, which takes exponential time for nested
/// aliases. Every `*` is therefore replaced by a character that does not occur in the text. A plain scalar that begins with that character
/// is an alias, because no other plain scalar can begin with `*`.
struct DocumentComposer {
  private let document: FileDocument
  /// The replacement for `*`; nil if the text contains no alias.
  private let substitute: Unicode.Scalar?
  private var anchors: [String: DocumentValue] = [:]

  init(_ document: FileDocument) throws(ScenarioFileError) {
    self.document = document
    let bytes = document.file.bytes
    guard bytes.contains(UInt8(ascii: "*")), bytes.contains(UInt8(ascii: "&")) else {
      substitute = nil
      return
    }
    let used = Set(String(decoding: bytes, as: UTF8.self).unicodeScalars.lazy.filter { DocumentComposer.privateUse.contains($0.value) })
    guard let free = DocumentComposer.privateUse.lazy.compactMap({ Unicode.Scalar($0) }).first(where: { !used.contains($0) }) else {
      throw ScenarioFileError("the text contains every character of the private use area; remove one of them", at: SourceRange(0..<0))
    }
    substitute = free
  }

  private static let privateUse: ClosedRange<UInt32> = 0xE000...0xF8FF

  /// The value of the only document; nil for an empty text.
  mutating func compose() throws(ScenarioFileError) -> DocumentValue? {
    do {
      let parser = try Parser(yaml: text())
      // Nodes refer to their anchors only while the parser exists.
      return try withExtendedLifetime(parser) { try parser.singleRoot().map { try value($0) } }
    } catch let error as ScenarioFileError {
      throw error
    } catch let error as YamlError {
      throw describe(error)
    } catch {
      throw ScenarioFileError("the file is not valid YAML", at: SourceRange(0..<0))
    }
  }

  private func text() -> String {
    let bytes = document.file.bytes
    guard let substitute else { return String(decoding: bytes, as: UTF8.self) }
    let letters = Array(String(Character(substitute)).utf8)
    var replaced: [UInt8] = []
    replaced.reserveCapacity(bytes.count)
    for byte in bytes {
      if byte == UInt8(ascii: "*") { replaced += letters } else { replaced.append(byte) }
    }
    return String(decoding: replaced, as: UTF8.self)
  }

  /// The recursion depth is bounded by libyaml's nesting limit of 1000 levels.
  private mutating func value(_ node: Node) throws(ScenarioFileError) -> DocumentValue {
    let (line, column) = node.mark.map { ($0.line, $0.column) } ?? (1, 1)
    let content: DocumentValue.Content
    let anchor: Anchor?
    switch node {
    case .scalar(let scalar):
      if let name = alias(scalar) {
        guard let value = anchors[name] else { throw error("there is no anchor `&\(name)' before this alias", line, column) }
        return value
      }
      content = .scalar(restored(scalar.string), style(scalar))
      anchor = scalar.anchor
    case .sequence(let sequence):
      var elements: [DocumentValue] = []
      elements.reserveCapacity(sequence.count)
      for element in sequence { elements.append(try value(element)) }
      content = .sequence(elements)
      anchor = sequence.anchor
    case .mapping(let mapping):
      var members: [(key: DocumentValue, value: DocumentValue)] = []
      members.reserveCapacity(mapping.count)
      for pair in mapping { members.append((try value(pair.key), try value(pair.value))) }
      content = .mapping(members)
      anchor = mapping.anchor
    case .alias: throw error("the alias has no value", line, column)
    }
    let value = DocumentValue(content, line: line, column: column)
    do throws(NestingError) {
      try NestingLimit.values.check(value.height)
    } catch {
      throw self.error("\(error)", line, column)
    }
    if let anchor { anchors[anchor.rawValue] = value }
    return value
  }

  /// The name of an alias; nil for other scalars.
  private func alias(_ scalar: Node.Scalar) -> String? {
    guard let substitute, scalar.style == .plain, scalar.string.unicodeScalars.first == substitute else { return nil }
    return String(scalar.string.unicodeScalars.dropFirst())
  }

  private func restored(_ text: String) -> String {
    guard let substitute, text.unicodeScalars.contains(substitute) else { return text }
    return text.replacing(String(Character(substitute)), with: "*")
  }

  private func style(_ scalar: Node.Scalar) -> DocumentValue.Style {
    switch scalar.style {
    case .singleQuoted: .singleQuoted
    case .doubleQuoted: .doubleQuoted
    case .literal, .folded: .block
    case .plain, .any: .plain
    }
  }

  private func error(_ message: String, _ line: Int, _ column: Int) -> ScenarioFileError {
    ScenarioFileError(message, at: document.range(line: line, column: column, length: 1))
  }

  /// The place of an offset in the text given to Yams.
  private func place(_ offset: Int) -> SourceRange {
    var place = 0
    var left = offset
    let width = substitute.map { String(Character($0)).utf8.count } ?? 1
    while left > 0, place < document.file.bytes.count {
      left -= document.file.bytes[place] == UInt8(ascii: "*") ? width : 1
      place += 1
    }
    return SourceRange(place..<place)
  }

  /// A message for libyaml's error. libyaml's own messages do not quote the text.
  private func describe(_ error: YamlError) -> ScenarioFileError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      self.error("the file is not valid YAML: \(problem)", mark.line, mark.column)
    case .reader(let problem, let offset, _, _):
      ScenarioFileError("the file is not valid YAML: \(problem)", at: place(offset ?? 0))
    case .duplicatedKeysInMapping(let duplicates, let context):
      self.error("`\(restored(duplicates.first ?? "a member").prefix(200))' appears twice", context.mark.line, context.mark.column)
    default: ScenarioFileError("the file is not valid YAML", at: SourceRange(0..<0))
    }
  }
}
