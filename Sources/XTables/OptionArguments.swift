/// What the reader of one option is given.
public struct OptionArguments: Sendable {
  /// The full name of the option, `--dport`, even where it was abbreviated.
  public let option: String
  /// The name of the extension, for messages.
  public let owner: String
  public let tokens: [Token]
  public let inverted: Bool
  public let draft: RuleDraft
  public let names: NameDatabase
  /// The names of the options this match or target has been given before.
  public let seen: Set<String>

  public init(
    option: String, owner: String, tokens: [Token], inverted: Bool = false, draft: RuleDraft,
    names: NameDatabase = .builtin, seen: Set<String> = []
  ) {
    self.option = option
    self.owner = owner
    self.tokens = tokens
    self.inverted = inverted
    self.draft = draft
    self.names = names
    self.seen = seen
  }

  /// The first argument. Reading it is safe for every option declared with an argument.
  public var token: Token { tokens.first ?? Token("") }

  /// The complaint `xtables_param_act(XTF_BAD_VALUE)` makes.
  public func badValue(_ token: Token? = nil, hint: String? = nil) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value", "\(owner): Bad value for \"\(option)\" option: \"\(token.string)\"", at: token.range, hint: hint)
  }

  /// The complaint of the guided option parser about a number that is none or out of its range.
  public func outOfRange(_ token: Token? = nil, _ range: ClosedRange<UInt64>) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value",
      "\(owner): bad value for option \"\(option)\", or out of range (\(range.lowerBound)-\(range.upperBound)).",
      at: token.range, hint: "give a number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Any other complaint about this option.
  public func refused(_ id: String, _ message: String, at token: Token? = nil, hint: String? = nil) -> OptionError {
    OptionError(id, "\(owner): \(message)", at: (token ?? self.token).range, hint: hint)
  }
}
