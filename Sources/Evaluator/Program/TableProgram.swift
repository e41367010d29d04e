import Conntrack
import Netfilter
public import Wire
public import XTables

/// A table compiled to an array of entries for the hot path.
///
/// As in the kernel's form, built-in chains end with an entry for their policy, and user-defined chains with one that returns. The
/// corresponding kernel structure is `xt_table_info`.
public final class TableProgram: Sendable {
  /// The reason why a table cannot be compiled.
  public enum Failure: Error, Sendable {
    /// Chains jump in a loop.
    case loop(ChainReach.Loop)
    case unknownChain(String, in: String)
  }

  /// The table's name.
  public let name: TableName
  /// The table's family.
  public let family: Family
  /// The table as it was given.
  public let table: Table
  /// The kernel services that its rules need, such as connection tracking.
  public let services: KernelServices

  let entries: [ProgramEntry]
  let places: [EntryPlace]
  let wides: [WideAddresses]
  let patterns: [InterfacePattern]
  let matches: MatchProgram
  let matchCount: Int
  let targets: [@Sendable (inout PacketContext) -> TargetOutcome]
  /// By hook number: the entry where the chain starts, and below that of its policy; -1 if the table has no chain there.
  let starts: InlineArray<5, Int32>
  let underflows: InlineArray<5, Int32>
  /// By chain index: the chain's first entry.
  let chainStarts: [Int32]
  /// The greatest nesting depth of user-defined chains.
  let stackSize: Int
  /// The number of this table's first match or target in the ``ExtensionMemory``.
  let firstSlot: Int
  /// Whether the table is one of nf_tables.
  let usesNfTables: Bool
  /// The base chain of nf_tables that the table stands for; nil for a table of iptables.
  let native: NativeProgram?
  /// Whether a chain has so many rules that an index may be of use.
  let hasLongChains: Bool

  /// Compiles a table.
  ///
  /// - Parameters:
  ///   - firstSlot: the number for the first match or target, under which it stores its state.
  ///   - usesNfTables: true if iptables-nft loads the table: its rules then mean what the expressions mean that it writes.
  /// - Throws: `Failure` if chains form a loop or a jump leads to a missing chain.
  public convenience init(_ table: Table, firstSlot: Int = 0, usesNfTables: Bool = false) throws(Failure) {
    try self.init(table, nil, firstSlot: firstSlot, usesNfTables: usesNfTables)
  }

  /// Compiles a base chain of nf_tables with the chains that it leads to.
  ///
  /// - Parameter firstSlot: as for a table.
  /// - Throws: `Failure` if chains form a loop or a jump leads to a missing chain.
  public convenience init(_ chain: NativeProgram, firstSlot: Int) throws(Failure) {
    try self.init(chain.table, chain, firstSlot: firstSlot, usesNfTables: true)
  }

  private init(_ table: Table, _ native: NativeProgram?, firstSlot: Int, usesNfTables: Bool) throws(Failure) {
    if let loop = ChainReach(table).loop { throw .loop(loop) }
    var builder = ProgramBuilder(table, firstSlot: firstSlot, usesNfTables: usesNfTables)
    try builder.build()
    self.table = table
    self.firstSlot = firstSlot
    self.usesNfTables = usesNfTables
    self.native = native
    name = table.name
    family = table.family
    services = builder.services
    entries = builder.entries
    places = builder.places
    wides = builder.wides
    patterns = builder.patterns
    matches = builder.matches
    matchCount = builder.matchCount
    targets = builder.targets
    creators = builder.creators
    chainStarts = builder.chainStarts
    stackSize = table.chains.count
    // The index knows conditions as ip_tables tests them, not as the expressions of nf_tables do.
    hasLongChains = !usesNfTables && table.chains.contains { $0.rules.count > LoadedTable.shortChain }
    var starts = InlineArray<5, Int32>(repeating: -1)
    var underflows = InlineArray<5, Int32>(repeating: -1)
    for (index, chain) in table.chains.enumerated() {
      guard let hook = chain.hook else { continue }
      starts[hook.rawValue] = builder.chainStarts[index]
      underflows[hook.rawValue] = builder.chainStarts[index] + Int32(chain.rules.count)
    }
    self.starts = starts
    self.underflows = underflows
  }

  /// The entries of a chain's rules. The entry behind them is the end of the chain.
  func rules(of chain: Int) -> Range<Int> {
    let start = Int(chainStarts[chain])
    return start..<(start + table.chains[chain].rules.count)
  }

  /// The address and the mask that an entry tests the source for.
  func sourcePattern(_ entry: ProgramEntry) -> (value: UInt128, mask: UInt128) {
    guard family == .ipv6 else { return (UInt128(entry.source), UInt128(entry.sourceMask)) }
    return (wides[Int(entry.wide)].source, wides[Int(entry.wide)].sourceMask)
  }

  /// The address and the mask that an entry tests the destination for.
  func destinationPattern(_ entry: ProgramEntry) -> (value: UInt128, mask: UInt128) {
    guard family == .ipv6 else { return (UInt128(entry.destination), UInt128(entry.destinationMask)) }
    return (wides[Int(entry.wide)].destination, wides[Int(entry.wide)].destinationMask)
  }

  /// The matches and targets whose loading creates objects outside of the rules.
  private let creators: [ExtensionUse]

  /// How many numbers its matches and targets occupy.
  public var slotCount: Int { matchCount + targets.count }

  /// Counters of 0 for every entry.
  public var freshCounters: [Counters] { [Counters](repeating: .zero, count: entries.count) }

  /// Creates the shared state of the rules' extensions, in the order of the rules.
  func start(in world: World) {
    for use in creators { use.descriptor.start(use.payload, family, in: world) }
  }

  /// The line that TRACE logs for an entry. An unconditional rule with a verdict is logged like the end of its chain. The
  /// corresponding kernel function is `trace_packet`.
  func traceLine(_ at: Int, _ context: PacketContext) -> String {
    let place = places[at]
    let chain = table.chains[Int(place.chain)]
    let isVerdict = [ProgramEntry.Action.accept, .drop, .queue, .return].contains(entries[at].action)
    let isUnconditional = entries[at].tests.isEmpty && !entries[at].hasMatches
    let kind = isVerdict && isUnconditional ? chain.hook == context.hook ? "policy" : "return" : "rule"
    return LogLine.text(for: context, prefix: "TRACE: \(name.rawValue):\(chain.name):\(kind):\(place.number) ", content: .traced)
  }

  /// The table with the given counters instead of its own.
  public func counted(_ counters: [Counters]) -> Table {
    var table = table
    for index in table.chains.indices {
      let start = Int(chainStarts[index])
      table.update(at: index) { chain in
        for rule in chain.rules.indices { chain.rules[rule].counters = counters[start + rule] }
        if chain.isBuiltin { chain.counters = counters[start + chain.rules.count] }
      }
    }
    return table
  }
}

/// Compiles a table's entries.
private struct ProgramBuilder {
  let table: Table
  let firstSlot: Int
  let usesNfTables: Bool
  var entries: [ProgramEntry] = []
  var places: [EntryPlace] = []
  var wides: [WideAddresses] = []
  var patterns: [InterfacePattern] = []
  var matches = MatchProgram()
  var matchCount = 0
  var targets: [@Sendable (inout PacketContext) -> TargetOutcome] = []
  var chainStarts: [Int32] = []
  var services: KernelServices = []
  var creators: [ExtensionUse] = []
  private var patternNumbers: [InterfacePattern: Int32] = [:]

  init(_ table: Table, firstSlot: Int, usesNfTables: Bool) {
    self.table = table
    self.firstSlot = firstSlot
    self.usesNfTables = usesNfTables
  }

  mutating func build() throws(TableProgram.Failure) {
    var next: Int32 = 0
    for chain in table.chains {
      chainStarts.append(next)
      next += Int32(chain.rules.count) + 1
    }
    entries.reserveCapacity(Int(next))
    places.reserveCapacity(Int(next))
    for (index, chain) in table.chains.enumerated() {
      for (position, rule) in chain.rules.enumerated() {
        entries.append(try entry(rule, in: chain))
        places.append(EntryPlace(chain: Int32(index), number: Int32(position) + 1))
      }
      var end = ProgramEntry()
      end.action = chain.hook == nil ? .return : chain.policy == .drop ? .drop : .accept
      entries.append(end)
      places.append(EntryPlace(chain: Int32(index), number: Int32(chain.rules.count) + 1))
    }
  }

  private mutating func entry(_ rule: Rule, in chain: Chain) throws(TableProgram.Failure) -> ProgramEntry {
    var entry = ProgramEntry()
    lay(rule.header, into: &entry)
    var uses: [(behaviour: MatchBehaviour, payload: [UInt8])] = []
    for use in rule.matches {
      guard case .match(let behaviour) = use.descriptor.behaviour else { continue }
      let steps = usesNfTables ? use.descriptor.native?.encode(use.payload) : nil
      uses.append((steps.flatMap { NativeStep.condition($0) }.map { behaviour.meaning($0) } ?? behaviour, use.payload))
      note(use)
    }
    entry.matches = matches.add(uses, table.family, firstSlot: firstSlot + matchCount)
    entry.hasMatches = !uses.isEmpty
    matchCount += uses.count
    switch rule.target {
    case .none: entry.action = .next
    case .verdict(.accept): entry.action = .accept
    case .verdict(.drop): entry.action = .drop
    case .verdict(.queue): entry.action = .queue
    case .verdict(.return): entry.action = .return
    case .jump(let name):
      entry.action = .jump
      entry.argument = try start(of: name, from: chain)
    case .goto(let name):
      entry.action = .goto
      entry.argument = try start(of: name, from: chain)
    case .use(let use):
      entry.action = .target
      entry.argument = Int32(targets.count)
      note(use)
      if case .target(let behaviour) = use.descriptor.behaviour { targets.append(behaviour.action(use.payload)) }
    }
    return entry
  }

  private mutating func note(_ use: ExtensionUse) {
    services.formUnion(use.descriptor.services(use.payload))
    if use.descriptor.hasStart { creators.append(use) }
  }

  private func start(of name: String, from chain: Chain) throws(TableProgram.Failure) -> Int32 {
    guard let index = table.index(of: name) else { throw .unknownChain(name, in: chain.name) }
    return chainStarts[index]
  }

  /// Compiles a header. This is the fast form of ``RuleHeader/condition(_:)``; a test compares the two.
  private mutating func lay(_ header: RuleHeader, into entry: inout ProgramEntry) {
    let inverted = header.inverted
    func set(_ test: ProgramEntry.Tests, _ isThere: Bool, _ isInverted: Bool) {
      if isThere || isInverted { entry.tests.insert(test) }
      if isInverted { entry.inverted.insert(test) }
    }
    set(.source, header.source != AddressMask(), inverted.contains(.source))
    set(.destination, header.destination != AddressMask(), inverted.contains(.destination))
    set(.input, !header.input.matchesAll, inverted.contains(.input))
    set(.output, !header.output.matchesAll, inverted.contains(.output))
    set(.protocol, header.protocolNumber != 0, false)
    if header.protocolNumber != 0, inverted.contains(.protocol) { entry.inverted.insert(.protocol) }
    set(.fragment, header.isFragment, false)
    if header.isFragment, inverted.contains(.fragment) { entry.inverted.insert(.fragment) }
    if table.family == .ipv6, usesNfTables {
      if header.protocolNumber != 0 { entry.tests.insert(.headerChain) }
    } else if table.family == .ipv6 {
      // Without the flag set by -p the kernel ignores the protocol, whatever its number.
      if header.isProtocolGiven { entry.tests.insert(.headerChain) } else { entry.tests.remove(.protocol) }
    }
    entry.proto = header.protocolNumber
    entry.input = pattern(header.input)
    entry.output = pattern(header.output)
    if table.family == .ipv4 {
      entry.source = UInt32(truncatingIfNeeded: header.source.address)
      entry.sourceMask = UInt32(truncatingIfNeeded: header.source.mask)
      entry.destination = UInt32(truncatingIfNeeded: header.destination.address)
      entry.destinationMask = UInt32(truncatingIfNeeded: header.destination.mask)
    } else if entry.tests.contains(.source) || entry.tests.contains(.destination) {
      entry.wide = Int32(wides.count)
      wides.append(
        WideAddresses(
          source: header.source.address, sourceMask: header.source.mask, destination: header.destination.address,
          destinationMask: header.destination.mask))
    }
  }

  private mutating func pattern(_ pattern: InterfacePattern) -> Int32 {
    if let number = patternNumbers[pattern] { return number }
    let number = Int32(patterns.count)
    patterns.append(pattern)
    patternNumbers[pattern] = number
    return number
  }
}
