import Diagnostics
import Wire
import XTables

/// A rule while its words are being read.
struct RuleBuilder: ~Copyable {
  /// A match or target whose options are still coming in.
  struct Pending {
    private(set) var descriptor: ExtensionDescriptor
    var payload: [UInt8]
    var seen: SeenOptions
    /// The structure was given as it is: no option can follow.
    private(set) var isComplete = false

    init(_ descriptor: ExtensionDescriptor) {
      self.descriptor = descriptor
      payload = descriptor.template
      seen = descriptor.unseen
    }

    /// A foreign extension that was asked for by another name than the kernel's is saved as the one of the kernel's name sees it.
    mutating func takeKernelName(_ parser: CommandParser) {
      guard case .foreign = descriptor.origin, descriptor.kernelName != descriptor.name, payload.count == descriptor.size else { return }
      (descriptor, payload) = parser.registry.decode(
        descriptor.kind, kernelName: descriptor.kernelName, revision: descriptor.revision, payload, parser.family)
    }

    /// A use whose structure is there already.
    init(_ descriptor: ExtensionDescriptor, structure: [UInt8]) {
      self.init(descriptor)
      payload = structure
      isComplete = true
    }
  }

  var header = RuleHeader()
  /// The words after `-s` and `-d`, read when all other options have been.
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
  /// The protocol's own match was loaded because an unknown option asked for it; that happens once.
  var hasImpliedProtocol = false
  /// The options of the rule itself that were given.
  var given = GivenOptions()

  /// The use that the options of a match belong to, found at its first one; nothing at any other.
  ///
  /// libxtables puts a match's options before those it has when a rule names the match for the first time, and lets them be when the
  /// rule names it again: after `-m mark -m connmark -m mark`, `--mark` is connmark's. The corresponding C function is
  /// `command_match`.
  func latestUse(ofMatchFirstNamedAt index: Int) -> Int? {
    if matches.count == 1 { return 0 }
    let descriptor = matches[index].descriptor
    guard !matches[..<index].contains(where: { $0.descriptor === descriptor }) else { return nil }
    return matches.lastIndex { $0.descriptor === descriptor }
  }

  /// One rule for each pair of addresses.
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

  /// Runs the final checks of every extension, in the order in which iptables does.
  mutating func finishExtensions(_ draft: RuleDraft, _ parser: CommandParser) throws(OptionError) {
    for index in matches.indices where !matches[index].isComplete {
      try matches[index].descriptor.finish(&matches[index].payload, seen: matches[index].seen, draft)
      matches[index].takeKernelName(parser)
    }
    if var pending = target, !pending.isComplete {
      try pending.descriptor.finish(&pending.payload, seen: pending.seen, draft)
      pending.takeKernelName(parser)
      target = pending
    }
  }
}

extension RuleDraft {
  /// Inlined, lest the header be copied.
  @inline(__always)
  init(_ header: RuleHeader, _ family: Family, _ table: TableName) {
    self.init(
      family: family, table: table, protocolNumber: header.protocolNumber,
      protocolInverted: header.inverted.contains(.protocol), isFragment: header.isFragment)
  }
}
