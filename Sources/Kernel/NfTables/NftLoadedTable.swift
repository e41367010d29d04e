internal import Compiler
internal import Wire
internal import XTables

/// A table of iptables as it is loaded in nf_tables.
struct NftLoadedTable {
  let source: NftTable?
  /// The table; nil if there is none.
  let typed: Table?
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
    typed = found.tables.first
    blob = typed.map { TableCompiler().compile($0) }
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
