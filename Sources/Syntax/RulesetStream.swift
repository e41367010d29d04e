import Diagnostics
public import XTables

/// Receives the rules of a text while it is read. The tables it is given have their chains but no rules.
public protocol RuleSink: AnyObject {
  /// A table begins; its policies may still change.
  func begin(_ table: Table)
  /// Rules of a chain, in the order of the text.
  ///
  /// - Parameters:
  ///   - chain: the index of the chain in the table.
  ///   - table: the table with all chains declared so far.
  func append(_ rules: [Rule], to chain: Int, of table: Table)
  /// The table is complete, policies included.
  func end(_ table: Table)
}

/// Parses iptables-save text while it arrives and passes the rules on, so that neither text nor rules are kept.
///
/// It reads the same lines as ``RulesetParser`` but reports nothing. If there is anything to report, or a command changes existing
/// rules, the text is not *plain*: the caller must parse the whole text with ``RulesetParser``, which reports what, where and why.
public struct RulesetStream {
  private var lines = LineReader()
  private var reader: RulesetReader

  /// Creates a stream that passes the rules to `sink`.
  public init(_ parser: RulesetParser, into sink: some RuleSink) {
    reader = RulesetReader(parser: parser, sink: sink)
  }

  /// Whether iptables would print no notice either.
  public var isSilent: Bool { reader.notices.isEmpty }

  /// Whether the text so far has nothing to report and only appends rules.
  public var isPlain: Bool { reader.diagnostics.isEmpty && !reader.needsRules }

  /// Reads the next bytes. Does nothing once the text is not plain.
  ///
  /// - Parameter piece: the next bytes, cut anywhere; empty at the end of the text.
  public mutating func read(_ piece: [UInt8]) {
    guard isPlain else { return }
    let whole = lines.lines(adding: piece)
    if !whole.isEmpty { reader.read(RulesetSyntax(SourceFile(name: "", bytes: whole))) }
    if piece.isEmpty { reader.finish() }
  }
}
