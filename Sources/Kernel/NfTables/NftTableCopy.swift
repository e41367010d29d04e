internal import Compiler
internal import Glibc
internal import Netfilter
internal import Wire
internal import XTables

/// A copy of a table of nf_tables as iptables sees it, with what was changed since it was read.
struct NftTableCopy {
  private(set) var table: Table
  private let generation: UInt32
  /// The loaded table without rules that iptables cannot express; nil if there is none.
  private let live: NftTable?
  /// For each chain, the loaded rules that the copy's rules are, by their places in the loaded chain; nil for a rule that was added.
  private var origins: [String: [Int?]] = [:]
  private var keptPolicies: Set<String> = []
  /// The chains of which everything is deleted, also what iptables cannot express.
  private var flushed: Set<String> = []
  /// The chains that hold rules which iptables cannot express.
  private let mixed: Set<String>
  private var hasChanged = false
  /// The chains that have to be there. iptables-nft makes a built-in chain when something needs it.
  private var needed: Set<String> = []
  /// The built-in chains that were deleted.
  private var evicted: Set<String> = []
  /// True if nothing of the loaded table stays.
  private var isNew = false
  /// True if the table has chains at hooks that are not iptables'.
  let hasOtherBaseChains: Bool

  init(_ family: Family, _ name: TableName, _ registry: Registry) throws(KernelError) {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    generation = ruleset.generation
    let found = NftIptables(ruleset, family, registry: registry, only: name)
    table = found.tables.first ?? Table(name, family)
    hasOtherBaseChains = found.natives.contains { !$0.isRule && !$0.chain.isEmpty }
    mixed = Set(found.natives.filter(\.isRule).map(\.chain))
    live = NftBuiltinChain.find(name, family, in: ruleset).map { $0.without(found.natives) }
    for chain in live?.chains ?? [] {
      origins[chain.name] = chain.rules.indices.map { $0 }
      keptPolicies.insert(chain.name)
    }
  }

  // MARK: Errors

  private func refusal(_ number: Int32, _ message: String) -> KernelError {
    KernelError(.refused, family: table.family, table: table.name.rawValue, error: SystemError(number: number), message: message)
  }

  /// A refusal of the kernel in the words of iptables-nft, which ends with the status 4.
  private func failure(_ doing: String, _ error: SystemError, _ object: String) -> KernelError {
    KernelError(
      .call("\(doing) failed"), family: table.family, table: table.name.rawValue, error: error,
      message: " \(doing) failed (\(error.text)): \(object)")
  }

  private func index(of chain: String) throws(KernelError) -> Int {
    guard let index = table.index(of: chain) else { throw refusal(ENOENT, "No chain/target/match by that name") }
    return index
  }

  /// Whether all rules of a chain, or of all chains, are ones that iptables can express.
  func isExpressible(_ chain: String?) -> Bool { chain.map { !mixed.contains($0) } ?? mixed.isEmpty }

  // MARK: Changes

  private mutating func edit(_ chain: String, _ body: (inout [Rule], inout [Int?]) -> Void) throws(KernelError) {
    let index = try index(of: chain)
    var places = origins[chain] ?? []
    table.update(at: index) { body(&$0.rules, &places) }
    origins[chain] = places
    needed.insert(chain)
    evicted.remove(chain)
    hasChanged = true
  }

  /// - Parameter number: the new rule's number, from 1; nil for the end.
  mutating func insert(_ rule: Rule, into chain: String, at number: Int?) throws(KernelError) {
    let count = table.chains[try index(of: chain)].rules.count
    guard number ?? 1 <= count + 1, number ?? 1 >= 1 else { throw refusal(E2BIG, "Index of insertion too big") }
    try edit(chain) { rules, places in
      rules.insert(rule, at: number.map { $0 - 1 } ?? count)
      places.insert(nil, at: number.map { $0 - 1 } ?? count)
    }
  }

  mutating func replace(_ rule: Rule, in chain: String, at number: Int) throws(KernelError) {
    try check(number, in: chain, "Index of replacement too big")
    try edit(chain) { rules, places in (rules[number - 1], places[number - 1]) = (rule, nil) }
  }

  mutating func delete(in chain: String, at number: Int) throws(KernelError) {
    try check(number, in: chain, "Index of deletion too big")
    try edit(chain) { rules, places in
      rules.remove(at: number - 1)
      places.remove(at: number - 1)
    }
  }

  private func check(_ number: Int, in chain: String, _ message: String) throws(KernelError) {
    guard table.chains[try index(of: chain)].rules.indices.contains(number - 1) else { throw refusal(E2BIG, message) }
  }

  /// The number of the first rule that is the same.
  func number(of rule: Rule, in chain: String) throws(KernelError) -> Int {
    guard let place = table[chain: chain]?.rules.firstIndex(where: { $0.isSame(as: rule) }) else {
      throw refusal(ENOENT, "Bad rule (does a matching rule exist in that chain?)")
    }
    return place + 1
  }

  mutating func flush(_ chain: String) throws(KernelError) {
    let index = try index(of: chain)
    if !isLoaded(chain), table.chains[index].rules.isEmpty { return }
    try edit(chain) { rules, places in
      rules = []
      places = []
    }
    flushed.insert(chain)
  }

  /// Sets counters to 0: those of one rule, or of a chain.
  mutating func zero(_ chain: String, at number: Int?) throws(KernelError) {
    if let number { try check(number, in: chain, "Index of deletion too big") }
    let index = try index(of: chain)
    if !isLoaded(chain), table.chains[index].rules.isEmpty { return }
    try edit(chain) { rules, places in
      for place in number.map({ $0 - 1..<$0 }) ?? rules.indices where rules[place].counters != .zero {
        rules[place].counters = .zero
        places[place] = nil
      }
    }
    if number == nil, table.chains[index].counters != .zero {
      table.update(at: index) { $0.counters = .zero }
      keptPolicies.remove(chain)
    }
  }

  /// Deletes the table with all that it has, to make it again.
  mutating func clear() {
    table = Table(table.name, table.family)
    (origins, keptPolicies, flushed, needed, evicted) = ([:], [], [], [], [])
    (isNew, hasChanged) = (true, true)
  }

  /// Whether the table that is made has a chain already before the commit.
  private func isLoaded(_ chain: String) -> Bool { !isNew && live?.chains.contains { $0.name == chain } == true }

  /// Makes a chain, or empties the one that is there.
  mutating func declare(_ chain: String) throws(KernelError) {
    if table.index(of: chain) != nil { try flush(chain) } else { try create(chain) }
  }

  /// Notes that a built-in chain is to be there.
  mutating func need(_ chain: String) {
    needed.insert(chain)
    evicted.remove(chain)
    if !isLoaded(chain) { hasChanged = true }
  }

  mutating func create(_ chain: String) throws(KernelError) {
    guard !chain.isEmpty, chain.utf8.count < 32, !chain.utf8.contains(0) else {
      throw KernelError(.malformed("\(chain) is not a valid chain name: a name has 1 to 31 bytes"), family: table.family)
    }
    guard table.addChain(chain) else { throw refusal(EEXIST, "Chain already exists") }
    needed.insert(chain)
    hasChanged = true
  }

  mutating func remove(_ chain: String) throws(KernelError) {
    let index = try index(of: chain)
    let isUsed = table.chains.contains { $0.rules.contains { $0.target.chain == chain } }
    if table.chains[index].policy == .drop { throw refusal(EBUSY, "Directory not empty") }
    guard table.chains[index].rules.isEmpty, !isUsed, !mixed.contains(chain) || flushed.contains(chain) else {
      throw failure("CHAIN_DEL", SystemError(number: EBUSY), "chain \(chain)")
    }
    if table.chains[index].hook == nil {
      table.removeChain(at: index)
    } else {
      evicted.insert(chain)
    }
    needed.remove(chain)
    origins[chain] = nil
    hasChanged = true
  }

  /// Deletes the built-in chains that do nothing.
  mutating func evictIdle() {
    for chain in table.chains
    where chain.hook != nil && chain.policy != .drop && chain.rules.isEmpty && !mixed.contains(chain.name) && isLoaded(chain.name) {
      evicted.insert(chain.name)
      hasChanged = true
    }
  }

  mutating func rename(_ chain: String, to name: String) throws(KernelError) {
    if table.index(of: name) != nil { throw refusal(EEXIST, "File exists") }
    let index = try index(of: chain)
    table.renameChain(at: index, to: name)
    origins[chain] = nil
    // The rules that jump to the chain have its new name.
    for other in table.chains where other.rules.contains(where: { $0.target.chain == name }) {
      origins[other.name] = zip(other.rules, origins[other.name] ?? []).map { $0.target.chain == name ? nil : $1 }
    }
    origins[name] = [Int?](repeating: nil, count: table.chains[index].rules.count)
    needed.formUnion(table.chains.map(\.name).filter { origins[$0]?.isEmpty == false })
    needed.insert(name)
    hasChanged = true
  }

  mutating func setPolicy(_ policy: String, of chain: String, _ counters: Counters?) throws(KernelError) {
    guard let index = table.index(of: chain), table.chains[index].hook != nil else { throw refusal(ENXIO, "Bad built-in chain name") }
    guard let verdict = StandardVerdict(rawValue: policy), verdict == .accept || verdict == .drop else {
      throw refusal(EINVAL, "Bad policy name")
    }
    table.update(at: index) {
      $0.policy = verdict
      if let counters { $0.counters = counters }
    }
    keptPolicies.remove(chain)
    needed.insert(chain)
    evicted.remove(chain)
    hasChanged = true
  }

  // MARK: The transaction

  /// - Returns: false if another program has changed the ruleset since it was read.
  func commit() throws(KernelError) -> Bool {
    guard hasChanged else { return true }
    var table = table
    let unneeded = table.chains.filter { chain in
      chain.hook != nil && (evicted.contains(chain.name) || !needed.contains(chain.name) && !isLoaded(chain.name))
    }
    for chain in unneeded { if let index = table.index(of: chain.name) { table.removeChain(at: index) } }
    // As iptables-nft-restore: after everything was deleted, a table without chains is not made again.
    let isDeleted = isNew && table.chains.isEmpty
    if isDeleted, live == nil { return true }
    let change = NftTableChange(
      table, live, kept: origins, keptPolicies: keptPolicies, mixed: mixed.subtracting(flushed), isNew: isNew, isDeleted: isDeleted)
    var batch = NftBatch(generation: generation, capacity: 1 << 14)
    try batch.change(change, index: 0)
    batch.finish()
    var socket = try NetlinkSocket(.netfilter)
    guard let failure = try socket.commit(batch: batch.bytes, last: batch.last, what: "committing to nf_tables") else { return true }
    if failure.error.number == ERESTART || failure.error.number == EAGAIN { return false }
    if let place = batch.place(of: failure.sequence) {
      var error = self.failure("RULE_APPEND", failure.error, "rule in chain \(place.chain)")
      error.rule = RuleReference(chain: place.chain, rule: place.rule)
      throw error
    }
    throw self.failure("TABLE_ADD", failure.error, "table \(table.name.rawValue)")
  }
}
