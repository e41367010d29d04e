public import Wire

/// Finds matches and targets that Ferrule does not declare: those of libxtables, in a separate process.
///
/// A ``Registry`` holds one and calls it for names that are not declared.
public protocol ForeignExtensions: Sendable {
  /// Looks for a match or target.
  ///
  /// - Parameter revision: the revision of a structure in a blob; nil for the one that new rules use.
  func find(_ kind: ExtensionDescriptor.Kind, named name: String, revision: UInt8?, _ family: Family) -> ForeignAnswer
  /// Problems that could not be reported where they occurred, one sentence each.
  var complaints: [String] { get }
}

/// The result of looking for an extension.
public enum ForeignAnswer: Sendable {
  /// The extension exists.
  case found(ExtensionDescriptor)
  /// There is none. `reason` is a sentence on why, if one is known.
  case absent(reason: String?)

  /// The descriptor that was found; nil if there is none.
  public var descriptor: ExtensionDescriptor? { if case .found(let descriptor) = self { descriptor } else { nil } }
}

/// One match or target that another program parses, lays out and prints. Its meaning is unknown.
public protocol ForeignExtension: Sendable {
  /// What the extension declares.
  var facts: ForeignFacts { get }
  /// Reads one option of a rule.
  ///
  /// - Parameter state: the result of the previous call; empty for the first option.
  /// - Returns: the new state, and the number of words taken beyond the option's argument.
  func read(_ call: ForeignOptionCall, into state: [UInt8]) throws(OptionError) -> (state: [UInt8], words: Int)
  /// Checks the options as a whole and makes the kernel's structure.
  ///
  /// - Returns: the structure, and whether it contains addresses of the other program's memory.
  func finish(_ state: [UInt8]) throws(OptionError) -> (structure: [UInt8], holdsAddress: Bool)
  /// Prints a structure; nil if the extension failed, or printed something other than one line of text.
  func text(of payload: [UInt8], protocolNumber: UInt8, _ form: ForeignTextForm) -> ForeignText?
  /// The help that `iptables -m NAME -h` adds to the general help.
  var help: String { get }
}

/// The declarations of an extension of libxtables. The corresponding C structures are `xtables_match` and `xtables_target`.
public struct ForeignFacts: Sendable {
  /// One option of the extension.
  public struct Option: Sendable {
    /// The long name without `--`.
    public let name: String
    /// The number of required arguments: 0 or 1.
    public let arity: Int
    /// Whether an optional argument may follow an option of arity 0.
    public let mayHaveArgument: Bool

    /// Creates an option.
    public init(name: String, arity: Int, mayHaveArgument: Bool) {
      self.name = name
      self.arity = arity
      self.mayHaveArgument = mayHaveArgument
    }
  }

  /// Whether the extension is a match or a target.
  public var kind: ExtensionDescriptor.Kind
  /// The family it was loaded for.
  public var family: Family
  /// The name after `-m` or `-j`.
  public var name: String
  /// The name in the kernel's structures.
  public var kernelName: String
  /// The revision of the structure.
  public var revision: UInt8
  /// The size of the structure in bytes, aligned.
  public var size: Int
  /// The number of leading bytes that user space sets; the kernel uses the rest.
  public var userSize: Int
  /// All options of the extension.
  public var options: [Option]

  /// Creates the facts of an extension.
  public init(
    kind: ExtensionDescriptor.Kind, family: Family, name: String, kernelName: String, revision: UInt8, size: Int, userSize: Int,
    options: [Option]
  ) {
    self.kind = kind
    self.family = family
    self.name = name
    self.kernelName = kernelName
    self.revision = revision
    self.size = size
    self.userSize = userSize
    self.options = options
  }
}

/// The input of an extension of libxtables when one of its options is read.
public struct ForeignOptionCall: Sendable {
  /// The index of the option in ``ForeignFacts/options``.
  public let option: Int
  /// Whether `!` precedes the option.
  public let isInverted: Bool
  /// The option's argument; nil if it has none.
  public let argument: Token?
  /// All words of the rule; the extension may take more of them than the option's argument.
  public let words: [Token]
  /// The index of the word after the option and its argument.
  public let next: Int
  /// What is known of the rule so far.
  public let draft: RuleDraft

  /// Creates a call.
  public init(option: Int, isInverted: Bool, argument: Token?, words: [Token], next: Int, draft: RuleDraft) {
    self.option = option
    self.isInverted = isInverted
    self.argument = argument
    self.words = words
    self.next = next
    self.draft = draft
  }
}

/// The forms in which an extension of libxtables prints a structure.
public enum ForeignTextForm: UInt8, Sendable {
  /// The form of `iptables-save`.
  case saved = 0
  /// The form of `iptables -L`.
  case listed = 1
  /// The form of `iptables -L -n`.
  case listedNumerically = 2
}

/// The printed form of a structure.
public struct ForeignText: Sendable {
  /// The name after `-m` or `-j`; an alias if the extension chose one for this structure.
  public let name: String
  /// The text; nil if the extension cannot print this form.
  public let bytes: [UInt8]?

  /// Creates a text.
  public init(name: String, bytes: [UInt8]?) {
    self.name = name
    self.bytes = bytes
  }
}
