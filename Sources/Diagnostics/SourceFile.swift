/// The bytes of one input together with the name it is reported under.
///
/// Text is never assumed to be UTF-8: iptables treats a ruleset as bytes, and a comment may hold anything.
public final class SourceFile: Sendable {
  /// What diagnostics call this input: a path, or `<stdin>`.
  public let name: String
  public let bytes: [UInt8]
  /// Whether messages may show its lines.
  public let showsText: Bool
  private let lineStarts: [UInt32]
  /// The number of the first line: more than 1 where this is a later piece of an input.
  private let firstLine: Int

  /// - Parameter firstLine: the number of the first line, where the bytes are a later piece of an input.
  public convenience init(name: String, bytes: [UInt8], firstLine: Int = 1) {
    self.init(name: name, bytes: bytes, firstLine: firstLine, showsText: true)
  }

  private init(name: String, bytes: [UInt8], firstLine: Int, showsText: Bool) {
    self.name = name
    self.firstLine = firstLine
    self.bytes = bytes
    self.showsText = showsText
    var starts: [UInt32] = [0]
    let text = bytes.span
    for index in text.indices where text[index] == UInt8(ascii: "\n") { starts.append(UInt32(index + 1)) }
    lineStarts = starts
  }

  /// The same file, whose places can be told and whose lines are not shown: it may not be meant to be read.
  public var withoutText: SourceFile { SourceFile(name: name, bytes: bytes, firstLine: firstLine, showsText: false) }

  /// The number of lines, counting an unterminated last one and not counting the emptiness after a final newline.
  public var lineCount: Int {
    Int(lineStarts[lineStarts.count - 1]) == bytes.count ? lineStarts.count - 1 : lineStarts.count
  }

  /// The one-based line and byte column of an offset.
  public func position(of offset: Int) -> SourcePosition {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle - 1 }
    }
    return SourcePosition(line: low + firstLine, column: offset - Int(lineStarts[low]) + 1)
  }

  /// The bytes of a line by its number, without its newline.
  public func line(_ number: Int) -> ArraySlice<UInt8> {
    guard number >= firstLine, number - firstLine < lineStarts.count else { return [] }
    return bytes[lineRange(number)]
  }

  /// Where a line stands by its number, without its newline; it must be there.
  public func lineRange(_ number: Int) -> Range<Int> {
    let index = number - firstLine
    let start = Int(lineStarts[index])
    let end = index + 1 < lineStarts.count ? Int(lineStarts[index + 1]) - 1 : bytes.count
    return start..<max(start, end)
  }
}

/// A one-based line and a one-based column counted in bytes.
public struct SourcePosition: Sendable, Hashable {
  public let line: Int
  public let column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A half-open range of byte offsets in one ``SourceFile``.
public struct SourceRange: Sendable, Hashable {
  public let lowerBound: UInt32
  public let upperBound: UInt32

  public init(_ range: Range<Int>) {
    lowerBound = UInt32(clamping: range.lowerBound)
    upperBound = UInt32(clamping: range.upperBound)
  }

  public var range: Range<Int> { Int(lowerBound)..<Int(max(lowerBound, upperBound)) }

  /// The smallest range that holds both.
  public func union(_ other: SourceRange) -> SourceRange {
    SourceRange(Int(min(lowerBound, other.lowerBound))..<Int(max(upperBound, other.upperBound)))
  }
}
