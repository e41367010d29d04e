public import Compiler
internal import Glibc
public import Wire
public import XTables

/// The tables of iptables in nf_tables, in the encoding of iptables-nft 1.8, in the network namespace of the calling thread.
public struct NftTables: KernelTables {
  private let registry: Registry
  private let calls: any NftCalls

  /// - Parameter registry: decodes the rules.
  public init(registry: Registry) { self.init(registry: registry, calls: KernelNftCalls()) }

  /// - Parameter calls: makes the calls of the kernel by which tables are replaced.
  package init(registry: Registry, calls: some NftCalls) {
    self.registry = registry
    self.calls = calls
  }

  /// The tables in use, in the order of iptables-nft-save.
  package func names(_ family: Family) throws(KernelError) -> [TableName] {
    let ruleset = try calls.ruleset()
    return NftIptables.order.filter { NftBuiltinChain.find($0, family, in: ruleset) != nil }
  }

  /// - Throws: `KernelError` too if a table has something that iptables cannot express.
  public func read(
    _ family: Family, only name: TableName?, _ body: (TableBlob) throws(KernelError) -> Void
  ) throws(KernelError) {
    let found = NftIptables(try calls.ruleset(), family, registry: registry, only: name)
    if let native = found.natives.first {
      throw KernelError(.malformed(native.text), family: family, table: native.table.rawValue)
    }
    for table in found.tables { try body(TableCompiler().compile(table)) }
  }

  /// The names of the user chains of a table. No rule is read.
  public func chainNames(_ family: Family, _ name: TableName) throws(KernelError) -> [String] {
    guard let ruleset = try NftReader.read(hasRules: false), let table = NftBuiltinChain.find(name, family, in: ruleset) else {
      throw KernelError(.cannotRead, family: family, table: name.rawValue)
    }
    return table.chains.filter { $0.place == nil }.map(\.name)
  }

  /// Replaces all tables in one transaction: all or none. With ``ReplaceOptions/carriesCounters``, rules that stay are not written. The
  /// transaction is made for one generation of the ruleset: if another program changes the ruleset first, the kernel refuses it, and the
  /// ruleset is read again.
  ///
  /// - Throws: `KernelError` also if a table holds something that is not iptables', which its replacement would delete.
  public func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) {
    try HeldSignals.during { () throws(KernelError) in
      var replacement = NftReplacement(tables, options, registry, calls)
      try replacement.run()
    }
  }

  /// Puts the tables back that an interrupted change replaced; one that another program has changed since is left.
  public func recover(_ state: StateDirectory, _ registry: Registry) throws(KernelError) -> ChangeRecovery? {
    guard let record = try state.pending() else { return nil }
    guard record.boot == ChangeRecord.currentBoot else {
      try state.end(.rebooted)
      return .rebooted
    }
    let ruleset = try calls.ruleset()
    var (replaced, left): ([ChangeRecord.Step], [String]) = ([], [])
    for step in record.steps {
      let live = NftLoadedTable(ruleset, step.after.family, step.after.name, registry)
      let blob = live.blob ?? TableCompiler().compile(Table(step.after.name, step.after.family))
      if live.natives.isEmpty, blob.isSame(as: step.before, registry) { continue }
      if live.natives.isEmpty, blob.isSame(as: step.after, registry) { replaced.append(step) } else { left.append(step.after.label) }
    }
    guard !replaced.isEmpty || !left.isEmpty || !record.sets.steps.isEmpty else {
      try state.cancel()
      return .notBegun
    }
    try putBack(replaced, registry)
    let sets = try state.putBackSets(of: record)
    try state.end(.recovered)
    return .putBack(replaced.map(\.after.label) + sets, left: left)
  }

  /// The tables of nf_tables that are not iptables' and have a chain at a hook.
  public func others() throws(KernelError) -> [OtherRules] {
    guard let ruleset = try NftReader.read() else { return [] }
    var found: [OtherRules] = []
    for table in ruleset.tables where table.chains.contains(where: { $0.place != nil && !NftBuiltinChain.contains($0, of: table) }) {
      found.append(OtherRules(.nfTables, family: table.familyName, table: table.name))
    }
    return found
  }
}
