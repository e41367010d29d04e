/// How one kind of value is written: parsing, printing, grammar and samples from a single declaration.
///
/// The corresponding C enumeration is `xt_option_type`; here each kind carries its own behaviour, so that adding a kind
/// edits nothing else.
public struct ValueSyntax<Value: Sendable>: Sendable {
  /// The shape shown in help: `value[/mask]`.
  public let placeholder: String
  /// The right-hand side in the EBNF of `Grammar/extensions.ebnf`.
  public let grammar: String
  /// Texts that parse, covering the ends of the range; the sentence generator draws from them.
  public let samples: [String]
  /// Texts that must not parse.
  public let nearMisses: [String]
  public let parse: @Sendable (Token, OptionArguments) throws(OptionError) -> Value
  public let print: @Sendable (Value, inout RuleText) -> Void

  @inlinable
  public init(
    placeholder: String, grammar: String, samples: [String], nearMisses: [String] = [],
    parse: @escaping @Sendable (Token, OptionArguments) throws(OptionError) -> Value,
    print: @escaping @Sendable (Value, inout RuleText) -> Void
  ) {
    self.placeholder = placeholder
    self.grammar = grammar
    self.samples = samples
    self.nearMisses = nearMisses
    self.parse = parse
    self.print = print
  }
}
