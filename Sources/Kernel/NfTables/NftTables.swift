public import Compiler
internal import Glibc
public import Wire
public import XTables

/// The tables of iptables in nf_tables, in the encoding of iptables-nft 1.8, in the network namespace of the calling thread.
public struct NftTables: KernelTables {
  private let registry: Registry

  /// - Parameter registry: decodes the rules.
  public init(registry: Registry) { self.registry = registry }

  private static func ruleset() throws(KernelError) -> NftRuleset {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    return ruleset
  }

  /// The tables in use, in the order of iptables-nft-save.
  package func names(_ family: Family) throws(KernelError) -> [TableName] {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    return NftIptables.order.filter { NftBuiltinChain.find($0, family, in: ruleset) != nil }
  }

  /// - Throws: `KernelError` too if a table has something that iptables cannot express.
  public func read(
    _ family: Family, only name: TableName?, _ body: (TableBlob) throws(KernelError) -> Void
  ) throws(KernelError) {
    let found = NftIptables(try Self.ruleset(), family, registry: registry, only: name)
    if let native = found.natives.first {
      throw KernelError(.malformed(native.text), family: family, table: native.table.rawValue)
    }
    for table in found.tables { try body(TableCompiler().compile(table)) }
  }

  /// Replaces all tables in one transaction: all or none. With ``ReplaceOptions/carriesCounters``, rules that stay are not written. The
  /// transaction is made for one generation of the ruleset: if another program changes the ruleset first, the kernel refuses it, and the
  /// ruleset is read again.
  ///
  /// - Throws: `KernelError` also if a table holds something that is not iptables', which its replacement would delete.
  public func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) {
    try HeldSignals.during { () throws(KernelError) in
      var recorded: [ChangeRecord.Step] = []
      var attempts = NftAttempts()
      while true {
        let ruleset = try Self.ruleset()
        let steps: [(place: Int, step: ChangeRecord.Step, live: NftTable?)]
        do throws(KernelError) {
          steps = try self.steps(tables, options, ruleset)
          if let state = options.state, !steps.isEmpty, recorded.isEmpty || !Self.isSame(recorded, steps.map(\.step)) {
            try state.note(ChangeRecord(steps: steps.map(\.step), of: .nft))
            recorded = steps.map(\.step)
          }
        } catch {
          if !recorded.isEmpty { try options.state?.cancel() }
          throw error
        }
        let isDone = steps.isEmpty ? true : try commit(steps, options, ruleset.generation)
        if isDone { return try end(recorded, steps.isEmpty ? nil : options.outcome, options.state) }
        do throws(KernelError) { try attempts.wait("committing to nf_tables") } catch {
          if !recorded.isEmpty { try options.state?.cancel() }
          throw error
        }
      }
    }
  }

  private func end(_ recorded: [ChangeRecord.Step], _ outcome: StateDirectory.Outcome?, _ state: StateDirectory?) throws(KernelError) {
    guard !recorded.isEmpty else { return }
    if let outcome { try state?.end(outcome) } else { try state?.cancel() }
  }

  /// Whether steps replace the same tables by the same; counters are ignored.
  private static func isSame(_ left: [ChangeRecord.Step], _ right: [ChangeRecord.Step]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy {
        $0.existed == $1.existed && $0.before.hasSameEntries(as: $1.before) && $0.after.hasSameEntries(as: $1.after)
      }
  }

  /// What is to be changed of the tables, each with its place among `tables`.
  private func steps(
    _ tables: [TableBlob], _ options: ReplaceOptions, _ ruleset: NftRuleset
  ) throws(KernelError) -> [(place: Int, step: ChangeRecord.Step, live: NftTable?)] {
    var steps: [(place: Int, step: ChangeRecord.Step, live: NftTable?)] = []
    for (place, after) in tables.enumerated() {
      let live = Loaded(ruleset, after.family, after.name, registry)
      try live.refuseLoss()
      let isDeleted = options.deleted.contains(place)
      guard let step = try ChangeRecord.Step(from: live.blob, to: after, options, stays: !isDeleted) else { continue }
      if !isDeleted || live.source != nil { steps.append((place, step, live.source)) }
    }
    return steps
  }

  /// - Returns: false if another program has changed the ruleset.
  private func commit(
    _ steps: [(place: Int, step: ChangeRecord.Step, live: NftTable?)], _ options: ReplaceOptions, _ generation: UInt32
  ) throws(KernelError) -> Bool {
    func abandon(_ error: KernelError) throws(KernelError) -> Never {
      try options.state?.cancel()
      throw error
    }
    var batch = NftBatch(generation: generation, capacity: steps.reduce(1 << 16) { $0 + 2 * $1.step.after.entries.count })
    do throws(KernelError) {
      for (index, (place, step, live)) in steps.enumerated() {
        let change = try NftTableChange(
          step, live, isDeleted: options.deleted.contains(place), isNew: options.carriesCounters == nil, registry)
        try batch.change(change, index: index)
      }
    } catch {
      try abandon(error)
    }
    batch.finish()
    var socket = try NetlinkSocket(.netfilter)
    // If the answer does not arrive, the record stays: the next command compares it with what is loaded.
    guard let failure = try socket.commit(batch: batch.bytes, last: batch.last, what: "committing to nf_tables") else { return true }
    if failure.error.number == ERESTART || failure.error.number == EAGAIN { return false }
    let table = batch.table(of: failure.sequence).map { steps[$0].step.after }
    let rule = batch.place(of: failure.sequence).map { RuleReference(chain: $0.chain, rule: $0.rule) }
    try abandon(KernelError(.refused, family: table?.family, table: table?.name.rawValue, rule: rule, error: failure.error))
  }

  /// Puts the tables back that an interrupted change replaced; one that another program has changed since is left.
  public func recover(_ state: StateDirectory, _ registry: Registry) throws(KernelError) -> ChangeRecovery? {
    guard let record = try state.pending() else { return nil }
    guard record.boot == ChangeRecord.currentBoot else {
      try state.end(.rebooted)
      return .rebooted
    }
    let ruleset = try Self.ruleset()
    var (replaced, left): ([ChangeRecord.Step], [String]) = ([], [])
    for step in record.steps {
      let live = Loaded(ruleset, step.after.family, step.after.name, registry)
      let blob = live.blob ?? TableCompiler().compile(Table(step.after.name, step.after.family))
      if live.natives.isEmpty, blob.isSame(as: step.before, registry) { continue }
      if live.natives.isEmpty, blob.isSame(as: step.after, registry) { replaced.append(step) } else { left.append(step.after.label) }
    }
    guard !replaced.isEmpty || !left.isEmpty else {
      try state.cancel()
      return .notBegun
    }
    try putBack(replaced, registry)
    try state.end(.recovered)
    return .putBack(replaced.map(\.after.label), left: left)
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

/// A table of iptables as it is loaded in nf_tables.
private struct Loaded {
  let source: NftTable?
  /// The table in the form of ip_tables; nil if there is none.
  let blob: TableBlob?
  /// What it has that is not iptables'.
  let natives: [NftIptables.NativeObject]
  private let family: Family
  private let name: TableName

  init(_ ruleset: NftRuleset, _ family: Family, _ name: TableName, _ registry: Registry) {
    (self.family, self.name) = (family, name)
    source = NftBuiltinChain.find(name, family, in: ruleset)
    let found = NftIptables(ruleset, family, registry: registry, only: name)
    natives = found.natives
    blob = found.tables.first.map { TableCompiler().compile($0) }
  }

  /// Refuses to replace a table that has something that is not iptables'.
  func refuseLoss() throws(KernelError) {
    guard let first = natives.first else { return }
    let others = natives.count == 1 ? "" : ", and \(natives.count - 1) more"
    let place = first.chain.isEmpty ? "" : "chain \(first.chain): "
    throw KernelError(
      .malformed("replacing the table would delete what is not iptables': \(place)\(first.text)\(others)"), family: family,
      table: name.rawValue)
  }
}
