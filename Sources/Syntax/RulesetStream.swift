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
  /// A shape of the rules that follow.
  ///
  /// - Parameters:
  ///   - index: the number of the shape; one more than that of the shape before, from 0.
  ///   - text: the text of the values.
  ///   - chain: the index of the chain of its rule. The rules of other user chains may have the shape too.
  /// - Returns: false if the rules of this shape are to be passed as rules.
  func learn(_ shape: RuleShape, as index: Int, from text: [UInt8], to chain: Int, of table: Table) -> Bool
  /// A rule of a learnt shape.
  ///
  /// - Parameters:
  ///   - values: the values of its line, one for each place of the shape.
  ///   - text: the text in which the offsets of the values are.
  func append(_ rule: ShapedRule, _ values: [PlainValue], of text: [UInt8], to chain: Int)
  /// No learnt shape is used again.
  func forgetShapes()
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
  private let sink: any RuleSink

  /// Creates a stream that passes the rules to `sink`.
  public init(_ parser: RulesetParser, into sink: some RuleSink) {
    reader = RulesetReader(parser: parser, sink: sink)
    self.sink = sink
  }

  /// Whether iptables would print no notice either.
  public var isSilent: Bool { reader.notices.isEmpty }

  /// Whether the text so far has nothing to report and only appends rules.
  public var isPlain: Bool { reader.diagnostics.isEmpty && !reader.needsRules }

  /// The number of rules that were read by their shape, and not by the parser.
  public var shapedRules: Int { reader.shapedRules }

  /// Reads the next bytes. Does nothing once the text is not plain.
  ///
  /// - Parameter piece: the next bytes, cut anywhere; empty at the end of the text.
  public mutating func read(_ piece: [UInt8]) {
    guard isPlain else { return }
    let whole = lines.lines(adding: piece)
    if !whole.isEmpty { reader.stream(whole, into: sink) }
    if piece.isEmpty { reader.finish() }
  }
}
