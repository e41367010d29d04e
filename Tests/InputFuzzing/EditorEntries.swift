import Documents
import Extensions
import LanguageServer
import Linter
import Syntax
import Wire

/// What an editor sends to `ferrule lsp`.
enum EditorEntries {
  static let all = [InputEntry("language-server") { read($0) }]

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
}
