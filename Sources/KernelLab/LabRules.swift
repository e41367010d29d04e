internal import Compiler
internal import Kernel
internal import Lab
internal import Notation
internal import Scenarios
internal import Wire
internal import XTables

/// The rules under test in the kernel, with their counters.
struct LabRules {
  private var tables: [LabEnvironment.TableName] = []
  private let registry: Registry
  private let usesNfTables: Bool
  /// The numbers of the rules in traces of nf_tables.
  private(set) var places = NftPlaces()

  /// Creates the scenario's sets and loads its rules.
  init(_ plan: LabPlan) throws(KernelError) {
    registry = plan.registry
    usesNfTables = plan.scenario.usesNfTables
    if !plan.sets.isEmpty {
      var maker = try KernelSets(now: LabEngine.start(plan.scenario))
      try maker.make(plan.sets)
    }
    try load(plan.rulesets)
  }

  /// Loads rules; they replace the tables of the same names. Counters start at 0, as with `iptables-restore`.
  mutating func load(_ rulesets: [Ruleset]) throws(KernelError) {
    let backend = usesNfTables ? Backend.nft : .legacy
    for table in rulesets.flatMap(\.tables) {
      do throws(KernelError) {
        try backend.tables(registry).replace([TableCompiler().compile(table)], ReplaceOptions())
      } catch {
        throw LabRules.explained(error, table)
      }
    }
    if usesNfTables, let ruleset = try NftReader.read() { places = NftPlaces(ruleset) }
    for table in LabPlan.tables(rulesets) where !tables.contains(table) { tables.append(table) }
  }

  private static func explained(_ error: KernelError, _ table: Table) -> KernelError {
    let refused = table.chains.flatMap(\.rules).flatMap(\.matches).first { $0.descriptor.traits.contains(.initialUsersOnly) }
    guard let refused, Sandbox.isUserNamespace else { return error }
    return KernelError(.malformed("\(error); -m \(refused.descriptor.name) is not to be had in a user namespace"))
  }

  /// The rules that only drop packets, or queue them without a listener. None if rules are loaded later, which would change the numbers.
  static func drops(_ plan: LabPlan) -> Set<TracedRule> {
    places(plan) { rule in
      rule.target == .verdict(.drop)
        || queues(of: rule).contains { queues, bypasses in !bypasses && queues.allSatisfy { plan.scenario.queues[$0] == nil } }
    }
  }

  /// The rules after which a packet waits for the answer of a queue's listener, if it is not dropped. None if rules are loaded later.
  static func queues(_ plan: LabPlan) -> Set<TracedRule> {
    guard !plan.scenario.failOpen else { return [] }
    return places(plan) { rule in
      queues(of: rule).contains { queues, bypasses in !bypasses || queues.allSatisfy { plan.scenario.queues[$0] != nil } }
    }
  }

  private static func places(_ plan: LabPlan, where isSought: (Rule) -> Bool) -> Set<TracedRule> {
    guard plan.loads.isEmpty else { return [] }
    var places: Set<TracedRule> = []
    for ruleset in plan.rulesets {
      for table in ruleset.tables {
        for chain in table.chains {
          for (index, rule) in chain.rules.enumerated() where isSought(rule) {
            places.insert(TracedRule(family: ruleset.family, table: table.name.rawValue, chain: chain.name, number: index + 1))
          }
        }
      }
    }
    return places
  }

  private static func queues(of rule: Rule) -> [(numbers: ClosedRange<UInt16>, bypasses: Bool)] {
    rule.hostUses.compactMap { if case .queues(let numbers, let bypasses) = $0 { (numbers, bypasses) } else { nil } }
  }

  /// The log groups to which rules send packets.
  static func logGroups(_ plan: LabPlan) -> Set<UInt16> {
    Set(plan.hostUses.compactMap { if case .logGroup(let group) = $0 { group } else { nil } })
  }

  /// The counters of a family's tables.
  func counters(_ family: Family) throws(KernelError) -> [LabTable] {
    if usesNfTables {
      guard let ruleset = try NftReader.read() else { return [] }
      return tables.filter { $0.family == family }.compactMap { ruleset.labTable($0.name, family) }
    }
    var found: [LabTable] = []
    for table in tables where table.family == family {
      found.append(try LegacyTables().table(family, table.name).labTable())
    }
    return found
  }

  /// The number of rules in each chain, by `table:chain`.
  static func ruleCounts(_ tables: [LabTable]) -> [String: Int] {
    var counts: [String: Int] = [:]
    for table in tables {
      for chain in table.chains { counts["\(table.name):\(chain.name)"] = chain.rules.count }
    }
    return counts
  }
}

extension NftRuleset {
  /// The counters of a table in nf_tables, in the same order.
  fileprivate func labTable(_ name: TableName, _ family: Family) -> LabTable? {
    let table = tables.first { table in NftBuiltinChain.iptables(table).map { $0.family == family && $0.name == name } ?? false }
    guard let table else { return nil }
    let builtin = table.chains.filter { $0.place != nil }.sorted { ($0.place?.hook ?? 0) < ($1.place?.hook ?? 0) }
    let chains = (builtin + table.chains.filter { $0.place == nil }).map { chain in
      LabTable.Chain(
        name: chain.name, policy: chain.place == nil ? nil : chain.drops ? "DROP" : "ACCEPT",
        count: LabCount(chain.counters.packets, chain.counters.bytes),
        rules: chain.rules.map { rule in
          for case .counter(let packets, let bytes) in rule.expressions { return LabCount(packets, bytes) }
          return LabCount()
        })
    }
    return LabTable(name: name.rawValue, chains: chains)
  }
}

extension TableBlob {
  /// The counters of the table: the built-in chains by hook, then the user's in the order of the entries.
  fileprivate func labTable() throws(KernelError) -> LabTable {
    do throws(DecompileError) {
      var chains: [LabTable.Chain] = []
      for chain in try self.chains() {
        let isBuiltin = chain.hook != nil
        chains.append(
          LabTable.Chain(
            name: chain.name, policy: isBuiltin ? chain.policy.rawValue : nil,
            count: isBuiltin ? LabCount(chain.counters.packets, chain.counters.bytes) : LabCount(),
            rules: try ruleCounters(chain).map { LabCount($0.packets, $0.bytes) }))
      }
      return LabTable(name: name.rawValue, chains: chains)
    } catch {
      throw KernelError(error, in: self)
    }
  }
}
