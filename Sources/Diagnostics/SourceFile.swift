/// The bytes of one input and the name under which it is reported.
///
/// The text need not be UTF-8: iptables treats a ruleset as bytes, and a comment may hold any byte.
public final class SourceFile: Sendable {
  /// The name of the input in diagnostics: a path, or `<stdin>`.
  public let name: String
  /// The whole content.
  public let bytes: [UInt8]
  /// Whether messages may show lines of the file.
  public let showsText: Bool
  private let lineStarts: [UInt32]
  /// The number of the first line; more than 1 if the bytes are a later piece of an input.
  private let firstLine: Int

  /// Creates a file and finds its lines.
  ///
  /// - Parameter firstLine: the number of the first line; more than 1 if the bytes are a later piece of an input.
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

  /// The same file for messages that give places but show no lines, because the user may not be allowed to read it.
  public var withoutText: SourceFile { SourceFile(name: name, bytes: bytes, firstLine: firstLine, showsText: false) }

  /// The number of lines. An unterminated last line counts; the empty rest after a final newline does not.
  public var lineCount: Int {
    Int(lineStarts[lineStarts.count - 1]) == bytes.count ? lineStarts.count - 1 : lineStarts.count
  }

  /// The one-based line and byte column of a byte offset.
  public func position(of offset: Int) -> SourcePosition {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle - 1 }
    }
    return SourcePosition(line: low + firstLine, column: offset - Int(lineStarts[low]) + 1)
  }

  /// The bytes of a line without its newline, by its number; empty if there is no such line.
  public func line(_ number: Int) -> ArraySlice<UInt8> {
    guard number >= firstLine, number - firstLine < lineStarts.count else { return [] }
    return bytes[lineRange(number)]
  }

  /// The byte offsets of a line without its newline, by its number.
  ///
  /// - Precondition: the line exists.
  public func lineRange(_ number: Int) -> Range<Int> {
    let index = number - firstLine
    let start = Int(lineStarts[index])
    let end = index + 1 < lineStarts.count ? Int(lineStarts[index + 1]) - 1 : bytes.count
    return start..<max(start, end)
  }
}

/// A one-based line and a one-based column counted in bytes.
public struct SourcePosition: Sendable, Hashable {
  /// The line number, from 1.
  public let line: Int
  /// The column in bytes, from 1.
  public let column: Int

  /// Creates a position; both numbers count from 1.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A half-open range of byte offsets in one ``SourceFile``.
public struct SourceRange: Sendable, Hashable {
  /// The offset of the first byte.
  public let lowerBound: UInt32
  /// The offset behind the last byte.
  public let upperBound: UInt32

  /// Creates a range from byte offsets. Offsets beyond `UInt32` are clamped.
  public init(_ range: Range<Int>) {
    lowerBound = UInt32(clamping: range.lowerBound)
    upperBound = UInt32(clamping: range.upperBound)
  }

  /// The same range as `Int` offsets; empty if the bounds are in the wrong order.
  public var range: Range<Int> { Int(lowerBound)..<Int(max(lowerBound, upperBound)) }

  /// The smallest range that contains both ranges.
  public func union(_ other: SourceRange) -> SourceRange {
    SourceRange(Int(min(lowerBound, other.lowerBound))..<Int(max(upperBound, other.upperBound)))
  }
}
