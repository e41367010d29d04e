internal import Compiler
internal import Netfilter
internal import Wire
internal import XTables

/// The change of one table in nf_tables. Rules that were loaded before in the same order stay: they go on counting, and matches keep what
/// they remember.
struct NftTableChange {
  /// The new table, with the counters that policies begin with. ``forEachRule(of:where:_:)`` has the rules.
  let table: Table
  private let rules: Rules
  /// The loaded table; nil if there is none.
  let live: NftTable?
  /// True if the loaded table is deleted, and none takes its place.
  let isDeleted: Bool
  /// True if nothing of the loaded table stays.
  let isNew: Bool
  let encoder: NativeRuleEncoder

  /// For each rule of a chain, the place of the loaded rule of that chain which stays as it; nil for a rule that is added.
  private var kept: [String: [Int?]] = [:]
  private var keptPolicies: Set<String> = []
  /// The chains that hold other rules than iptables', which stay.
  private var mixed: Set<String> = []

  /// The rules of the new table.
  private enum Rules {
    case typed
    /// Those of a table in the form of ip_tables, with the counters of all its entries and the numbers of the chains' first entries.
    case stored(TableBlob, BlobRules, [Counters], starts: [String: Int])
  }

  /// The kernel searches a rule from the beginning of its chain. Above this number of steps, all rules of the chain are made again.
  private static let longestSearch = 50_000_000

  init(
    _ step: ChangeRecord.Step, _ live: NftTable?, isDeleted: Bool, isNew: Bool, _ registry: Registry
  ) throws(KernelError) {
    let rules: BlobRules
    var table: Table
    do throws(DecompileError) {
      rules = try BlobRules(step.after, registry)
      table = try rules.outline()
    } catch {
      throw KernelError(error, in: step.after)
    }
    try Self.refuseDeepJumps(table)
    self.live = live
    self.isDeleted = isDeleted
    self.isNew = isNew
    encoder = NativeRuleEncoder(table.family)
    let counters = step.counters(from: step.before.allCounters)
    let (old, new) = (ChainEntries.of(step.before), ChainEntries.of(step.after))
    for index in table.chains.indices {
      let entries = new[table.chains[index].name]
      table.update(at: index) { chain in
        chain.rules = []
        if chain.hook != nil, let entries { chain.counters = counters[entries.rules.upperBound] }
      }
    }
    self.table = table
    self.rules = .stored(step.after, rules, counters, starts: new.mapValues(\.rules.lowerBound))
    guard let live, !isNew, !isDeleted else { return }
    for chain in live.chains {
      guard let before = old[chain.name], let after = new[chain.name], table.index(of: chain.name) != nil else { continue }
      if case .entry(let source) = step.origins[after.rules.upperBound], source == before.rules.upperBound {
        keptPolicies.insert(chain.name)
      }
      // The places of the loaded rules that the new ones were, if their forms are the same.
      var sources = after.rules.map { entry -> Int? in
        guard case .entry(let source) = step.origins[entry], before.rules.contains(source) else { return nil }
        return source - before.rules.lowerBound
      }
      let candidates = sources
      func isCandidate(_ place: Int) -> Bool { candidates[place] != nil }
      try forEachRule(of: chain.name, where: isCandidate) { place, rule in
        if let source = sources[place], !hasSameForm(chain.rules[source], rule) { sources[place] = nil }
      }
      let stays = Self.longestIncreasing(sources)
      let changes = chain.rules.count + stays.count - 2 * stays.count { $0 != nil }
      kept[chain.name] =
        changes * chain.rules.count > Self.longestSearch ? [Int?](repeating: nil, count: stays.count) : stays
    }
  }

  /// Refuses chains that lead deeper into each other than nf_tables allows. The kernel's error, EMLINK, names no chain.
  private static func refuseDeepJumps(_ table: Table) throws(KernelError) {
    let path = table.deepestChains()
    guard path.count > Table.nfTablesJumpStack else { return }
    let (first, last) = (path.prefix(3).joined(separator: ", "), path.suffix(1).joined())
    throw KernelError(
      .malformed(
        "its chains jump \(path.count - 1) deep (\(first), … \(last)), and nf_tables allows \(Table.nfTablesJumpStack - 1). Use fewer chains one after the other, or --backend legacy"
      ), family: table.family, table: table.name.rawValue)
  }

  /// A change of which it is known what stays.
  ///
  /// - Parameters:
  ///   - kept: for each rule of a chain, the place of the loaded rule of that chain which stays as it, in ascending order.
  ///   - keptPolicies: the loaded chains whose policies and counters stay.
  ///   - mixed: the chains that hold other rules than iptables', which stay.
  ///   - isNew: true if nothing of the loaded table stays.
  ///   - isDeleted: true if no table takes its place.
  init(
    _ table: Table, _ live: NftTable?, kept: [String: [Int?]], keptPolicies: Set<String>, mixed: Set<String>, isNew: Bool, isDeleted: Bool
  ) {
    (self.table, self.live, self.kept, self.keptPolicies, self.mixed) = (table, live, kept, keptPolicies, mixed)
    (self.isDeleted, self.isNew, rules) = (isDeleted, isNew, .typed)
    encoder = NativeRuleEncoder(table.family)
  }

  /// Whether a loaded rule has the expressions that iptables-nft writes for a rule of the same meaning. What the kernel changes in a
  /// structure, and counters, are ignored.
  private func hasSameForm(_ loaded: NftRule, _ rule: Rule) -> Bool {
    guard loaded.comment == nil, let expressions = try? encoder.expressions(rule), expressions.count == loaded.expressions.count else {
      return false
    }
    return zip(expressions, loaded.expressions).allSatisfy { wanted, found in
      switch (wanted, found) {
      case (.counter, .counter): true
      case (.match(let name, let revision, _), .match(let other, let number, _)): name == other && revision == number
      case (.target(let name, let revision, _), .target(let other, let number, _)): name == other && revision == number
      default: wanted == found
      }
    }
  }

  /// Of numbers that are all different, the longest sequence that increases; the others become nil.
  static func longestIncreasing(_ numbers: [Int?]) -> [Int?] {
    var ends: [Int] = []  // By length, the place of the least last number.
    var previous = [Int](repeating: -1, count: numbers.count)
    for (place, number) in numbers.enumerated() {
      guard let number else { continue }
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if let end = numbers[ends[middle]], end < number { low = middle + 1 } else { high = middle }
      }
      if low > 0 { previous[place] = ends[low - 1] }
      if low == ends.count { ends.append(place) } else { ends[low] = place }
    }
    var result = [Int?](repeating: nil, count: numbers.count)
    var place = ends.last ?? -1
    while place >= 0 {
      result[place] = numbers[place]
      place = previous[place]
    }
    return result
  }

  // MARK: What the batch asks

  /// Passes the rules of a chain of the new table to `body` in order, with their places from 0, and with the counters that they begin with.
  ///
  /// - Parameter isWanted: whether the rule of a place is passed.
  func forEachRule(
    of chain: String, where isWanted: (Int) -> Bool, _ body: (Int, Rule) throws(KernelError) -> Void
  ) throws(KernelError) {
    switch rules {
    case .typed:
      for (place, rule) in (table[chain: chain]?.rules ?? []).enumerated() where isWanted(place) { try body(place, rule) }
    case .stored(let blob, let rules, let counters, let starts):
      let start = starts[chain] ?? 0
      var failure: KernelError?
      do throws(DecompileError) {
        try rules.forEachRule(of: chain, where: isWanted) { place, rule in
          guard failure == nil else { return }
          var rule = rule
          rule.counters = counters[start + place]
          do throws(KernelError) { try body(place, rule) } catch { failure = error }
        }
      } catch {
        throw KernelError(error, in: blob)
      }
      if let failure { throw failure }
    }
  }

  /// The loaded chain of a name, if it stays.
  func liveChain(_ name: String) -> NftChain? { isNew ? nil : live?.chains.first { $0.name == name } }

  /// Whether a chain is there as it is to be, apart from its rules.
  func keepsAsIs(_ chain: Chain) -> Bool { liveChain(chain.name) != nil && (chain.hook == nil || keptPolicies.contains(chain.name)) }

  /// For each rule of a chain, the handle of the loaded rule that stays as it; empty if none does.
  func keptHandles(_ chain: Chain) -> [UInt64?] {
    guard let places = kept[chain.name], places.contains(where: { $0 != nil }), let loaded = liveChain(chain.name) else { return [] }
    return places.map { $0.map { loaded.rules[$0].handle } }
  }

  /// The chains that the new table has not.
  var removedChains: [String] {
    isNew ? [] : live?.chains.map(\.name).filter { table[chain: $0] == nil } ?? []
  }

  /// The chains of which rules are deleted, with the handles of these; nil for all rules.
  var removedRules: [(chain: String, handles: [UInt64]?)] {
    guard !isNew, let live else { return [] }
    return live.chains.compactMap { chain in
      let stays = Set((kept[chain.name] ?? []).compactMap(\.self))
      if chain.rules.count == stays.count { return nil }
      return (
        chain.name,
        stays.isEmpty && !mixed.contains(chain.name)
          ? nil : chain.rules.indices.filter { !stays.contains($0) }.map { chain.rules[$0].handle }
      )
    }
  }
}

/// Which entries of a table belong to a chain, by their numbers. The entry that ends the chain follows its rules.
private struct ChainEntries {
  let rules: Range<Int>

  static func of(_ table: TableBlob) -> [String: ChainEntries] {
    var starts: [Int] = []
    starts.reserveCapacity(table.entryCount)
    try? table.forEachEntry(in: nil) { starts.append($0.start) }
    func number(of offset: Int) -> Int {
      var (low, high) = (0, starts.count)
      while low < high {
        let middle = (low + high) / 2
        if starts[middle] < offset { low = middle + 1 } else { high = middle }
      }
      return low
    }
    var found: [String: ChainEntries] = [:]
    for chain in (try? table.chains()) ?? [] {
      found[chain.name] = ChainEntries(rules: number(of: chain.rules.lowerBound)..<number(of: chain.rules.upperBound))
    }
    return found
  }
}
