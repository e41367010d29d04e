/// What is known of an option without the type of its extension's structure: the name, the argument's shape and the rules of use.
public final class OptionDescriptor: Sendable {
  /// The long name with its dashes, such as `--dport`.
  public let name: String
  /// The letter of the short form; nil if there is none.
  public let short: Character?
  /// Further long names of the same option.
  public let aliases: [String]
  /// The number of required arguments: 0, 1 or 2.
  public let arity: Int
  /// Whether an optional argument may follow an option of arity 0.
  public let mayHaveArgument: Bool
  /// The shape of the argument in help texts: `value[/mask]`.
  public let placeholder: String
  /// The argument in the EBNF of `Grammar/extensions.ebnf`.
  public let grammar: String
  /// Arguments that are accepted, the ends of the range included.
  public let samples: [String]
  /// Arguments that must be refused.
  public let nearMisses: [String]
  /// Whether `!` may precede the option.
  public let isInvertible: Bool
  /// Whether the option may be given more than once.
  public let isRepeatable: Bool
  /// Whether a rule must give the option.
  public let isMandatory: Bool
  /// The names of options that must not be given together with this one.
  public let excludes: [String]
  /// The names of options that must be given together with this one.
  public let requires: [String]
  /// What the argument is; nil if no program outside the language needs to know. See ``OptionUse/content``.
  public let content: OptionContent?
  /// The greatest number of an argument `LOW:HIGH`; nil for other arguments.
  public let greatest: UInt64?
  /// The place of an argument of the simple form; nil if the option's parser must read every argument.
  public let plain: PlainField?
  /// One sentence for help and documentation; may be empty.
  public let summary: String

  init(
    _ name: String, arity: Int, placeholder: String, grammar: String, samples: [String], nearMisses: [String], isInvertible: Bool,
    _ use: OptionUse, plain: PlainField? = nil, _ summary: String
  ) {
    self.name = name
    self.arity = arity
    self.placeholder = placeholder
    self.grammar = grammar
    self.samples = samples
    self.nearMisses = nearMisses
    self.isInvertible = isInvertible
    self.plain = plain
    self.summary = summary
    short = use.short
    aliases = use.aliases
    mayHaveArgument = use.mayHaveArgument
    isRepeatable = use.repeatable
    isMandatory = use.mandatory
    excludes = use.excludes
    requires = use.requires
    content = use.content
    greatest = use.greatest
  }
}
