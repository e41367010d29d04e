import Diagnostics
public import Documents

/// Why a request has no result; the codes are those of JSON-RPC 2.0 and of the Language Server Protocol.
struct RequestFailure: Error {
  let code: Int
  let message: String

  static let notInitialized = RequestFailure(code: -32002, message: "the server is not initialized")
  static func unknownMethod(_ name: String) -> RequestFailure { RequestFailure(code: -32601, message: "there is no method \(name)") }
  static func invalid(_ message: String) -> RequestFailure { RequestFailure(code: -32602, message: message) }
  /// `RequestFailed`: the request is in order, but cannot be done.
  static func failed(_ message: String) -> RequestFailure { RequestFailure(code: -32803, message: message) }
}

/// A session of the Language Server Protocol 3.17 without its streams: messages go in, messages come out, and checks that take long are
/// handed out to be run elsewhere. Nothing of it waits, so that a keystroke is answered at once.
public struct LanguageSession: Sendable {
  /// The greatest number of open documents, and of their bytes together.
  public static let mostDocuments = 256
  static let mostBytes = 4 * TextDocument.mostBytes
  /// The greatest number of findings of a document that are sent.
  static let mostFindings = 2000

  /// Finds out how a document is read, from its path and its text.
  let rules: @Sendable (_ path: String, _ text: [UInt8]) -> DocumentRules
  let version: String
  var documents: [String: OpenDocument] = [:]
  var unit = PositionUnit.utf16
  /// Whether the client can be asked to read the lenses again, and how often it was.
  private(set) var refreshesLenses = false
  var refreshes = 0
  private var isInitialized = false
  private var isShutDown = false
  /// The exit status that the protocol demands, once the client has sent `exit`.
  public private(set) var exitStatus: Int32?

  /// Creates a session.
  ///
  /// - Parameters:
  ///   - version: the version of this program.
  ///   - rules: finds out how a document is read, from its path and its text.
  public init(version: String, rules: @escaping @Sendable (_ path: String, _ text: [UInt8]) -> DocumentRules) {
    self.version = version
    self.rules = rules
  }

  /// Answers a message. A message that is no JSON-RPC request is answered by an error, and a notification by nothing.
  public mutating func answer(_ message: [UInt8]) -> [JSONValue] {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: message)
    } catch {
      return [Self.response(.null, RequestFailure(code: -32700, message: "\(error)"))]
    }
    guard case .object = value, let method = value["method"]?.text else {
      // The answer to a request of the server, which needs none.
      if value["id"] != nil, value["method"] == nil, value["result"] != nil || value["error"] != nil { return [] }
      return [Self.response(.null, RequestFailure(code: -32600, message: "this is no request"))]
    }
    let parameters = value["params"] ?? .null
    guard let id = value["id"] else { return notify(method, parameters) }
    do throws(RequestFailure) {
      guard isInitialized || method == "initialize" else { throw .notInitialized }
      guard !isShutDown else { throw RequestFailure(code: -32600, message: "the server was shut down") }
      return [["jsonrpc": "2.0", "id": id, "result": try result(of: method, parameters)]]
    } catch {
      return [Self.response(id, error)]
    }
  }

  private static func response(_ id: JSONValue, _ failure: RequestFailure) -> JSONValue {
    ["jsonrpc": "2.0", "id": id, "error": ["code": .integer(failure.code), "message": .string(Escaping.line(failure.message))]]
  }

  private mutating func result(of method: String, _ parameters: JSONValue) throws(RequestFailure) -> JSONValue {
    switch method {
    case "initialize": return initialize(parameters)
    case "shutdown":
      isShutDown = true
      return .null
    case "textDocument/completion": return completion(try place(parameters))
    case "textDocument/hover": return hover(try place(parameters))
    case "textDocument/definition": return definition(try place(parameters))
    case "textDocument/references": return references(try place(parameters), parameters)
    case "textDocument/documentHighlight": return highlights(try place(parameters))
    case "textDocument/prepareRename": return try renamed(try place(parameters))
    case "textDocument/rename": return try rename(try place(parameters), parameters)
    case "textDocument/documentSymbol": return symbols(try document(parameters))
    case "textDocument/foldingRange": return folds(try document(parameters))
    case "textDocument/codeLens": return lenses(try document(parameters))
    case "textDocument/codeAction": return actions(try document(parameters), parameters)
    case "textDocument/formatting": return try formatting(try document(parameters))
    default: throw .unknownMethod(method)
    }
  }

  private mutating func initialize(_ parameters: JSONValue) -> JSONValue {
    isInitialized = true
    let offered = parameters["capabilities"]?["general"]?["positionEncodings"]?.elements?.compactMap(\.text) ?? []
    refreshesLenses = parameters["capabilities"]?["workspace"]?["codeLens"]?["refreshSupport"] == .bool(true)
    unit = offered.contains(PositionUnit.utf8.rawValue) ? .utf8 : .utf16
    return [
      "capabilities": [
        "positionEncoding": .string(unit.rawValue),
        "textDocumentSync": ["openClose": .bool(true), "change": 2, "save": .bool(true)],
        "completionProvider": ["triggerCharacters": [" ", "-", "*", ":"]],
        "hoverProvider": .bool(true), "definitionProvider": .bool(true), "referencesProvider": .bool(true),
        "documentHighlightProvider": .bool(true), "renameProvider": ["prepareProvider": .bool(true)],
        "documentSymbolProvider": .bool(true), "foldingRangeProvider": .bool(true), "codeLensProvider": ["resolveProvider": .bool(false)],
        "codeActionProvider": ["codeActionKinds": ["quickfix", "source.fixAll"]], "documentFormattingProvider": .bool(true),
      ],
      "serverInfo": ["name": "ferrule", "version": .string(version)],
    ]
  }

  // MARK: Documents

  private mutating func notify(_ method: String, _ parameters: JSONValue) -> [JSONValue] {
    switch method {
    case "exit": exitStatus = isShutDown ? 0 : 1
    case "textDocument/didOpen": return open(parameters)
    case "textDocument/didChange": return change(parameters)
    case "textDocument/didSave":
      // The policy may have been saved beside it.
      guard let uri = parameters["textDocument"]?["uri"]?.text, let document = documents[uri] else { return [] }
      documents[uri]?.rules = rules(OpenDocument.path(of: uri), document.text.bytes)
      documents[uri]?.needsCoverage = true
      touch(uri)
    case "textDocument/didClose":
      guard let uri = parameters["textDocument"]?["uri"]?.text, documents.removeValue(forKey: uri) != nil else { return [] }
      return [Self.findings(uri, nil, [])]
    default: break
    }
    return []
  }

  /// The number of open documents.
  public var openCount: Int { documents.count }

  /// The text of an open document; nil if it is not open.
  public func text(of uri: String) -> [UInt8]? { documents[uri]?.text.bytes }

  /// Has a document checked again, because what its check depends on may have changed.
  public mutating func touch(_ uri: String) { documents[uri]?.needsCheck = true }

  private mutating func open(_ parameters: JSONValue) -> [JSONValue] {
    guard let item = parameters["textDocument"], let uri = item["uri"]?.text, let text = item["text"]?.text else { return [] }
    guard documents.count < Self.mostDocuments || documents[uri] != nil else {
      return [Self.complaint("more than \(Self.mostDocuments) documents are open; \(uri) is not checked")]
    }
    let content = TextDocument(text)
    documents[uri] = OpenDocument(
      uri: uri, version: item["version"]?.integer ?? 0, text: content, rules: rules(OpenDocument.path(of: uri), content.bytes))
    return withinLimits(uri)
  }

  private mutating func change(_ parameters: JSONValue) -> [JSONValue] {
    guard let uri = parameters["textDocument"]?["uri"]?.text, let changes = parameters["contentChanges"]?.elements,
      var document = documents.removeValue(forKey: uri)
    else { return [] }
    for change in changes {
      guard let text = change["text"]?.text else { continue }
      if let range = change["range"], let start = place(range["start"], in: document.text), let end = place(range["end"], in: document.text)
      {
        document.text.replace(from: start, to: end, with: text)
      } else if change["range"] == nil {
        document.text = TextDocument(text)
      }
    }
    document.version = parameters["textDocument"]?["version"]?.integer ?? document.version
    document.revision += 1
    document.checked = nil
    document.coverage = nil
    document.needsCheck = true
    documents[uri] = document
    return withinLimits(uri)
  }

  /// Closes a document by which the open documents became too large.
  private mutating func withinLimits(_ uri: String) -> [JSONValue] {
    guard let document = documents[uri] else { return [] }
    guard document.text.size > TextDocument.mostBytes || documents.values.reduce(0, { $0 + $1.text.size }) > Self.mostBytes else {
      return []
    }
    documents[uri] = nil
    return [Self.findings(uri, nil, []), Self.complaint("\(uri) is too long and is not checked")]
  }

  private static func complaint(_ message: String) -> JSONValue {
    ["jsonrpc": "2.0", "method": "window/showMessage", "params": ["type": 2, "message": .string(Escaping.line("ferrule: \(message)"))]]
  }

  // MARK: Checks

  /// A document that must be checked; nil if there is none. Each change of a document is handed out once.
  public mutating func nextCheck() -> DocumentCheck? {
    guard let uri = documents.values.filter(\.needsCheck).map(\.uri).min(), let document = documents[uri] else { return nil }
    documents[uri]?.needsCheck = false
    return DocumentCheck(
      uri: uri, revision: document.revision, bytes: document.text.bytes, rules: document.rules, path: OpenDocument.path(of: uri))
  }

  /// Takes the findings of a check. Those of a version that has changed meanwhile are dropped.
  public mutating func accept(_ result: DocumentCheck.Result) -> [JSONValue] {
    guard let document = documents[result.uri], document.revision == result.revision else { return [] }
    documents[result.uri]?.checked = result
    let shown = Array(result.findings.prefix(Self.mostFindings))
    let offsets = document.text.offsets
    return [Self.findings(result.uri, document.version, shown.map { finding($0, offsets, in: document) })]
  }

  private static func findings(_ uri: String, _ version: Int?, _ findings: [JSONValue]) -> JSONValue {
    var parameters: JSONObject = ["uri": .string(uri)]
    parameters["version"] = version.map { .integer($0) }
    parameters["diagnostics"] = .array(findings)
    return ["jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": .object(parameters)]
  }

  private func finding(_ finding: Diagnostic, _ offsets: LineOffsets, in document: OpenDocument) -> JSONValue {
    let severity = [Severity.error: 1, .warning: 2, .note: 3][finding.severity] ?? 3
    let sentences = finding.notes.filter { $0.range == nil }.map(\.message)
    var members: JSONObject = [
      "range": range(finding.range, offsets, in: document), "severity": .integer(severity), "code": .string(finding.code ?? finding.id),
      "source": "ferrule", "message": .string(([finding.message] + sentences).map { Escaping.line($0) }.joined(separator: "\n")),
    ]
    let related = finding.notes.compactMap { note in
      note.range.map { place -> JSONValue in
        [
          "location": ["uri": .string(document.uri), "range": range(place, offsets, in: document)],
          "message": .string(Escaping.line(note.message)),
        ]
      }
    }
    if !related.isEmpty { members["relatedInformation"] = .array(related) }
    return .object(members)
  }
}
