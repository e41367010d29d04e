import Diagnostics
import Documents
import Extensions
import Foundation
import LanguageServer
import Linter
import Syntax
import TestSupport
import Testing
import Wire
import XTables

/// `ferrule lsp` without its streams, and once with them.
///
/// The recorded exchange in `Tests/Fixtures/language-server.jsonl` has the client's messages and Ferrule's; `FERRULE_REGENERATE=1` records the answers
/// again.
@Suite struct LanguageSessionTests {
  static let recording = PackageFolder.path + "/Tests/Fixtures/language-server.jsonl"

  static func session() -> LanguageSession {
    LanguageSession(version: "test") { path, _ in
      let family: Family = path.contains("v6") ? .ipv6 : .ipv4
      return DocumentRules(
        parser: RulesetParser(registry: .ferrule, names: .builtin, family: family, isForReading: true), linter: Linter(registry: .ferrule))
    }
  }

  /// A message, and what it and the checks after it make the server send.
  static func step(_ session: inout LanguageSession, _ message: JSONValue) -> [JSONValue] {
    var answers = session.answer(Array(message.description.utf8))
    while let check = session.nextCheck() { answers += session.accept(check.run()) }
    return answers
  }

  /// A session with one open document, and its requests.
  struct Client {
    var session = LanguageSessionTests.session()
    let uri = "file:///rules.v4"
    var version = 1
    private var requests = 1

    init(_ text: String, encoding: String? = nil) {
      let capabilities: JSONValue = encoding.map { ["general": ["positionEncodings": [.string($0)]]] } ?? [:]
      _ = request("initialize", ["capabilities": capabilities])
      notify(
        "textDocument/didOpen", ["textDocument": ["uri": .string(uri), "languageId": "iptables", "version": 1, "text": .string(text)]])
    }

    @discardableResult mutating func notify(_ method: String, _ parameters: JSONValue) -> [JSONValue] {
      LanguageSessionTests.step(&session, ["jsonrpc": "2.0", "method": .string(method), "params": parameters])
    }

    mutating func request(_ method: String, _ parameters: JSONValue) -> JSONValue {
      requests += 1
      let message: JSONValue = ["jsonrpc": "2.0", "id": .integer(requests), "method": .string(method), "params": parameters]
      return session.answer(Array(message.description.utf8)).first ?? .null
    }

    mutating func ask(_ method: String, _ line: Int = 0, _ character: Int = 0, _ more: JSONObject = [:]) -> JSONValue {
      var parameters = more
      parameters["textDocument"] = ["uri": .string(uri)]
      parameters["position"] = ["line": .integer(line), "character": .integer(character)]
      return request(method, .object(parameters))["result"] ?? .null
    }

    @discardableResult mutating func change(_ start: (Int, Int), _ end: (Int, Int), _ text: String) -> [JSONValue] {
      version += 1
      let range: JSONValue = [
        "start": ["line": .integer(start.0), "character": .integer(start.1)],
        "end": ["line": .integer(end.0), "character": .integer(end.1)],
      ]
      return notify(
        "textDocument/didChange",
        [
          "textDocument": ["uri": .string(uri), "version": .integer(version)],
          "contentChanges": [["range": range, "text": .string(text)]],
        ])
    }
  }

  @Test func theRecordedExchangeIsAnsweredAsRecorded() throws {
    let lines = try TextFile.lines(Self.recording).map { try JSONValue(parsing: $0) }
    var session = Self.session()
    var made: [JSONValue] = []
    for line in lines where line["client"] != nil {
      made.append(line)
      made += Self.step(&session, line["client"] ?? .null).map { ["server": $0] }
    }
    if ProcessInfo.processInfo.environment["FERRULE_REGENERATE"] != nil {
      try made.map { $0.description + "\n" }.joined().write(toFile: Self.recording, atomically: true, encoding: .utf8)
    }
    #expect(lines.count > 40 && made.count == lines.count)
    for (made, line) in zip(made, lines) { #expect(made == line) }
    #expect(session.exitStatus == 0)
  }

  /// The program itself: framed messages through its streams, findings after a pause, and the exit status.
  @Test func theCommandAnswersOnItsStreams() throws {
    let messages: [JSONValue] = [
      ["jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ["capabilities": [:]]],
      [
        "jsonrpc": "2.0", "method": "textDocument/didOpen",
        "params": ["textDocument": ["uri": "file:///tmp/a.rules", "version": 1, "text": "*filter\n-A INPUT -s 10.0.0.9/8\nCOMMIT\n"]],
      ],
    ]
    let end: [JSONValue] = [["jsonrpc": "2.0", "id": 2, "method": "shutdown"], ["jsonrpc": "2.0", "method": "exit"]]
    func file(_ messages: [JSONValue]) throws -> String {
      let path = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(UUID().uuidString)").path
      try Data(messages.flatMap { MessageFrames.frame($0) }).write(to: URL(filePath: path))
      return path
    }
    let (first, last) = (try file(messages), try file(end))
    defer { for path in [first, last] { try? FileManager.default.removeItem(atPath: path) } }
    let outcome = try BuiltCommand.shell("(cat \(first); sleep 2; cat \(last)) | ferrule lsp")
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("\"FE014\"") && outcome.text.contains("\"id\": 2, \"result\": null"), "\(outcome.text)")
    #expect(try BuiltCommand.shell("ferrule lsp < /dev/null").status == 1)
    let wrong = try BuiltCommand.shell("printf 'Content-Length: 99999999999999999999\\r\\n\\r\\n' | ferrule lsp")
    #expect(wrong.status == 2 && wrong.text.contains("Content-Length"), "\(wrong.text)")
  }

  // MARK: Documents

  /// Random edits in both units leave the text that the same edits make of the whole text, and the same findings as a new document.
  @Test(arguments: ["utf-8", "utf-16"]) func editsMakeTheTextThatTheClientHas(_ encoding: String) {
    var random = SeededRandom(seed: 20_261_129)
    let pieces = ["a", "é", "😀", "→", "\n", "\r\n", "\r", "-A INPUT -j x\n", ":x - [0:0]\n", "*filter\n", "COMMIT\n", ""]
    for _ in 0..<20 {
      var client = Client("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", encoding: encoding)
      var text = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
      for _ in 0..<40 {
        let scalars = Array(text.unicodeScalars)
        let start = Int(random.next() % UInt64(scalars.count + 1))
        let end = min(scalars.count, start + Int(random.next() % 4))
        // A client never points between the two characters of the end of a line.
        func isSplit(_ at: Int) -> Bool { at > 0 && at < scalars.count && scalars[at - 1] == "\r" && scalars[at] == "\n" }
        if isSplit(start) || isSplit(end) { continue }
        let piece = pieces[Int(random.next() % UInt64(pieces.count))]
        client.change(Self.position(start, scalars, encoding), Self.position(end, scalars, encoding), piece)
        text = String(String.UnicodeScalarView(scalars[..<start] + Array(piece.unicodeScalars) + scalars[end...]))
        #expect(client.text == text)
      }
      let fresh = Client(text, encoding: encoding)
      #expect(client.text == fresh.text)
    }
  }

  /// The line and the character of a scalar, as a client counts them.
  private static func position(_ at: Int, _ scalars: [Unicode.Scalar], _ encoding: String) -> (Int, Int) {
    var (line, character) = (0, 0)
    for (index, scalar) in scalars[..<at].enumerated() {
      let isEnd = scalar == "\n" || scalar == "\r" && (index + 1 == scalars.count || scalars[index + 1] != "\n")
      character += encoding == "utf-8" ? UTF8.width(scalar) : UTF16.width(scalar)
      if isEnd { (line, character) = (line + 1, 0) }
    }
    return (line, character)
  }

  @Test func findingsOfAnOldVersionAreDropped() throws {
    var client = Client("*filter\n-A INPUT -s 10.0.0.9/8\nCOMMIT\n")
    client.session.touch(client.uri)
    let next = client.session.nextCheck()
    let check = try #require(next)
    let result = check.run()
    client.change((1, 0), (1, 0), "#")
    #expect(client.session.accept(result).isEmpty)
  }

  // MARK: Hostile clients

  @Test func headersThatGiveNoLengthAreRefused() throws {
    for header in [
      "Content-Length: -1\r\n\r\n", "Content-Length: 1e3\r\n\r\n", "Content-Length: \r\n\r\n", "Content-Length: 68719476736\r\n\r\n",
      "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "X: y\r\n\r\n", "garbage\r\n\r\n", String(repeating: "x", count: 5000),
    ] {
      var frames = MessageFrames()
      frames.append(Array(header.utf8))
      #expect(throws: MessageFrames.Malformed.self, "\(header.prefix(40))") { try frames.next() }
    }
    var frames = MessageFrames()
    for byte in "content-LENGTH: 2\r\nContent-Type: x\r\n\r\n{}".utf8.dropLast() {
      frames.append([byte])
      #expect(try frames.next() == nil)
    }
    frames.append(Array("}".utf8))
    #expect(try frames.next() == Array("{}".utf8))
  }

  @Test(arguments: [
    "", "null", "[]", "{", "{\"method\": 3}", "{\"id\": 1, \"method\": \"x\"}", "{\"id\": {}, \"method\": \"shutdown\"}",
  ]) func whatIsNoRequestIsAnsweredByAnError(_ text: String) {
    var session = Self.session()
    let answers = session.answer(Array(text.utf8))
    #expect(answers.count == 1 && answers[0]["error"]?["code"]?.integer ?? 0 < 0, "\(answers)")
  }

  @Test func positionsOutsideOfTheDocumentAreMovedIntoIt() {
    var client = Client("*filter\n:x - [0:0]\n-A INPUT -j x\nCOMMIT\n")
    for line in [-1, Int.min, 4, Int.max] {
      for character in [-1, Int.min, 3, Int.max] {
        for method in ["hover", "completion", "definition", "references", "documentHighlight"] {
          _ = client.ask("textDocument/\(method)", line, character)
        }
      }
    }
    client.change((Int.max, Int.max), (Int.min, Int.min), "x\n")
    client.change((2, 5), (1, 0), "y")
    #expect(client.text?.isEmpty == false)
  }

  @Test func aNameIsRefusedThatAChainCannotHave() {
    var client = Client("*filter\n:x - [0:0]\n:y - [0:0]\n-A INPUT -j x\nCOMMIT\n")
    for name in ["", "INPUT", "y", "ACCEPT", "LOG", "a b", "-x", "!", "a\u{1B}", "[1:2]", "a\"", String(repeating: "n", count: 29)] {
      #expect(client.ask("textDocument/rename", 1, 1, ["newName": .string(name)]) == .null, "\(name)")
    }
    #expect(client.ask("textDocument/rename", 1, 1, ["newName": "zé"])["changes"]?[client.uri]?.elements?.count == 2)
    #expect(client.ask("textDocument/prepareRename", 3, 4) == .null)
  }

  /// The extension for Visual Studio Code names only files that are there, or that `prepare.sh` copies.
  @Test func theExtensionIsWhole() throws {
    let folder = BuiltCommand.root.appending(path: "Editors/vscode")
    let package = try JSONValue(parsing: try String(contentsOf: folder.appending(path: "package.json"), encoding: .utf8))
    let grammar = try #require(package["contributes"]?["grammars"]?.elements?.first?["path"]?.text)
    let configuration = try #require(package["contributes"]?["languages"]?.elements?.first?["configuration"]?.text)
    let outcome = try BuiltCommand.shell(
      """
      D=$(mktemp -d); cp -r Editors Grammar LICENSE $D; cd $D/Editors/vscode; ./prepare.sh; ls \(grammar) \(configuration) \(package["main"]?.text ?? "?")
      ! command -v node >/dev/null || node --check \(package["main"]?.text ?? "?"); S=$?; rm -r $D; exit $S
      """)
    #expect(outcome.status == 0, "\(outcome.text)")
    #expect(
      package["contributes"]?["configuration"]?["properties"]?["ferrule.path"]?["scope"] == "machine", "a workspace could name any program")
  }

  @Test func theNumberOfDocumentsIsLimited() {
    var client = Client("*filter\nCOMMIT\n")
    for index in 0..<LanguageSession.mostDocuments {
      client.notify("textDocument/didOpen", ["textDocument": ["uri": .string("file:///\(index)"), "version": 1, "text": ""]])
    }
    #expect(client.session.openCount == LanguageSession.mostDocuments)
  }
}

extension LanguageSessionTests.Client {
  /// The text of the document, as the session has it.
  var text: String? { session.text(of: uri).map { String(decoding: $0, as: UTF8.self) } }
}
