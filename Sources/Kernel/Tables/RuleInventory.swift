internal import Compiler
internal import Netfilter
package import Wire
public import XTables

/// Everything that decides on packets in the network namespace of the calling thread: the base chains of ip_tables, ip6_tables and
/// nf_tables. Only reads.
public struct RuleInventory: Sendable {
  /// The base chains in the order of hooks and priorities.
  public private(set) var chains: [BaseChain] = []
  /// What stands in the tables of iptables in nf_tables and is not iptables', one sentence each.
  public private(set) var natives: [String] = []
  /// What could not be read, and why.
  public private(set) var failures: [KernelError] = []
  /// The number of rules and of policies to drop in the tables of iptables, by backend, whether packets reach them or not.
  public private(set) var counts: [Backend: Int] = [:]
  /// Whether the kernel has nf_tables.
  public private(set) var hasNfTables = false

  /// The tables, with what their names tell of their owners.
  public private(set) var tables: [RuleTable] = []
  /// The tables of nf_tables that are not iptables', with the rules that a dry run can evaluate, if the rules were followed.
  public private(set) var nativeTables: [NativeTable] = []
  /// The matches and targets of the rules of iptables, in order, if the rules were followed.
  public private(set) var extensions: [UsedExtension] = []
  /// The tables of iptables in nf_tables.
  package private(set) var iptables: [Family: NftIptables] = [:]

  /// - Parameters:
  ///   - registry: knows what targets do.
  ///   - followsRules: false if it is enough to know which chains of iptables have rules, and not what the rules may do.
  public init(registry: Registry, followsRules: Bool = true) { self.init(registry, followsRules: followsRules, printer: nil) }

  /// The same without following the rules; those that `printer` prints are not kept.
  package init(registry: Registry, printer: any RuleLinePrinter) { self.init(registry, followsRules: false, printer: printer) }

  private init(_ registry: Registry, followsRules: Bool, printer: (any RuleLinePrinter)?) {
    do throws(KernelError) { try readLegacy(followsRules ? registry : nil) } catch { failures.append(error) }
    do throws(KernelError) {
      if let ruleset = try NftReader.read(readsElements: followsRules, printing: printer.map { NftRulePrinting($0, registry) }) {
        hasNfTables = true
        add(ruleset, registry, followsRules: followsRules)
      }
    } catch {
      failures.append(error)
    }
    chains.sort { (Self.order($0), $0.priority, $0.title) < (Self.order($1), $1.priority, $1.title) }
  }

  package init(_ ruleset: NftRuleset, registry: Registry) {
    hasNfTables = true
    add(ruleset, registry, followsRules: true)
    chains.sort { (Self.order($0), $0.priority, $0.title) < (Self.order($1), $1.priority, $1.title) }
  }

  private static let hooks = ["ingress", "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "egress"]
  private static func order(_ chain: BaseChain) -> Int { hooks.firstIndex(of: chain.hook) ?? hooks.count }

  /// The chains that a backend neither reads nor replaces and that hold something.
  public func strangers(to backend: Backend) -> [BaseChain] {
    chains.filter { chain in
      let isOwn = backend == .legacy ? chain.holder == .legacy : chain.isIptables && chain.holder == .nfTables
      return !isOwn && !chain.isIdle
    }
  }

  /// The chains that a dry run with the rules of a backend has to regard as unknown: those that the backend does not read, and those of
  /// its tables that have rules which iptables cannot express.
  public func unevaluated(by backend: Backend) -> [BaseChain] {
    guard backend == .nft else { return strangers(to: backend) }
    let mixed = iptables.values.flatMap(\.natives).filter(\.isRule).map { "\($0.family == .ipv4 ? "ip" : "ip6") \($0.table.rawValue)" }
    return strangers(to: backend)
      + chains.filter { $0.isIptables && $0.holder == .nfTables && $0.matters && mixed.contains("\($0.family) \($0.table)") }
  }

  // MARK: ip_tables

  private mutating func readLegacy(_ registry: Registry?) throws(KernelError) {
    for family in Family.allCases {
      var found: [BaseChain] = []
      var count = 0
      try LegacyTables().read(family, only: nil) { blob throws(KernelError) in
        var table: Table?
        if let registry { table = try blob.typed(registry) }
        if let table { note(table) }
        do throws(DecompileError) {
          let chains = try blob.chains()
          tables.append(
            RuleTable(
              holder: .legacy, family: family == .ipv4 ? "ip" : "ip6", name: blob.name.rawValue, chains: chains.map(\.name),
              rules: chains.reduce(0) { $0 + $1.ruleCount }))
          count += chains.reduce(0) { $0 + $1.ruleCount + ($1.hook != nil && $1.policy != .accept ? 1 : 0) }
          for chain in chains { if let chain = Self.chain(chain, of: blob, table) { found.append(chain) } }
        } catch {
          throw KernelError(error, in: blob)
        }
      }
      chains += found
      counts[.legacy, default: 0] += count
    }
  }

  /// - Parameter table: the rules of the blob; nil if they are not followed.
  /// - Returns: nil for a user chain.
  private static func chain(_ chain: BlobChain, of blob: TableBlob, _ table: Table?) -> BaseChain? {
    guard let hook = chain.hook else { return nil }
    let drops = chain.policy == .drop
    let place = NftBuiltinChain(blob.name, hook)
    var (rules, mayDrop, mayChange) = (chain.ruleCount, chain.ruleCount > 0, chain.ruleCount > 0)
    if let table, let index = table.index(of: chain.name) {
      let effect = ChainEffect(from: index, of: table.chains.count) { at, effect in
        for rule in table.chains[at].rules { effect.add(rule, table.family) }
        return table.chains[at].rules.compactMap { $0.target.chain.flatMap { table.index(of: $0) } }
      }
      (rules, mayDrop, mayChange) = (effect.rules, effect.mayDrop, effect.mayChange)
    }
    return BaseChain(
      holder: .legacy, family: blob.family == .ipv4 ? "ip" : "ip6", table: blob.name.rawValue, name: chain.name, hook: hook.name,
      // The security table is the only one at another priority than in nf_tables: NF_IP_PRI_SECURITY.
      priority: blob.name == .security ? 50 : place.priority, type: place.type, drops: drops, rules: rules, isIptables: true,
      mayDrop: mayDrop || drops, mayChange: mayChange, devices: [])
  }

  /// Notes the extensions of a table's rules.
  private mutating func note(_ table: Table) {
    for rule in table.chains.flatMap(\.rules) {
      var uses = rule.matches
      if case .use(let use) = rule.target { uses.append(use) }
      for use in uses {
        let found = UsedExtension(kind: use.descriptor.kind, name: use.descriptor.name, isMeaningKnown: !use.descriptor.isMeaningUnknown)
        if !extensions.contains(found) { extensions.append(found) }
      }
    }
  }

  // MARK: nf_tables

  private mutating func add(_ ruleset: NftRuleset, _ registry: Registry, followsRules: Bool) {
    for family in Family.allCases {
      let found = NftIptables(ruleset, family, registry: registry)
      natives += found.natives.map(\.description)
      iptables[family] = found
      if followsRules { for table in found.tables { note(table) } }
    }
    for table in ruleset.tables {
      var entry = RuleTable(
        holder: .nfTables, family: table.familyName, name: table.name, chains: table.chains.map(\.name),
        rules: table.chains.reduce(0) { $0 + $1.ruleCount })
      (entry.isDormant, entry.isOwned, entry.objects) = (table.isDormant, table.isOwned, table.objects.count)
      tables.append(entry)
      if NftBuiltinChain.iptables(table) != nil {
        counts[.nft, default: 0] += table.chains.reduce(0) { count, chain in
          chain.place == nil || NftBuiltinChain.contains(chain, of: table) ? count + chain.ruleCount + (chain.drops ? 1 : 0) : count
        }
      }
      guard !table.isDormant else { continue }
      let native = followsRules ? NativeTable(table, registry) : nil
      if let native { nativeTables.append(native) }
      let names = Dictionary(table.chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
      for (index, chain) in table.chains.enumerated() {
        if let place = chain.place { add(chain, index, place, of: table, names, registry, native, followsRules: followsRules) }
      }
    }
  }

  private mutating func add(
    _ chain: NftChain, _ index: Int, _ place: NftChain.Place, of table: NftTable, _ names: [String: Int], _ registry: Registry,
    _ native: NativeTable?, followsRules: Bool
  ) {
    let isIptables = NftBuiltinChain.contains(chain, of: table)
    let effect = ChainEffect(from: index, of: table.chains.count) { at, effect in
      if isIptables, !followsRules {
        let chain = table.chains[at]
        effect.rules += chain.ruleCount
        if chain.ruleCount > 0 { (effect.mayDrop, effect.mayChange) = (true, true) }
        if let printed = chain.printed { return printed.targets.compactMap { names[$0] } }
        return typed(table)?[chain: chain.name]?.rules.compactMap { $0.target.chain.flatMap { names[$0] } } ?? []
      }
      var next: [Int] = []
      for rule in table.chains[at].rules {
        effect.rules += 1
        for expression in rule.expressions {
          switch expression {
          case .target(let name, let revision, let bytes):
            let family: Family = table.family == 10 ? .ipv6 : .ipv4
            let found = registry.decode(.target, kernelName: name, revision: revision, bytes, family)
            effect.add(ExtensionUse(found.descriptor, payload: found.payload), family)
          case .verdict(_, let chain?): if let place = names[chain] { next.append(place) }
          default:
            if expression.effect.contains(.drops) { effect.mayDrop = true }
            if expression.effect.contains(.changes) { effect.mayChange = true }
          }
        }
      }
      return next
    }
    var entry =
      BaseChain(
        holder: .nfTables, family: table.familyName, table: table.name, name: chain.name, hook: Self.hook(place, table.family),
        priority: place.priority, type: place.type, drops: chain.drops, rules: effect.rules,
        isIptables: isIptables, mayDrop: effect.mayDrop || chain.drops, mayChange: effect.mayChange,
        devices: place.devices)
    // A chain of the type route that changes the mark has packets routed again.
    if place.type == "filter" || place.type == "route" && !effect.mayChange, let isWhole = native?.isWhollyKnown(from: chain.name) {
      entry.knowledge = isWhole ? .whole : .partial
    }
    chains.append(entry)
  }

  /// A table of nf_tables as a table of iptables.
  private func typed(_ table: NftTable) -> Table? {
    NftBuiltinChain.iptables(table).flatMap { place in iptables[place.family]?.tables.first { $0.name == place.name } }
  }

  /// The name of a hook. Kernel: `nf_inet_hooks`, and `nf_dev_hooks` of the family netdev.
  private static func hook(_ place: NftChain.Place, _ family: UInt8) -> String {
    if family == NftNumber.netdev { return place.hook == 0 ? "ingress" : "egress" }
    if family == NftNumber.inet, place.hook == 5 { return "ingress" }
    return Hook(rawValue: Int(place.hook))?.name ?? "hook \(place.hook)"
  }
}

/// A table in the kernel.
public struct RuleTable: Sendable, Hashable {
  /// The part of the kernel that holds it.
  public let holder: OtherRules.Holder
  /// The family as nft(8) writes it.
  public let family: String
  /// Its name.
  public let name: String
  /// The names of its chains.
  public let chains: [String]
  /// The number of its rules.
  public let rules: Int
  /// True if its chains see no packets.
  public internal(set) var isDormant = false
  /// True if only the program that made it can change it.
  public internal(set) var isOwned = false
  /// The number of its sets, maps, objects and flow tables.
  public internal(set) var objects = 0
}

/// A match or target that a loaded rule uses.
public struct UsedExtension: Sendable, Hashable {
  /// Whether it is a match or a target.
  public let kind: ExtensionDescriptor.Kind
  /// The name after `-m` or `-j`.
  public let name: String
  /// Whether a dry run knows what it does.
  public let isMeaningKnown: Bool
}
