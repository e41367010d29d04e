import Documents
import Extensions
import Foundation
import LanguageServer
import Linter
import Syntax
import TestSupport
import Testing
import XTables

/// What `ferrule lsp` says of tests beside a ruleset, and the names of a machine that it offers.
@Suite struct LensTests {
  private static let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"

  private static func titles(_ lenses: JSONValue) -> [String] {
    lenses.elements?.compactMap { $0["command"]?["title"]?.text } ?? []
  }

  @Test func lensesSayWhichRulesTestsMatch() throws {
    var client = LanguageSessionTests.Client(Self.rules)
    #expect(Self.titles(client.ask("textDocument/codeLens")) == ["2 rules, 0 packets, 0 bytes"])
    let asked = client.session.nextCoverage()
    let request = try #require(asked)
    #expect(request.path == "/rules.v4" && client.session.nextCoverage() == nil)
    // This client did not say that it can be asked to read the lenses again.
    #expect(client.session.accept(DocumentCoverage(of: request, hits: [3: 0, 4: 7])).isEmpty)
    let lenses = client.ask("textDocument/codeLens")
    #expect(Self.titles(lenses) == ["2 rules, 0 packets, 0 bytes; tests match 1 of 2", "no test matches this rule"])
    #expect(lenses.elements?.last?["range"]?["start"]?["line"] == 2)
  }

  @Test func theResultOfOldTestsIsDropped() throws {
    var client = LanguageSessionTests.Client(Self.rules)
    let asked = client.session.nextCoverage()
    let request = try #require(asked)
    _ = client.session.accept(DocumentCoverage(of: request, hits: [3: 1, 4: 1]))
    client.change((2, 0), (2, 0), "#")
    #expect(client.session.isOutdated(request))
    #expect(Self.titles(client.ask("textDocument/codeLens")) == ["1 rule, 0 packets, 0 bytes"])
    _ = client.session.accept(DocumentCoverage(of: request, hits: [3: 1, 4: 1]))
    #expect(Self.titles(client.ask("textDocument/codeLens")) == ["1 rule, 0 packets, 0 bytes"])
    #expect(client.session.nextCoverage() == nil)
    client.notify("textDocument/didSave", ["textDocument": ["uri": .string(client.uri)]])
    #expect(client.session.nextCoverage() != nil)
  }

  @Test func aClientThatCanIsAskedToReadTheLensesAgain() throws {
    var client = LanguageSessionTests.Client(Self.rules)
    _ = client.request("initialize", ["capabilities": ["workspace": ["codeLens": ["refreshSupport": .bool(true)]]]])
    let asked = client.session.nextCoverage()
    let message = client.session.accept(DocumentCoverage(of: try #require(asked), hits: [:]))
    #expect(message.first?["method"] == "workspace/codeLens/refresh" && message.first?["id"] != nil)
    // Its answer needs none.
    let answer: JSONValue = ["jsonrpc": "2.0", "id": message.first?["id"] ?? .null, "result": .null]
    #expect(client.session.answer(Array(answer.description.utf8)).isEmpty)
  }

  /// The program itself: the tests of an example, and the interfaces and sets of a snapshot.
  @Test func theCommandRunsTheTestsBesideARulesetAndReadsASnapshot() throws {
    let folder = BuiltCommand.root.appending(path: "Examples/web-server")
    let text = try String(contentsOf: folder.appending(path: "ruleset.rules"), encoding: .utf8)
    let uri = "file://\(folder.appending(path: "ruleset.rules").path)"
    func open(_ uri: String, _ text: String) -> JSONValue {
      [
        "jsonrpc": "2.0", "method": "textDocument/didOpen",
        "params": ["textDocument": ["uri": .string(uri), "version": 1, "text": .string(text)]],
      ]
    }
    func ask(_ id: Int, _ method: String, _ uri: String, _ line: Int, _ character: Int) -> JSONValue {
      [
        "jsonrpc": "2.0", "id": .integer(id), "method": .string(method),
        "params": [
          "textDocument": ["uri": .string(uri)], "position": ["line": .integer(line), "character": .integer(character)],
        ],
      ]
    }
    let work = FileManager.default.temporaryDirectory.appending(path: "ferrule-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    func write(_ name: String, _ messages: [JSONValue]) throws {
      try Data(messages.flatMap { MessageFrames.frame($0) }).write(to: work.appending(path: name))
    }
    let other = "file:///nowhere/b.rules"
    try write(
      "first",
      [
        ["jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ["capabilities": [:]]], open(uri, text),
        open(other, "*filter\n-A INPUT -i \n-A INPUT -m set --match-set \nCOMMIT\n"),
      ])
    try write(
      "last",
      [
        ask(3, "textDocument/completion", other, 1, 12),
        ask(4, "textDocument/completion", other, 2, 28), ["jsonrpc": "2.0", "id": 5, "method": "shutdown"],
        ["jsonrpc": "2.0", "method": "exit"],
      ])
    try write("lenses", [ask(2, "textDocument/codeLens", uri, 0, 0)])
    let snapshot = """
      host:
        interfaces: {uplink7: [192.0.2.1/24]}
      ipsets: |
        create friends3 hash:ip family inet
      """
    try snapshot.write(to: work.appending(path: "snapshot.yaml"), atomically: true, encoding: .utf8)
    let outcome = try BuiltCommand.shell(
      """
      cd '\(work.path)'
      (cat first; for i in $(seq 100); do sleep 0.3; cat lenses; ! grep -q 'tests match' out || break; done; cat last) |
        ferrule lsp --host snapshot.yaml > out
      S=$?; cat out; exit $S
      """)
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("; tests match "), "\(outcome.text)")
    #expect(outcome.text.contains("uplink7") && outcome.text.contains("friends3"), "\(outcome.text)")
    let wrong = try BuiltCommand.shell("ferrule lsp --host '\(work.path)/first' < /dev/null")
    #expect(wrong.status == 2, "\(wrong.text)")
  }
}
