package import Wire
package import XTables

/// The requests that `ferrule-xtables` takes; their fields are described in its `main.c`.
struct XtablesRequest {
  private(set) var bytes: [UInt8]

  private init(_ letter: Unicode.Scalar) { bytes = [UInt8(ascii: letter)] }

  static func load(_ kind: ExtensionDescriptor.Kind, named name: String, revision: UInt8?) -> XtablesRequest {
    var request = XtablesRequest("n")
    request.put(kind == .target)
    request.put(Array(name.utf8))
    request.put(revision.map(UInt32.init) ?? .max)
    return request
  }

  /// - Parameter program: the word before the rule's words, `argv[0]`.
  static func option(_ call: ForeignOptionCall, state: [UInt8], program: String) -> XtablesRequest {
    var request = XtablesRequest("o")
    request.bytes += state.isEmpty ? Self.freshState : state
    request.put(UInt32(call.option))
    request.put(call.isInverted)
    request.put(call.argument != nil)
    if let argument = call.argument { request.put(Array(argument.bytes)) }
    request.put(UInt32(call.next + 1))
    request.put(UInt32(call.words.count + 1))
    request.put(Array(program.utf8))
    for word in call.words { request.put(Array(word.bytes)) }
    request.put(call.draft)
    return request
  }

  static func finish(state: [UInt8]) -> XtablesRequest {
    var request = XtablesRequest("f")
    request.bytes += state.isEmpty ? Self.freshState : state
    return request
  }

  static func print(_ payload: [UInt8], protocolNumber: UInt8, _ form: ForeignTextForm) -> XtablesRequest {
    var request = XtablesRequest("p")
    request.put(true)
    request.put(UInt32(0))
    request.put(payload)
    request.put([])
    request.bytes.append(form.rawValue)
    request.bytes += [protocolNumber, 0, 0]
    return request
  }

  static let help = XtablesRequest("h")

  /// A state without flags, structure or further data.
  private static let freshState = [UInt8](repeating: 0, count: 13)

  private mutating func put(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

  private mutating func put(_ word: UInt32) { bytes.appendHostWord(word) }

  private mutating func put(_ text: [UInt8]) {
    put(UInt32(text.count))
    bytes += text
  }

  private mutating func put(_ draft: RuleDraft) {
    bytes += [draft.protocolNumber, draft.protocolInverted ? 1 : 0, draft.isFragment ? 1 : 0]
  }
}

/// An answer of `ferrule-xtables`. It is not trusted, nor are the extensions it has loaded.
package enum XtablesAnswer: Sendable, Equatable {
  /// The fields of the answer; they depend on the request.
  case done([UInt8])
  case absent(reason: String)
  /// libxtables refused: the exit status that iptables would return, and the message.
  case refused(status: UInt8, String)
  /// The extension ended the process, after it wrote a text to standard error.
  case exited(status: UInt8, String)

  /// Parses an answer; nil if the bytes are not a valid one.
  package init?(_ bytes: [UInt8]) {
    var fields = XtablesFields(bytes.dropFirst())
    switch bytes.first {
    case 0: self = .done(Array(bytes.dropFirst()))
    case 1:
      guard let text = fields.text() else { return nil }
      self = .absent(reason: text)
    case 2, 3:
      guard let status = fields.byte(), let text = fields.text() else { return nil }
      self = bytes.first == 2 ? .refused(status: status, text) : .exited(status: status, text)
    default: return nil
    }
  }
}

/// Reads the fields of an answer in order. Returns nil if the answer is cut short.
package struct XtablesFields {
  private var rest: ArraySlice<UInt8>

  package init(_ bytes: some Sequence<UInt8>) { rest = ArraySlice(bytes) }

  package var isAtEnd: Bool { rest.isEmpty }

  package mutating func byte() -> UInt8? { rest.popFirst() }

  package mutating func word() -> UInt32? {
    guard rest.count >= 4 else { return nil }
    defer { rest = rest.dropFirst(4) }
    return Array(rest.prefix(4)).hostWord(UInt32.self, at: 0)
  }

  package mutating func bytes() -> [UInt8]? {
    guard let count = word(), count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(Int(count)) }
    return Array(rest.prefix(Int(count)))
  }

  package mutating func text() -> String? { bytes().map { String(decoding: $0, as: UTF8.self) } }

  /// An extension's state, to be sent back unchanged: flags, structure and further data.
  package mutating func state() -> (all: [UInt8], structure: [UInt8])? {
    guard let flags = word(), let structure = bytes(), let beside = bytes() else { return nil }
    var all: [UInt8] = [1]
    all.appendHostWord(flags)
    for part in [structure, beside] {
      all.appendHostWord(UInt32(part.count))
      all += part
    }
    return (all, structure)
  }

  /// The declaration of an extension; nil if it is invalid.
  package mutating func facts(_ kind: ExtensionDescriptor.Kind, _ family: Family) -> ForeignFacts? {
    guard let name = text(), let kernelName = text(), let revision = byte(), let size = word(), let userSize = word(),
      let count = word(), StructureBytes.canName(kind, kernelName), size <= 65_000, size % 8 == 0
    else { return nil }
    var options: [ForeignFacts.Option] = []
    for _ in 0..<count {
      guard let option = text(), let argument = byte() else { return nil }
      options.append(ForeignFacts.Option(name: option, arity: argument == 1 ? 1 : 0, mayHaveArgument: argument > 1))
    }
    return ForeignFacts(
      kind: kind, family: family, name: name, kernelName: kernelName, revision: revision, size: Int(size),
      userSize: Int(min(userSize, size)), options: options)
  }
}
