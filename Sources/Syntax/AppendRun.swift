import Diagnostics

/// Consecutive lines that append rules to one chain.
struct AppendRun {
  /// The longest run that is counted as one. Lines may turn out to be errors; then the room for their rules is not used.
  private static let most = 1 << 16

  /// The index of the line after the run.
  private var end = 0

  /// The number of lines from `number` on whose first bytes are those of `beginning`, which is in that line; nil if it was counted before.
  mutating func count(from number: Int, of lines: [LineSyntax], with beginning: Range<Int>, in bytes: [UInt8]) -> Int? {
    guard number >= end else { return nil }
    end = number + 1
    while end < lines.count, end - number < Self.most, Self.begins(lines[end], with: beginning, in: bytes) { end += 1 }
    return end - number
  }

  private static func begins(_ line: LineSyntax, with beginning: Range<Int>, in bytes: [UInt8]) -> Bool {
    let start = Int(line.range.lowerBound)
    guard start + beginning.count <= bytes.count else { return false }
    // From the end, where the names of chains differ.
    var at = beginning.count - 1
    while at >= 0, bytes[start + at] == bytes[beginning.lowerBound + at] { at -= 1 }
    return at < 0
  }
}
