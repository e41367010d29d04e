import Diagnostics
import Kernel

/// What the commands write to.
enum Console {
  static func print(_ text: String) throws { try ProcessStream.output.write(text) }

  static func print(_ bytes: [UInt8]) throws { try ProcessStream.output.write(bytes) }

  /// A failure, on standard error. When even that cannot be written there is nobody left to tell.
  static func complain(_ message: String) {
    try? ProcessStream.error.write(message.hasPrefix("Error: ") ? "\(message)\n" : "ferrule: \(message)\n")
  }

  /// Diagnostics about input that a command needed for something else.
  static func report(_ diagnostics: [Diagnostic], in file: SourceFile, _ colour: ColourChoice) {
    let renderer = TextRenderer(coloured: colour.isOn(for: .error))
    try? ProcessStream.error.write(diagnostics.map { renderer.render($0, in: file) }.joined())
  }

  /// A line that says how far long work has come, overwritten by the next; on a terminal only.
  static func progress(_ text: String) {
    guard ProcessStream.error.isTerminal else { return }
    try? ProcessStream.error.write("\r\u{1B}[K\(text)")
  }
}
