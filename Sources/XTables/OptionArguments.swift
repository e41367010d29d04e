/// What the reader of one option is given.
public struct OptionArguments: Sendable {
  private let descriptor: ExtensionDescriptor
  private let index: Int
  private let seenBits: UInt64
  /// The first argument; the option itself where it takes none.
  public let token: Token
  /// The second argument of an option that takes two.
  public let second: Token
  public let inverted: Bool
  public let draft: RuleDraft
  public let names: NameDatabase
  /// Where numbers go that are kept as others; nothing where nobody asks.
  let wraps: WrappedNumbers?

  public init(
    of descriptor: ExtensionDescriptor, option index: Int, token: Token, second: Token, inverted: Bool, draft: RuleDraft,
    names: NameDatabase, seen: SeenOptions, wraps: WrappedNumbers? = nil
  ) {
    self.wraps = wraps
    self.descriptor = descriptor
    self.index = index
    self.token = token
    self.second = second
    self.inverted = inverted
    self.draft = draft
    self.names = names
    seenBits = seen.bits
  }

  /// The full name of the option, `--dport`, even where it was abbreviated.
  public var option: String { descriptor.options[index].name }

  /// The name of the extension, for messages.
  public var owner: String { descriptor.name }

  /// The options this match or target has been given before.
  public var seen: SeenOptions { descriptor.unseen.with(bits: seenBits) }

  /// The complaint `xtables_param_act(XTF_BAD_VALUE)` makes.
  public func badValue(_ token: Token? = nil, hint: String? = nil) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value", "\(owner): Bad value for \"\(option)\" option: \"\(token.string)\"", at: token.range, hint: hint)
  }

  /// The complaint of the guided option parser about an option that was given before.
  public var repeated: OptionError { .repeated(option, of: owner, at: token.range) }

  /// The complaint of the guided option parser about a number that is none or out of its range.
  public func outOfRange(_ token: Token? = nil, _ range: ClosedRange<UInt64>) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value",
      "\(owner): bad value for option \"\(option)\", or out of range (\(range.lowerBound)-\(range.upperBound)).\n",
      at: token.range, hint: "give a number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Any other complaint about this option.
  public func refused(_ id: String, _ message: String, at token: Token? = nil, hint: String? = nil) -> OptionError {
    OptionError(id, "\(owner): \(message)", at: (token ?? self.token).range, hint: hint)
  }
}
