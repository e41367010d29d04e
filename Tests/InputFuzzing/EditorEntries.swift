import Documents
import Explorer
import Extensions
import LanguageServer
import Linter
import Syntax
import Wire

/// What an editor sends to `ferrule lsp`, and what a browser sends to `ferrule serve`.
enum EditorEntries {
  static let all = [InputEntry("language-server") { read($0) }, InputEntry("http") { read(http: $0) }]

  /// The bytes as framed messages, then each line as a message without a frame. Documents are checked at the end, as after a pause.
  private static func read(_ bytes: [UInt8]) {
    var session = LanguageSession(version: "") { _, _ in
      DocumentRules(parser: RulesetEntries.parser(.ipv4), linter: Linter(registry: .ferrule))
    }
    var frames = MessageFrames()
    frames.append(bytes)
    while let message = try? frames.next() { write(session.answer(message)) }
    for line in bytes.split(separator: 0x0a) { write(session.answer(Array(line))) }
    while let check = session.nextCheck() { write(session.accept(check.run())) }
  }

  private static func write(_ answers: [JSONValue]) {
    for answer in answers { _ = MessageFrames.frame(answer) }
  }

  /// The bytes as they arrive on a connection, in two pieces.
  private static func read(http bytes: [UInt8]) {
    let site = ExplorerSite(token: "t", port: 80, page: "") { .array($0.prefix(4).map { JSONValue($0) }) }
    _ = site.answer(to: Array(bytes.prefix(bytes.count / 2)))
    _ = site.answer(to: bytes)
  }
}
