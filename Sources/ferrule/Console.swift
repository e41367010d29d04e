import Diagnostics
import Kernel

/// What the commands write to.
enum Console {
  /// Text that a renderer has escaped. Literals are taken for `TerminalText`.
  @_disfavoredOverload
  static func print(_ text: String) throws { try ProcessStream.output.write(text) }

  static func print(_ text: TerminalText) throws { try ProcessStream.output.write(text.string) }

  /// Data for another program, such as a ruleset: byte for byte, but escaped where it would go to a terminal.
  static func printData(_ bytes: [UInt8]) throws {
    guard ProcessStream.output.isTerminal else { return try ProcessStream.output.write(bytes) }
    try ProcessStream.output.write(Escaping.lines(bytes))
  }

  /// A failure, on standard error. A failure to write even that is ignored: there is no other stream to report it on.
  static func complain(_ message: TerminalText) { try? ProcessStream.error.write("ferrule: \(message.string)\n") }

  /// What the argument parser says of the command line. Its text has lines of its own and quotes the user's words.
  static func complain(parser message: String, quoting words: [String]) {
    let text = EchoedWords(words).escaped(in: message)
    try? ProcessStream.error.write(text.hasPrefix("Error: ") ? "\(text)\n" : "ferrule: \(text)\n")
  }

  /// Diagnostics about input that a command needed for something else.
  static func report(_ diagnostics: [Diagnostic], in file: SourceFile, _ colour: ColourChoice) {
    let renderer = TextRenderer(coloured: colour.isOn(for: .error))
    try? ProcessStream.error.write(diagnostics.map { renderer.render($0, in: file) }.joined())
  }

  /// A line that says how far long work has come, overwritten by the next; on a terminal only.
  static func progress(_ text: TerminalText) {
    guard ProcessStream.error.takesControls else { return }
    try? ProcessStream.error.write("\r\u{1B}[K\(text.string)")
  }
}

/// Words of the command line, to be found again in a message that quotes them.
private struct EchoedWords {
  /// Words with something to escape, the longest first, so that no part of a word is replaced before the word.
  private let words: [String]

  init(_ arguments: [String]) {
    // `--name=value` is quoted whole or by its parts.
    let parts = arguments.flatMap { argument in
      [argument] + (argument.firstIndex(of: "=").map { [String(argument[..<$0]), String(argument[argument.index(after: $0)...])] } ?? [])
    }
    words = parts.filter { !$0.isEmpty && Escaping.line($0) != $0 }.sorted { ($1.utf8.count, $1) < ($0.utf8.count, $0) }
  }

  /// The message with the words escaped where they stand, and then each of its lines.
  func escaped(in message: String) -> String {
    Escaping.lines(words.reduce(message) { $0.replacing($1, with: Escaping.line($1)) })
  }
}
