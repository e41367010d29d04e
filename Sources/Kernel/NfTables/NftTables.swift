public import Compiler
internal import Glibc
public import Wire
public import XTables

/// The tables of iptables in nf_tables, in the encoding of iptables-nft 1.8, in the network namespace of the calling thread.
public struct NftTables: KernelTables {
  private let registry: Registry

  /// How often a transaction is tried again after another program changed the ruleset.
  private static let attempts = 20

  /// - Parameter registry: decodes the rules.
  public init(registry: Registry) { self.registry = registry }

  private static func ruleset() throws(KernelError) -> NftRuleset {
    guard let ruleset = try NftReader.read() else { throw KernelError(.noNfTables) }
    return ruleset
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

  /// Replaces all tables in one transaction: all or none. It is tried again if another program changed the ruleset meanwhile.
  ///
  /// - Throws: `KernelError` also if a table holds something that is not iptables', which its replacement would delete.
  public func replace(_ tables: [TableBlob], _ options: ReplaceOptions) throws(KernelError) {
    var typed: [Table] = []
    for table in tables { typed.append(try table.typed(registry)) }
    for _ in 0..<Self.attempts {
      let ruleset = try Self.ruleset()
      for table in typed { try Self.refuseLoss(of: table, in: ruleset, registry) }
      var batch = NftBatch(generation: ruleset.generation, capacity: tables.reduce(1 << 16) { $0 + 2 * $1.entries.count })
      for (index, table) in typed.enumerated() { try batch.replace(table, index: index, keepsCounters: options.keepsCounters) }
      batch.finish()
      var socket = try NetlinkSocket(.netfilter)
      guard let failure = try socket.commit(batch: batch.bytes, last: batch.last, what: "committing to nf_tables") else { return }
      if failure.error.number == ERESTART || failure.error.number == EAGAIN { continue }
      let table = batch.table(of: failure.sequence).map { typed[$0] }
      let rule = batch.place(of: failure.sequence).map { RuleReference(chain: $0.chain, rule: $0.rule) }
      throw KernelError(.refused, family: table?.family, table: table?.name.rawValue, rule: rule, error: failure.error)
    }
    throw .call("committing to nf_tables, which other programs changed at every attempt,", SystemError(number: EAGAIN))
  }

  private static func refuseLoss(of table: Table, in ruleset: NftRuleset, _ registry: Registry) throws(KernelError) {
    let natives = NftIptables(ruleset, table.family, registry: registry, only: table.name).natives
    guard let first = natives.first else { return }
    let others = natives.count == 1 ? "" : ", and \(natives.count - 1) more"
    let place = first.chain.isEmpty ? "" : "chain \(first.chain): "
    throw KernelError(
      .malformed("replacing the table would delete what is not iptables': \(place)\(first.text)\(others)"), family: table.family,
      table: table.name.rawValue)
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
