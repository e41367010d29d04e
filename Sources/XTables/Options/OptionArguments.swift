/// The input for reading one option.
public struct OptionArguments: Sendable {
  private let descriptor: ExtensionDescriptor
  private let index: Int
  private let seenBits: UInt64
  /// The first argument; the option itself if it takes none.
  public let token: Token
  /// The second argument of an option of arity 2.
  public let second: Token
  /// Whether `!` precedes the option.
  public let inverted: Bool
  /// What is known of the rule so far.
  public let draft: RuleDraft
  /// The names of protocols, services, users and hosts.
  public let names: NameDatabase
  /// Collects the numbers that are stored with fewer bits than written; nil if they are not reported.
  let wraps: WrappedNumbers?

  /// Creates the input for one option of `descriptor`.
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

  /// The full name of the option, such as `--dport`, even if it was abbreviated.
  public var option: String { descriptor.options[index].name }

  /// The name of the extension, for messages.
  public var owner: String { descriptor.name }

  /// The options that this match or target was given before.
  public var seen: SeenOptions { descriptor.unseen.with(bits: seenBits) }

  /// The error of `xtables_param_act(XTF_BAD_VALUE)`.
  public func badValue(_ token: Token? = nil, hint: String? = nil) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value", "\(owner): Bad value for \"\(option)\" option: \"\(token.string)\"", at: token.range, hint: hint)
  }

  /// The error of the guided option parser for an option that was already given.
  public var repeated: OptionError { .repeated(option, of: owner, at: token.range) }

  /// The error of the guided option parser for text that is no number, or a number out of range.
  public func outOfRange(_ token: Token? = nil, _ range: ClosedRange<UInt64>) -> OptionError {
    let token = token ?? self.token
    return OptionError(
      "bad-value",
      "\(owner): bad value for option \"\(option)\", or out of range (\(range.lowerBound)-\(range.upperBound)).\n",
      at: token.range, hint: "give a number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Any other error about this option.
  public func refused(_ id: String, _ message: String, at token: Token? = nil, hint: String? = nil) -> OptionError {
    OptionError(id, "\(owner): \(message)", at: (token ?? self.token).range, hint: hint)
  }
}
