public import Diagnostics

/// An error in a scenario file, a snapshot or a host description, with its place.
public struct ScenarioFileError: Error, Sendable {
  /// What is wrong.
  public let message: String
  /// Where it is wrong, as bytes of the file.
  public let range: SourceRange
  /// A suggestion for a correct form.
  public let hint: String?
  /// True if the file is of the wrong kind. Its text must not be shown then, because the user may not be meant to read it.
  public let hidesText: Bool

  /// Creates an error at a place of the file.
  public init(_ message: String, at range: SourceRange, hint: String? = nil, hidesText: Bool = false) {
    self.message = message
    self.range = range
    self.hint = hint
    self.hidesText = hidesText
  }

  /// The file as diagnostics may show it: without text if ``hidesText`` is set.
  public func shown(_ file: SourceFile) -> SourceFile { hidesText ? file.withoutText : file }

  /// The error as a diagnostic with the code `bad-scenario`.
  public var diagnostic: Diagnostic {
    Diagnostic("bad-scenario", .error, message, at: range, notes: hint.map { [Diagnostic.Note($0)] } ?? [])
  }
}

/// A value of a document with its place. Reading functions throw if the value has the wrong kind.
package struct FileNode {
  package let value: DocumentValue
  package let document: FileDocument

  package init(value: DocumentValue, document: FileDocument) {
    self.value = value
    self.document = document
  }

  package var range: SourceRange {
    let length =
      switch value.content {
      case .scalar(let text, .plain): max(text.utf8.count, 1)
      case .scalar: Int.max / 2
      case .sequence, .mapping: 1
      }
    return document.range(line: value.line, column: value.column, length: length)
  }

  /// The byte offset where the characters of a one-line text begin.
  package var textStart: Int {
    var start = Int(range.lowerBound)
    if case .scalar(_, let style) = value.content, style == .singleQuoted || style == .doubleQuoted { start += 1 }
    return start
  }

  /// The line of the value, from 1.
  package var line: Int { value.line }

  /// True for a block scalar (`|`), whose text begins on the next line.
  package var isBlock: Bool {
    if case .scalar(_, .block) = value.content { true } else { false }
  }

  /// True if the text's bytes stand in the file as they are, from ``textStart`` on, so that a place in the text is one in the file: no line
  /// is folded, no escape decoded, no byte repaired.
  package var isVerbatim: Bool {
    guard case .scalar(let text, let style) = value.content, style != .block else { return false }
    let start = textStart
    return start <= document.file.bytes.count && document.file.bytes[start...].starts(with: text.utf8)
  }

  /// True for text with more than one line. Members that accept a file name treat such text as the content itself.
  package var isInlineText: Bool {
    guard case .scalar(let text, let style) = value.content else { return false }
    return style == .block || text.utf8.contains(UInt8(ascii: "\n"))
  }

  package func error(_ message: String, hint: String? = nil) -> ScenarioFileError { ScenarioFileError(message, at: range, hint: hint) }

  package var kind: String {
    switch value.content {
    case .scalar(let text, .plain): isNull ? "nothing" : "`\(text.prefix(40))'"
    case .scalar: "a text"
    case .mapping: "a mapping"
    case .sequence: "a list"
    }
  }

  package var isNull: Bool {
    guard case .scalar(let text, .plain) = value.content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  package var isText: Bool { if case .scalar = value.content { true } else { false } }
  package var isList: Bool { if case .sequence = value.content { true } else { false } }
  package var isMapping: Bool { if case .mapping = value.content { true } else { false } }

  package func text() throws(ScenarioFileError) -> String {
    guard case .scalar(let text, _) = value.content, !isNull else { throw error("expected a text, found \(kind)") }
    return text
  }

  /// A decimal number, or a hexadecimal one after `0x`.
  package func integer<N: FixedWidthInteger>(_ type: N.Type = N.self) throws(ScenarioFileError) -> N {
    let text = isText ? try text() : ""
    let number = text.hasPrefix("0x") ? N(text.dropFirst(2), radix: 16) : N(text)
    guard let number else { throw error("expected a number from \(N.min) to \(N.max), found \(kind)") }
    return number
  }

  /// The upper limit for seconds; the value in nanoseconds fits in 64 bits.
  package static let mostSeconds = 1e10

  package func seconds() throws(ScenarioFileError) -> Double {
    guard isText, let seconds = Double(try text()), seconds >= 0, seconds < FileNode.mostSeconds else {
      throw error("expected a number of seconds, found \(kind)")
    }
    return seconds
  }

  package func bool() throws(ScenarioFileError) -> Bool {
    switch isText ? try text() : "" {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default: throw error("expected true or false, found \(kind)")
    }
  }

  package func list() throws(ScenarioFileError) -> [FileNode] {
    guard case .sequence(let elements) = value.content else { throw error("expected a list, found \(kind)") }
    try document.spend(elements.count, range)
    return elements.map { FileNode(value: $0, document: document) }
  }

  /// The elements of a list, or the value itself.
  package func oneOrMore() throws(ScenarioFileError) -> [FileNode] { isList ? try list() : [self] }

  package func texts() throws(ScenarioFileError) -> [String] {
    var texts: [String] = []
    for element in try oneOrMore() { texts.append(try element.text()) }
    return texts
  }

  /// The members of a mapping in order; keys must be text.
  package func members() throws(ScenarioFileError) -> [(name: String, key: FileNode, value: FileNode)] {
    guard case .mapping(let pairs) = value.content else { throw error("expected a mapping, found \(kind)") }
    try document.spend(pairs.count, range)
    var members: [(String, FileNode, FileNode)] = []
    members.reserveCapacity(pairs.count)
    var names: Set<String> = []
    for pair in pairs {
      let key = FileNode(value: pair.key, document: document)
      guard case .scalar(let name, _) = pair.key.content, !key.isNull else {
        throw key.error("expected a name before the colon, found \(key.kind)")
      }
      guard names.insert(name).inserted else { throw key.error("`\(name)' appears twice") }
      members.append((name, key, FileNode(value: pair.value, document: document)))
    }
    return members
  }

  /// The members of a mapping, each as a mapping of its own.
  package func singles() throws(ScenarioFileError) -> [(name: String, mapping: FileNode, value: FileNode)] {
    try members().map { member in
      let single = DocumentValue(.mapping([(member.key.value, member.value.value)]), line: value.line, column: value.column)
      return (member.name, FileNode(value: single, document: document), member.value)
    }
  }

  /// The value in the form of the lab's protocol; plain scalars that look like numbers become numbers.
  package func json() throws(ScenarioFileError) -> JSONValue {
    switch value.content {
    case .scalar(let text, .plain):
      if isNull { return .null }
      if text == "true" || text == "false" { return .bool(text == "true") }
      if let number = Int(text) { return .integer(number) }
      if text.hasPrefix("0x"), let number = Int(text.dropFirst(2), radix: 16) { return .integer(number) }
      if text.contains("."), let number = Double(text), number.isFinite { return .number(number) }
      return .string(text)
    case .scalar(let text, _): return .string(text)
    case .sequence:
      var elements: [JSONValue] = []
      for element in try list() { elements.append(try element.json()) }
      return .array(elements)
    case .mapping:
      var object = JSONObject()
      for member in try members() { object.members.append(JSONObject.Member(member.name, try member.value.json())) }
      return .object(object)
    }
  }
}

/// A mapping with known member names.
package struct FileObject {
  package let node: FileNode
  private let members: [String: FileNode]
  private let keys: [(name: String, key: FileNode)]

  /// - Parameter shape: the members that are allowed; any other is an error, so that misspelt names are reported.
  package init(_ node: FileNode, _ shape: FileShape) throws(ScenarioFileError) {
    self.node = node
    var members: [String: FileNode] = [:]
    var keys: [(String, FileNode)] = []
    for member in try node.members() {
      guard shape.members.contains(where: { $0.name == member.name }) else {
        let near = Spelling.nearest(to: member.name, in: shape.members.map(\.name))
        throw member.key.error(
          "\(shape.title) has no member `\(member.name)'",
          hint: near.map { "did you mean \($0)?" } ?? "its members are " + shape.members.map(\.name).joined(separator: ", "))
      }
      keys.append((member.name, member.key))
      if !member.value.isNull { members[member.name] = member.value }
    }
    self.members = members
    self.keys = keys
  }

  package subscript(name: String) -> FileNode? { members[name] }

  /// The names of the present members, in order.
  package var names: [String] { keys.map(\.name) }

  package func key(_ name: String) -> FileNode { keys.first { $0.name == name }?.key ?? node }
}
