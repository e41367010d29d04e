public import Diagnostics

/// The lines of a ruleset file. Nothing is lost: ``bytes`` gives the file unchanged.
public struct RulesetSyntax: Sendable {
  /// The file.
  public let file: SourceFile
  /// All lines in order.
  public let lines: [LineSyntax]

  init(file: SourceFile, lines: [LineSyntax]) {
    self.file = file
    self.lines = lines
  }

  /// The bytes of all lines, equal to those of the file.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(file.bytes.count)
    for line in lines { result.append(contentsOf: file.bytes[line.range.range]) }
    return result
  }
}

/// One line with its newline.
public struct LineSyntax: Sendable {
  /// The kind of a line, decided by its first bytes as in iptables-restore.
  public enum Kind: Sendable, Hashable {
    /// An empty line.
    case blank
    /// A line that begins with `#`.
    case comment
    /// `*table`
    case table
    /// `:CHAIN POLICY [p:b]`
    case chain
    /// `-A` and all other commands.
    case command
    /// `COMMIT`
    case commit
  }

  /// The kind of the line.
  public let kind: Kind
  /// The place of the line, newline included.
  public let range: SourceRange
  /// The offset of the newline, or of the end of the file.
  public let contentEnd: UInt32

  /// The line without its newline.
  public var content: SourceRange { SourceRange(Int(range.lowerBound)..<Int(contentEnd)) }
}

extension RulesetSyntax {
  /// Splits a file into lines and finds their kinds, as iptables-restore does, by their first bytes only.
  public init(_ file: SourceFile) {
    var lines: [LineSyntax] = []
    lines.reserveCapacity(file.lineCount)
    let bytes = file.bytes
    for number in 1..<(file.lineCount + 1) {
      let content = file.lineRange(number)
      let isTerminated = content.upperBound < bytes.count
      lines.append(
        LineSyntax(
          kind: Self.kind(of: bytes[content], isTerminated: isTerminated),
          range: SourceRange(content.lowerBound..<content.upperBound + (isTerminated ? 1 : 0)),
          contentEnd: UInt32(content.upperBound)))
    }
    self.init(file: file, lines: lines)
  }

  private static func kind(of content: ArraySlice<UInt8>, isTerminated: Bool) -> LineSyntax.Kind {
    switch content.first {
    case nil: .blank
    case UInt8(ascii: "#"): .comment
    case UInt8(ascii: "*"): .table
    case UInt8(ascii: ":"): .chain
    case UInt8(ascii: "C") where isTerminated && content.elementsEqual("COMMIT".utf8): .commit
    default: .command
    }
  }
}
