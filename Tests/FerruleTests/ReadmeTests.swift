import Foundation
import Testing

/// The commands of the README, run from the checkout's root: each must print what is shown.
@Suite struct ReadmeTests {
  struct Command: CustomTestStringConvertible {
    let line: String
    let output: String
    var testDescription: String { line }
  }

  static let readme = BuiltCommand.root.appending(path: "README.md")

  static func text() throws -> String { try String(contentsOf: readme, encoding: .utf8) }

  /// The text cut at the fences of its console blocks: what stands outside and inside them in turn.
  static func pieces(_ text: String) -> [(text: String, isConsole: Bool)] {
    var pieces: [(text: String, isConsole: Bool)] = []
    var rest = Substring(text)
    while let open = rest.range(of: "```console\n") {
      pieces.append((String(rest[..<open.upperBound]), false))
      rest = rest[open.upperBound...]
      let close = rest.range(of: "```\n")?.lowerBound ?? rest.endIndex
      pieces.append((String(rest[..<close]), true))
      rest = rest[close...]
    }
    return pieces + [(String(rest), false)]
  }

  static func commands(_ block: String) -> [Command] {
    var commands: [Command] = []
    for line in block.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if line.hasPrefix("$ ") {
        commands.append(Command(line: String(line.dropFirst(2)), output: ""))
      } else if let last = commands.popLast() {
        commands.append(Command(line: last.line, output: last.output + line + "\n"))
      }
    }
    return commands
  }

  /// `FERRULE_RECORD=1 swift test --filter ReadmeTests` writes the outputs anew before it looks at them.
  static let shown: [Command] = {
    if ProcessInfo.processInfo.environment["FERRULE_RECORD"] == "1" { try? record() }
    return ((try? text()).map(pieces) ?? []).filter(\.isConsole).flatMap { commands($0.text) }
  }()

  @Test func theCommandsOfTheReadmeAreFound() { #expect(Self.shown.count >= 6) }

  @Test(arguments: shown) func everyCommandPrintsWhatTheReadmeShows(_ command: Command) throws {
    #expect(try BuiltCommand.shell(command.line).text == command.output)
  }

  private static func record() throws {
    let text = try pieces(text()).map { piece in
      guard piece.isConsole else { return piece.text }
      return try commands(piece.text).map { try "$ \($0.line)\n" + BuiltCommand.shell($0.line).text }.joined()
    }.joined()
    try text.write(to: readme, atomically: true, encoding: .utf8)
  }
}
