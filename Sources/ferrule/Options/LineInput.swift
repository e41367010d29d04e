import Diagnostics
import Kernel
import Syntax

/// Reads a file or standard input in pieces of whole lines, so that no more than a piece of it is held.
struct LineInput: ~Copyable {
  private let input: HostInput
  private let name: String
  private let longest: Int
  private var lines = LineReader()
  /// The number of the next line, from 1.
  private(set) var line = 1

  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - longest: bytes of a line at most; a longer one is refused before it is read to its end.
  init(_ path: String, longest: Int) throws {
    input = try HostInput(path: path == "-" ? nil : path)
    name = RulesetInput.name(of: path)
    self.longest = longest
  }

  /// Whether the same lines can be read again.
  var isRepeatable: Bool { input.length != nil }

  /// The next lines, the last of the input perhaps without its newline; nothing at the end.
  mutating func next() throws -> [UInt8]? {
    while true {
      let piece = try input.next()
      let whole = lines.lines(adding: piece)
      guard lines.pendingCount <= longest else {
        let number = line + whole.count { $0 == UInt8(ascii: "\n") }
        throw CommandFailure("\(name):\(number): the line is longer than \(longest) bytes")
      }
      line += whole.count { $0 == UInt8(ascii: "\n") }
      if !whole.isEmpty { return whole }
      if piece.isEmpty { return nil }
    }
  }
}
