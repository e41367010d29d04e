public import Diagnostics

/// A ruleset file as its lines: nothing is lost, so printing it gives the same bytes.
public struct RulesetSyntax: Sendable {
  public let file: SourceFile
  public let lines: [LineSyntax]

  init(file: SourceFile, lines: [LineSyntax]) {
    self.file = file
    self.lines = lines
  }

  /// All lines, byte for byte.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(file.bytes.count)
    for line in lines { result.append(contentsOf: file.bytes[line.range.range]) }
    return result
  }
}

/// One line with its newline.
public struct LineSyntax: Sendable {
  public enum Kind: Sendable, Hashable {
    case blank
    case comment
    /// `*table`
    case table
    /// `:CHAIN POLICY [p:b]`
    case chain
    /// `-A` and all other commands.
    case command
    case commit
  }

  public let kind: Kind
  public let range: SourceRange
  /// Where the newline begins, or the file ends.
  public let contentEnd: UInt32

  /// The line without its newline.
  public var content: SourceRange { SourceRange(Int(range.lowerBound)..<Int(contentEnd)) }
}

extension RulesetSyntax {
  /// Splits a file into lines and tells their kinds as iptables-restore does, by their first bytes only.
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
