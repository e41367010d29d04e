import Compiler
import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// The rules of the running kernel.
struct KernelRules {
  let tables: [Table]
  let printer: RulePrinter
  private let natives: [NftIptables.NativeObject]

  /// - Parameters:
  ///   - backend: the part of the kernel to read.
  ///   - inventory: what was read of nf_tables.
  ///   - name: the table to read; nil for all tables in use.
  init(_ family: Family, _ backend: Backend, _ inventory: RuleInventory, only name: TableName? = nil) throws(KernelError) {
    printer = RulePrinter(family: family, names: .system, isReloadable: true)
    switch backend {
    case .legacy:
      var tables: [Table] = []
      try LegacyTables().read(family, only: name) { blob throws(KernelError) in tables.append(try blob.typed(.installed)) }
      self.tables = tables
      natives = []
    case .nft:
      guard let found = inventory.iptables[family] else { throw inventory.failures.first ?? KernelError(.noNfTables) }
      let tables = found.tables.filter { name == nil || $0.name == name }
      // A table by name need not be in use.
      self.tables = tables.isEmpty ? name.map { [Table($0, family)] } ?? [] : tables
      natives = found.natives.filter { name == nil || $0.table == name }
    }
    UndeclaredParts.report(tables)
  }

  var ruleset: Ruleset { Ruleset(printer.family, tables: tables) }

  /// The tables in the format of iptables-save. What stands in a table and is not iptables' is a comment at its place.
  func text(counters: Bool) -> [UInt8] { tables.flatMap { natives.isEmpty ? printer.table($0, counters: counters) : noted($0, counters) } }

  private func noted(_ table: Table, _ counters: Bool) -> [UInt8] {
    let natives = natives.filter { $0.table == table.name }
    func comments(_ chain: String, _ position: Int) -> [UInt8] {
      natives.filter { $0.chain == chain && $0.position == position }.flatMap {
        Array("# \(Escaping.line(chain.isEmpty ? $0.text : "chain \(chain): \($0.text)"))\n".utf8)
      }
    }
    let chains = table.chainsInSaveOrder
    var bytes = comments("", 0) + Array("*\(table.name.rawValue)\n".utf8)
    for chain in chains { bytes += printer.declaration(chain) + [UInt8(ascii: "\n")] }
    let names = Set(chains.map(\.name))
    for chain in Set(natives.map(\.chain)).subtracting(names).sorted() where !chain.isEmpty { bytes += comments(chain, 0) }
    for chain in chains {
      for (position, rule) in chain.rules.enumerated() {
        bytes += comments(chain.name, position)
        if counters { bytes += Array("[\(rule.counters.packets):\(rule.counters.bytes)] ".utf8) }
        bytes += printer.line(rule, chain: chain.name) + [UInt8(ascii: "\n")]
      }
      bytes += comments(chain.name, chain.rules.count)
    }
    return bytes + Array("COMMIT\n".utf8)
  }
}
