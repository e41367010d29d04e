/// The syntax of one kind of value: parsing, printing, grammar and samples in a single declaration.
///
/// The corresponding C enumeration is `xt_option_type`. Here a new kind changes no existing code.
public struct ValueSyntax<Value: Sendable>: Sendable {
  /// The shape in help texts: `value[/mask]`.
  public let placeholder: String
  /// The right-hand side in the EBNF of `Grammar/extensions.ebnf`.
  public let grammar: String
  /// Texts that parse, the ends of the range included. The sentence generator draws from them.
  public let samples: [String]
  /// Texts that must not parse.
  public let nearMisses: [String]
  /// The greatest number of a range `LOW:HIGH`; nil if the values are no ranges.
  public let greatest: UInt64?
  /// The simple form of the arguments; nil if there is none.
  public let plain: PlainForm?
  /// Parses an argument; throws an error in the words of iptables.
  public let parse: @Sendable (Token, OptionArguments) throws(OptionError) -> Value
  /// Appends a value as iptables-save prints it.
  public let print: @Sendable (Value, inout RuleText) -> Void

  /// Creates a syntax.
  @inlinable
  public init(
    placeholder: String, grammar: String, samples: [String], nearMisses: [String] = [], greatest: UInt64? = nil,
    plain: PlainForm? = nil,
    parse: @escaping @Sendable (Token, OptionArguments) throws(OptionError) -> Value,
    print: @escaping @Sendable (Value, inout RuleText) -> Void
  ) {
    self.placeholder = placeholder
    self.grammar = grammar
    self.samples = samples
    self.nearMisses = nearMisses
    self.greatest = greatest
    self.plain = plain
    self.parse = parse
    self.print = print
  }
}
