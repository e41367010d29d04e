import Diagnostics
public import XTables

/// Takes the rules of a text as they are read. The tables it is shown know their chains and no rule.
public protocol RuleSink: AnyObject {
  func begin(_ table: Table)
  /// - Parameters:
  ///   - chain: its index in the table.
  ///   - table: with all chains that were declared before.
  func append(_ rules: [Rule], to chain: Int, of table: Table)
  /// The table is complete, its policies included.
  func end(_ table: Table)
}

/// Reads iptables-save text as it comes and hands its rules on, so that neither text nor rules need be held.
///
/// It reads the lines ``RulesetParser`` reads, and judges none by itself: where there is anything to complain of, or a command
/// edits rules that were there before, the text is not *plain*, and must be read whole by the parser, which tells what, where
/// and why.
public struct RulesetStream {
  private var lines = LineReader()
  private var reader: RulesetReader

  public init(_ parser: RulesetParser, into sink: some RuleSink) {
    reader = RulesetReader(parser: parser, sink: sink)
  }

  /// Nor would iptables print anything beside.
  public var isSilent: Bool { reader.notices.isEmpty }

  public var isPlain: Bool { reader.diagnostics.isEmpty && !reader.needsRules }

  /// - Parameter piece: the text's next bytes, cut anywhere; none at its end.
  public mutating func read(_ piece: [UInt8]) {
    guard isPlain else { return }
    let whole = lines.lines(adding: piece)
    if !whole.isEmpty { reader.read(RulesetSyntax(SourceFile(name: "", bytes: whole))) }
    if piece.isEmpty { reader.finish() }
  }
}
