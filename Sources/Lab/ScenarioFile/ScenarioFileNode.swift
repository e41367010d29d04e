public import Diagnostics
internal import Yams

/// Why a scenario file cannot be used, and where in it.
public struct ScenarioFileError: Error, Sendable {
  public let message: String
  public let range: SourceRange
  /// What could be written instead.
  public let hint: String?

  public init(_ message: String, at range: SourceRange, hint: String? = nil) {
    self.message = message
    self.range = range
    self.hint = hint
  }

  public var diagnostic: Diagnostic {
    Diagnostic("bad-scenario", .error, message, at: range, notes: hint.map { [Diagnostic.Note($0)] } ?? [])
  }
}

/// A YAML document being read.
final class FileDocument {
  let file: SourceFile
  /// How many values may still be looked at. Aliases let a short text stand for a value of any size.
  private var budget = 2_000_000

  init(_ file: SourceFile) { self.file = file }

  func root() throws(ScenarioFileError) -> FileNode {
    let node: Node?
    do {
      node = try Yams.compose(yaml: String(decoding: file.bytes, as: UTF8.self))
    } catch let error as YamlError {
      throw describe(error)
    } catch {
      throw ScenarioFileError("this is no YAML: \(error)", at: SourceRange(0..<0))
    }
    guard let node else { throw ScenarioFileError("the file is empty", at: SourceRange(0..<0)) }
    return FileNode(node: node, document: self)
  }

  private func describe(_ error: YamlError) -> ScenarioFileError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      ScenarioFileError("this is no YAML: \(problem)", at: range(mark, length: 1))
    case .duplicatedKeysInMapping(let duplicates, let context):
      ScenarioFileError("`\(duplicates.first.map { "\($0)" } ?? "a member")' stands twice", at: range(context.mark, length: 1))
    default: ScenarioFileError("this is no YAML: \(error)", at: SourceRange(0..<0))
    }
  }

  func spend(_ count: Int, _ place: SourceRange) throws(ScenarioFileError) {
    budget -= min(count, budget)
    if budget == 0 { throw ScenarioFileError("the file holds too much", at: place) }
  }

  /// Columns are counted in Unicode scalars by YAML, in bytes here.
  func range(_ mark: Mark, length: Int) -> SourceRange {
    let line = file.line(mark.line)
    var offset = line.startIndex
    var left = mark.column - 1
    while left > 0, offset < line.endIndex {
      offset += 1
      while offset < line.endIndex, line[offset] & 0xC0 == 0x80 { offset += 1 }
      left -= 1
    }
    return SourceRange(offset..<min(max(offset, line.endIndex), offset + length))
  }
}

/// A value of a scenario file, with its place. Every reading function throws where the value is of the wrong kind.
struct FileNode {
  let node: Node
  let document: FileDocument

  var range: SourceRange {
    guard let mark = node.mark else { return SourceRange(0..<0) }
    if case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any {
      return document.range(mark, length: max(scalar.string.utf8.count, 1))
    }
    if case .scalar = node { return document.range(mark, length: .max / 2) }
    return document.range(mark, length: 1)
  }

  /// The offset at which the characters of a text on one line begin.
  var textStart: Int {
    var start = Int(range.lowerBound)
    if case .scalar(let scalar) = node, scalar.style == .singleQuoted || scalar.style == .doubleQuoted { start += 1 }
    return start
  }

  /// The one-based line of the value.
  var line: Int { node.mark?.line ?? 1 }

  /// A text in a block of its own (`|`), whose first line is the next one.
  var isBlock: Bool {
    if case .scalar(let scalar) = node { scalar.style == .literal || scalar.style == .folded } else { false }
  }

  func error(_ message: String, hint: String? = nil) -> ScenarioFileError { ScenarioFileError(message, at: range, hint: hint) }

  var kind: String {
    switch node {
    case .scalar(let scalar): isNull ? "nothing" : scalar.style == .plain ? "`\(scalar.string.prefix(40))'" : "a text"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  var isNull: Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
    return scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null"
  }

  var isText: Bool { node.scalar != nil }
  var isList: Bool { node.sequence != nil }
  var isMapping: Bool { node.mapping != nil }

  func text() throws(ScenarioFileError) -> String {
    guard case .scalar(let scalar) = node, !isNull else { throw error("expected a text, found \(kind)") }
    return scalar.string
  }

  /// Decimal, or hexadecimal after `0x`.
  func integer<N: FixedWidthInteger>(_ type: N.Type = N.self) throws(ScenarioFileError) -> N {
    let text = isText ? try text() : ""
    let number = text.hasPrefix("0x") ? N(text.dropFirst(2), radix: 16) : N(text)
    guard let number else { throw error("expected a number from \(N.min) to \(N.max), found \(kind)") }
    return number
  }

  func seconds() throws(ScenarioFileError) -> Double {
    guard isText, let seconds = Double(try text()), seconds >= 0, seconds < 1e10 else {
      throw error("expected a number of seconds, found \(kind)")
    }
    return seconds
  }

  func bool() throws(ScenarioFileError) -> Bool {
    switch isText ? try text() : "" {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default: throw error("expected true or false, found \(kind)")
    }
  }

  func list() throws(ScenarioFileError) -> [FileNode] {
    guard case .sequence(let sequence) = node else { throw error("expected a list, found \(kind)") }
    try document.spend(sequence.count, range)
    return sequence.map { FileNode(node: $0, document: document) }
  }

  /// One value, or a list of them.
  func oneOrMore() throws(ScenarioFileError) -> [FileNode] { isList ? try list() : [self] }

  func texts() throws(ScenarioFileError) -> [String] {
    var texts: [String] = []
    for element in try oneOrMore() { texts.append(try element.text()) }
    return texts
  }

  /// The members of a mapping in their order.
  func members() throws(ScenarioFileError) -> [(name: String, key: FileNode, value: FileNode)] {
    guard case .mapping(let mapping) = node else { throw error("expected a mapping, found \(kind)") }
    try document.spend(mapping.count, range)
    var members: [(String, FileNode, FileNode)] = []
    for pair in mapping {
      let key = FileNode(node: pair.key, document: document)
      members.append((try key.text(), key, FileNode(node: pair.value, document: document)))
    }
    return members
  }

  /// The mappings of one member each that together are this one.
  func singles() throws(ScenarioFileError) -> [(name: String, mapping: FileNode, value: FileNode)] {
    guard case .mapping(let mapping) = node else { throw error("expected a mapping, found \(kind)") }
    try document.spend(mapping.count, range)
    var singles: [(String, FileNode, FileNode)] = []
    for pair in mapping {
      let single = Node.mapping(Node.Mapping([pair], mapping.tag, mapping.style, mapping.mark))
      let key = FileNode(node: pair.key, document: document)
      singles.append((try key.text(), FileNode(node: single, document: document), FileNode(node: pair.value, document: document)))
    }
    return singles
  }

  /// The value as the lab's protocol has it; plain words that look like numbers are numbers.
  func json() throws(ScenarioFileError) -> JSONValue {
    switch node {
    case .scalar(let scalar):
      guard scalar.style == .plain else { return .string(scalar.string) }
      if isNull { return .null }
      if scalar.string == "true" || scalar.string == "false" { return .bool(scalar.string == "true") }
      if let number = Int(scalar.string) { return .integer(number) }
      if scalar.string.hasPrefix("0x"), let number = Int(scalar.string.dropFirst(2), radix: 16) { return .integer(number) }
      if scalar.string.contains("."), let number = Double(scalar.string), number.isFinite { return .number(number) }
      return .string(scalar.string)
    case .sequence:
      var elements: [JSONValue] = []
      for element in try list() { elements.append(try element.json()) }
      return .array(elements)
    case .mapping:
      var object = JSONObject()
      for member in try members() { object.members.append(JSONObject.Member(member.name, try member.value.json())) }
      return .object(object)
    case .alias: throw error("an alias without what it stands for")
    }
  }
}

/// A mapping whose members are known by name.
struct FileObject {
  let node: FileNode
  private let members: [String: FileNode]
  private let keys: [(name: String, key: FileNode)]

  /// - Parameter shape: members it does not have are refused, so that a misspelt one is not passed over in silence.
  init(_ node: FileNode, _ shape: FileShape) throws(ScenarioFileError) {
    self.node = node
    var members: [String: FileNode] = [:]
    var keys: [(String, FileNode)] = []
    for member in try node.members() {
      guard shape.members.contains(where: { $0.name == member.name }) else {
        let near = Spelling.nearest(to: member.name, in: shape.members.map(\.name))
        throw member.key.error(
          "\(shape.title) has no `\(member.name)'",
          hint: near.map { "did you mean \($0)?" } ?? "it has " + shape.members.map(\.name).joined(separator: ", "))
      }
      keys.append((member.name, member.key))
      if !member.value.isNull { members[member.name] = member.value }
    }
    self.members = members
    self.keys = keys
  }

  subscript(name: String) -> FileNode? { members[name] }

  /// The members that are there, in their order.
  var names: [String] { keys.map(\.name) }

  func key(_ name: String) -> FileNode { keys.first { $0.name == name }?.key ?? node }
}
