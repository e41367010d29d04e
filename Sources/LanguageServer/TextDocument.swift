import Diagnostics

/// One line of an open document. Its outline is made when the line changes, not when it is asked for.
struct DocumentLine: Sendable {
  /// How a line ends. The protocol counts lines by these three.
  enum End: Sendable {
    /// The last line has none.
    case none
    case newline
    case carriageReturn
    case both

    var bytes: [UInt8] {
      switch self {
      case .none: []
      case .newline: [0x0a]
      case .carriageReturn: [0x0d]
      case .both: [0x0d, 0x0a]
      }
    }
  }

  /// The bytes without the end.
  let bytes: [UInt8]
  let end: End
  let outline: LineOutline

  init(_ bytes: [UInt8], end: End) {
    self.bytes = bytes
    self.end = end
    outline = LineOutline(bytes)
  }

  /// Splits a text. There is always a last line, which is empty if the text ends with the end of a line.
  static func split(_ text: [UInt8]) -> [DocumentLine] {
    var lines: [DocumentLine] = []
    var start = 0
    var at = 0
    while at < text.count {
      guard text[at] == 0x0a || text[at] == 0x0d else {
        at += 1
        continue
      }
      let isBoth = text[at] == 0x0d && at + 1 < text.count && text[at + 1] == 0x0a
      lines.append(DocumentLine(Array(text[start..<at]), end: isBoth ? .both : text[at] == 0x0a ? .newline : .carriageReturn))
      at += isBoth ? 2 : 1
      start = at
    }
    lines.append(DocumentLine(Array(text[start...]), end: .none))
    return lines
  }
}

/// A place in an open document: a line and a byte in it, both counted from 0.
struct DocumentPlace: Sendable, Hashable, Comparable {
  var line: Int
  var byte: Int

  static func < (left: DocumentPlace, right: DocumentPlace) -> Bool { (left.line, left.byte) < (right.line, right.byte) }
}

/// The unit of the characters of a position, on which client and server agree.
enum PositionUnit: String, Sendable {
  case utf8 = "utf-8"
  case utf16 = "utf-16"

  /// The byte of a character; the end of the line if the line is shorter, and the first byte of the character whose middle it is.
  func byte(of character: Int, in line: [UInt8]) -> Int {
    var units = 0
    var at = 0
    while at < line.count {
      let (length, size) = Self.extent(line[at])
      let width = self == .utf8 ? length : size
      if units + width > character { break }
      units += width
      at = min(at + length, line.count)
    }
    return at
  }

  /// The character at a byte.
  func character(of byte: Int, in line: [UInt8]) -> Int {
    guard self == .utf16 else { return min(byte, line.count) }
    var units = 0
    var at = 0
    while at < min(byte, line.count) {
      let (length, size) = Self.extent(line[at])
      units += size
      at += length
    }
    return units
  }

  /// The bytes and the UTF-16 units of a character that begins with this byte.
  private static func extent(_ lead: UInt8) -> (bytes: Int, units: Int) {
    switch lead {
    case 0..<0xC0: (1, 1)
    case 0xC0..<0xE0: (2, 1)
    case 0xE0..<0xF0: (3, 1)
    default: (4, 2)
    }
  }
}

/// The text of an open document as lines, which edits replace.
struct TextDocument: Sendable {
  /// The largest document in bytes.
  static let mostBytes = Limits.documentBytes

  private(set) var lines: [DocumentLine]
  /// The size of the text in bytes.
  private(set) var size: Int

  init(_ text: String) {
    let bytes = Array(text.utf8)
    lines = DocumentLine.split(bytes)
    size = bytes.count
  }

  /// The whole text.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    for line in lines {
      bytes += line.bytes
      bytes += line.end.bytes
    }
    return bytes
  }

  /// The nearest place in the document.
  func clamped(_ place: DocumentPlace) -> DocumentPlace {
    guard place.line >= 0 else { return DocumentPlace(line: 0, byte: 0) }
    guard place.line < lines.count else { return DocumentPlace(line: lines.count - 1, byte: lines[lines.count - 1].bytes.count) }
    return DocumentPlace(line: place.line, byte: max(0, min(place.byte, lines[place.line].bytes.count)))
  }

  /// Replaces the text between two places of the document. Only the lines between them are read again.
  mutating func replace(from start: DocumentPlace, to end: DocumentPlace, with text: String) {
    var start = start
    // A newline after a carriage return ends the same line.
    if start.byte == 0, start.line > 0, lines[start.line - 1].end == .carriageReturn {
      start = DocumentPlace(line: start.line - 1, byte: lines[start.line - 1].bytes.count)
      return replaceLines(start, end, with: [0x0d] + Array(text.utf8))
    }
    replaceLines(start, end, with: Array(text.utf8))
  }

  private mutating func replaceLines(_ start: DocumentPlace, _ end: DocumentPlace, with text: [UInt8]) {
    let end = max(start, end)
    let last = lines[end.line]
    var fresh = DocumentLine.split(lines[start.line].bytes[..<start.byte] + text + last.bytes[end.byte...] + last.end.bytes)
    // The rest after the end of the last line is the next line.
    if last.end != .none { fresh.removeLast() }
    let old = lines[start.line...end.line].reduce(0) { $0 + $1.bytes.count + $1.end.bytes.count }
    size += fresh.reduce(0) { $0 + $1.bytes.count + $1.end.bytes.count } - old
    lines.replaceSubrange(start.line...end.line, with: fresh)
  }

  /// Where the lines begin, to find the places of byte offsets.
  var offsets: LineOffsets { LineOffsets(self) }
}

/// The byte offsets at which the lines of a document begin.
struct LineOffsets: Sendable {
  private let starts: [Int]
  private let text: TextDocument

  init(_ text: TextDocument) {
    self.text = text
    var starts: [Int] = []
    starts.reserveCapacity(text.lines.count)
    var at = 0
    for line in text.lines {
      starts.append(at)
      at += line.bytes.count + line.end.bytes.count
    }
    self.starts = starts
  }

  /// The place of a byte offset in the text.
  func place(of offset: Int) -> DocumentPlace {
    var low = 0
    var high = starts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    return text.clamped(DocumentPlace(line: low, byte: offset - starts[low]))
  }

  /// The places of the ends of a range of the file.
  func places(of range: SourceRange) -> (start: DocumentPlace, end: DocumentPlace) {
    (place(of: range.range.lowerBound), place(of: range.range.upperBound))
  }
}
