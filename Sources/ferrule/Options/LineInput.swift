import Diagnostics
import Kernel
import Syntax

/// Reads a file or standard input in pieces of whole lines. Holds one piece at a time.
struct LineInput: ~Copyable {
  private let input: HostInput
  private let name: String
  private let longest: Int
  private var lines = LineReader()
  /// The number of the next line, from 1.
  private(set) var line = 1

  /// - Parameters:
  ///   - path: `-` is standard input.
  /// - longest: the maximum length of a line in bytes; a longer line is refused before its end is read.
  init(_ path: String, longest: Int) throws {
    input = try HostInput(path: path == "-" ? nil : path)
    name = RulesetInput.name(of: path)
    self.longest = longest
  }

  /// True if the input can be read again.
  var isRepeatable: Bool { input.length != nil }

  /// The next lines; nil at the end. The last line of the input may lack its newline.
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
