import Diagnostics
import Wire
import XTables

/// A rule while its words are read.
struct RuleBuilder: ~Copyable {
  /// A match or target while its options are read.
  struct Pending {
    private(set) var descriptor: ExtensionDescriptor
    var payload: [UInt8]
    var seen: SeenOptions
    /// Whether the structure was given as bytes, so that no option may follow.
    private(set) var isComplete = false
    /// Why a part that nothing here can read is not decided; nil for a part that is read.
    var unreadReason: UnknownReason?

    init(_ descriptor: ExtensionDescriptor) {
      self.descriptor = descriptor
      payload = descriptor.template
      seen = descriptor.unseen
    }

    /// Stores the value of an option, which is known from now on to be given.
    mutating func apply(option: Int, _ arguments: OptionArguments) throws(OptionError) {
      try descriptor.apply(option: option, to: &payload, arguments)
      seen.insert(index: option)
    }

    /// Runs the final check of the extension.
    mutating func finish(_ draft: RuleDraft, _ parser: CommandParser) throws(OptionError) {
      guard !isComplete else { return }
      try descriptor.finish(&payload, seen: seen, draft)
      takeKernelName(parser)
      finishUnread()
    }

    /// Replaces a foreign extension that was named by an alias with the one of the kernel's name, because the rule is saved under
    /// that name.
    private mutating func takeKernelName(_ parser: CommandParser) {
      guard case .foreign = descriptor.origin, descriptor.kernelName != descriptor.name, payload.count == descriptor.size else { return }
      (descriptor, payload) = parser.registry.decode(
        descriptor.kind, kernelName: descriptor.kernelName, revision: descriptor.revision, payload, parser.family)
    }

    /// Makes the descriptor of an unread part, after all of its words were added to the payload.
    mutating func finishUnread() {
      guard let unreadReason else { return }
      descriptor = ExtensionDescriptor(
        unread: descriptor.kind, named: descriptor.name, length: payload.count, because: unreadReason)
      isComplete = true
    }

    /// Creates a use from its structure.
    init(_ descriptor: ExtensionDescriptor, structure: [UInt8]) {
      self.init(descriptor)
      payload = structure
      isComplete = true
    }
  }

  var header = RuleHeader()
  /// The words after `-s` and `-d`. They are parsed after all other options.
  var sourceWord: Token?
  var destinationWord: Token?
  var sources = AddressList()
  var destinations = AddressList()
  var matches: [Pending] = []
  var target: Pending?
  /// The word after `-j` or `-g`.
  var jump: Token?
  var isGoto = false
  var counters = Counters.zero
  var protocolWord: String?
  /// Whether the match of the rule's protocol was loaded because of an unknown option; that happens once.
  var hasImpliedProtocol = false
  /// The options of iptables itself that were given.
  var given = GivenOptions()

  /// The index of the use that receives the options of a match, if `index` is the first use of that match; nil for any other index.
  ///
  /// libxtables inserts a match's options before the others when a rule names the match for the first time, and changes nothing
  /// when the rule names it again. After `-m mark -m connmark -m mark`, `--mark` is an option of connmark. The corresponding C
  /// function is `command_match`.
  func latestUse(ofMatchFirstNamedAt index: Int) -> Int? {
    if matches.count == 1 { return 0 }
    let descriptor = matches[index].descriptor
    guard !matches[..<index].contains(where: { $0.descriptor === descriptor }) else { return nil }
    return matches.lastIndex { $0.descriptor === descriptor }
  }

  /// One rule for each pair of a source and a destination address.
  func rules(target resolved: RuleTarget, source range: SourceRange) -> [Rule] {
    var uses: [ExtensionUse] = []
    uses.reserveCapacity(matches.count)
    for pending in matches { uses.append(ExtensionUse(pending.descriptor, payload: pending.payload)) }
    var rules: [Rule] = []
    rules.reserveCapacity(sources.count * destinations.count)
    for source in 0..<sources.count {
      for destination in 0..<destinations.count {
        var header = header
        header.source = sources[source]
        header.destination = destinations[destination]
        rules.append(Rule(header: header, matches: uses, target: resolved, counters: counters, source: range))
      }
    }
    return rules
  }

  /// Runs the final check of each extension, in the order of iptables.
  mutating func finishExtensions(_ draft: RuleDraft, _ parser: CommandParser) throws(OptionError) {
    for index in matches.indices { try matches[index].finish(draft, parser) }
    try target?.finish(draft, parser)
  }
}

extension RuleDraft {
  /// Inlined, because otherwise the header is copied.
  @inline(__always)
  init(_ header: RuleHeader, _ family: Family, _ table: TableName) {
    self.init(
      family: family, table: table, protocolNumber: header.protocolNumber,
      protocolInverted: header.inverted.contains(.protocol), isFragment: header.isFragment)
  }
}
