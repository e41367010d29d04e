/// What the reader of one option is given.
public struct OptionArguments: Sendable {
  /// The full name of the option, `--dport`, even where it was abbreviated.
  public let option: String
  /// The name of the extension, for messages.
  public let owner: String
  /// The first argument; empty for an option without any.
  public let token: Token
  /// The second argument of an option that takes two.
  public let second: Token
  public let inverted: Bool
  public let draft: RuleDraft
  public let names: NameDatabase
  /// The options this match or target has been given before.
  public let seen: SeenOptions

  public init(
    option: String, owner: String, token: Token, second: Token, inverted: Bool, draft: RuleDraft, names: NameDatabase,
    seen: SeenOptions
  ) {
    self.option = option
    self.owner = owner
    self.token = token
    self.second = second
    self.inverted = inverted
    self.draft = draft
    self.names = names
    self.seen = seen
  }

  public init(
    option: String, owner: String, tokens: [Token], inverted: Bool = false, draft: RuleDraft,
    names: NameDatabase = .builtin, seen: SeenOptions = SeenOptions()
  ) {
    self.init(
      option: option, owner: owner, token: tokens.first ?? Token(""), second: tokens.count > 1 ? tokens[1] : Token(""),
      inverted: inverted, draft: draft, names: names, seen: seen)
  }

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
