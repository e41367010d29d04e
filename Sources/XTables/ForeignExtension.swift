/// Where matches and targets may be found that no file here declares: libxtables, in a process of its own.
///
/// A ``Registry`` holds one and asks it where it knows nothing itself.
public protocol ForeignExtensions: Sendable {
  /// - Parameter revision: the only one wanted, as a structure in a blob has it; nothing for the one to be used in new rules.
  func find(_ kind: ExtensionDescriptor.Kind, named name: String, revision: UInt8?, _ family: Family) -> ForeignAnswer
  /// What went wrong where nobody could be told, a sentence each.
  var complaints: [String] { get }
}

/// What became of looking for a foreign extension.
public enum ForeignAnswer: Sendable {
  case found(ExtensionDescriptor)
  /// There is none, and perhaps more to say about it than that.
  case absent(reason: String?)

  public var descriptor: ExtensionDescriptor? { if case .found(let descriptor) = self { descriptor } else { nil } }
}

/// One match or target that another program reads, lays out and prints, and of whose meaning nothing is known.
public protocol ForeignExtension: Sendable {
  var facts: ForeignFacts { get }
  /// Reads one option into the state of a rule's use of the extension.
  ///
  /// - Parameter state: what the call before returned, or nothing before the first.
  /// - Returns: the new state, and how many words were taken beyond the option's argument.
  func read(_ call: ForeignOptionCall, into state: [UInt8]) throws(OptionError) -> (state: [UInt8], words: Int)
  /// Checks the options as a whole, and gives the kernel's structure.
  ///
  /// - Returns: beside the structure whether it points into the memory of the program that made it.
  func finish(_ state: [UInt8]) throws(OptionError) -> (structure: [UInt8], holdsAddress: Bool)
  /// Nothing where the extension failed to print, or printed what is no text of one line.
  func text(of payload: [UInt8], protocolNumber: UInt8, _ form: ForeignTextForm) -> ForeignText?
  /// What `iptables -m NAME -h` adds to the general help.
  var help: String { get }
}

/// What an extension of libxtables declares; the corresponding C structures are `xtables_match` and `xtables_target`.
public struct ForeignFacts: Sendable {
  public struct Option: Sendable {
    /// Without its `--`.
    public let name: String
    /// How many arguments follow it at least: 0 or 1.
    public let arity: Int
    public let mayHaveArgument: Bool

    public init(name: String, arity: Int, mayHaveArgument: Bool) {
      self.name = name
      self.arity = arity
      self.mayHaveArgument = mayHaveArgument
    }
  }

  public var kind: ExtensionDescriptor.Kind
  public var family: Family
  public var name: String
  /// The name in the kernel's structures.
  public var kernelName: String
  public var revision: UInt8
  /// Bytes of the structure, aligned.
  public var size: Int
  /// How many leading bytes user space and kernel agree on.
  public var userSize: Int
  public var options: [Option]

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

/// What an extension of libxtables sees when one of its options is read.
public struct ForeignOptionCall: Sendable {
  /// Its place among the options.
  public let option: Int
  public let isInverted: Bool
  public let argument: Token?
  /// All words of the rule, of which an extension may take more than the option's argument.
  public let words: [Token]
  /// The place of the word behind the option and its argument.
  public let next: Int
  public let draft: RuleDraft

  public init(option: Int, isInverted: Bool, argument: Token?, words: [Token], next: Int, draft: RuleDraft) {
    self.option = option
    self.isInverted = isInverted
    self.argument = argument
    self.words = words
    self.next = next
    self.draft = draft
  }
}

/// The forms in which an extension of libxtables prints itself.
public enum ForeignTextForm: UInt8, Sendable {
  /// As `iptables-save` has it.
  case saved = 0
  /// As `iptables -L` has it.
  case listed = 1
  /// As `iptables -L -n` has it.
  case listedNumerically = 2
}

/// What an extension printed.
public struct ForeignText: Sendable {
  /// The name by which the structure is to be asked for, where one of several names fits it better.
  public let name: String
  /// Nothing where the extension has no way to print this form.
  public let bytes: [UInt8]?

  public init(name: String, bytes: [UInt8]?) {
    self.name = name
    self.bytes = bytes
  }
}
