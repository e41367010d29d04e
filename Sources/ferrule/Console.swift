import Diagnostics
import Kernel

/// The output of the commands.
enum Console {
  /// Prints text that a renderer has already escaped. Disfavoured, so literals become `TerminalText`.
  @_disfavoredOverload
  static func print(_ text: String) throws { try ProcessStream.output.write(text) }

  /// Prints text that a renderer has already escaped.
  static func printEscaped(_ bytes: [UInt8]) throws { try ProcessStream.output.write(bytes) }

  static func print(_ text: TerminalText) throws { try ProcessStream.output.write(text.string) }

  /// Prints data for another program, such as a ruleset: byte for byte, but escaped on a terminal.
  static func printData(_ bytes: [UInt8]) throws {
    guard ProcessStream.output.isTerminal else { return try ProcessStream.output.write(bytes) }
    try ProcessStream.output.write(Escaping.lines(bytes))
  }

  /// Reports a failure on standard error. A failure to write it is ignored: there is no other stream to report it on.
  static func complain(_ message: TerminalText) { try? ProcessStream.error.write("ferrule: \(message.string)\n") }

  /// Reports the argument parser's message about the command line. The message has line breaks and quotes the user's words.
  static func complain(parser message: String, quoting words: [String]) {
    let text = EchoedWords(words).escaped(in: message)
    try? ProcessStream.error.write(text.hasPrefix("Error: ") ? "\(text)\n" : "ferrule: \(text)\n")
  }

  /// Reports diagnostics on standard error.
  static func report(_ diagnostics: [Diagnostic], in file: SourceFile, _ colour: ColourChoice) {
    let renderer = TextRenderer(coloured: colour.isOn(for: .error))
    try? ProcessStream.error.write(diagnostics.condensed.map { renderer.render($0, in: file) }.joined())
  }

  /// Shows a progress line, overwritten by the next one; on a terminal only.
  static func progress(_ text: TerminalText) {
    guard ProcessStream.error.takesControls else { return }
    try? ProcessStream.error.write("\r\u{1B}[K\(text.string)")
  }
}

/// The words of the command line. Finds and escapes them in a message that quotes them.
private struct EchoedWords {
  /// The words that need escaping, the longest first: a word that is part of another one must be replaced after it.
  private let words: [String]

  init(_ arguments: [String]) {
    // The parser quotes `--name=value` as a whole or in parts.
    let parts = arguments.flatMap { argument in
      [argument] + (argument.firstIndex(of: "=").map { [String(argument[..<$0]), String(argument[argument.index(after: $0)...])] } ?? [])
    }
    words = parts.filter { !$0.isEmpty && Escaping.line($0) != $0 }.sorted { ($1.utf8.count, $1) < ($0.utf8.count, $0) }
  }

  /// The message with these words escaped, then each line escaped.
  func escaped(in message: String) -> String {
    Escaping.lines(words.reduce(message) { $0.replacing($1, with: Escaping.line($1)) })
  }
}
