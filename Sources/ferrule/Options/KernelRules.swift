import Compiler
import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// The rules of the running kernel.
struct KernelRules {
  var tables: [Table]
  /// The tables in the kernel's form, as they are loaded. One that is not in use has no rules.
  let basis: () -> [TableBlob]
  let printer: RulePrinter
  private let natives: [NftIptables.NativeObject]

  /// - Parameters:
  ///   - kernel: the part of the kernel to read.
  ///   - name: the table to read; nil for all tables in use.
  init(_ family: Family, _ kernel: ChosenBackend, only name: TableName? = nil) throws(KernelError) {
    printer = RulePrinter(family: family, names: .system, isReloadable: true)
    switch kernel.backend {
    case .legacy:
      var blobs: [TableBlob] = []
      try LegacyTables().read(family, only: name) { blobs.append($0) }
      tables = try blobs.map { (blob) throws(KernelError) in try blob.typed(.installed) }
      let read = blobs
      basis = { Self.complete(read, family) }
      natives = []
    case .nft:
      guard let found = kernel.inventory.iptables[family] else { throw kernel.inventory.failures.first ?? KernelError(.noNfTables) }
      let tables = found.tables.filter { name == nil || $0.name == name }
      // A table by name need not be in use.
      self.tables = tables.isEmpty ? name.map { [Table($0, family)] } ?? [] : tables
      basis = { Self.complete(found.tables.map { TableCompiler().compile($0) }, family) }
      natives = found.natives.filter { name == nil || $0.table == name }
    }
    UndeclaredParts.report(tables)
  }

  private static func complete(_ blobs: [TableBlob], _ family: Family) -> [TableBlob] {
    let missing = TableName.allCases.filter { name in !blobs.contains { $0.name == name } }
    return blobs + missing.map { TableCompiler().compile(Table($0, family)) }
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

extension InterruptedChange {
  /// Takes it back, as every command does that reads or changes the kernel's tables, and reports that on standard error.
  ///
  /// - Parameter wait: seconds to wait for the lock. The process that holds it may be about to finish the change.
  static func finish(in state: StateDirectory = StateDirectory(), wait: Double = 5) throws(KernelError) {
    try finish(in: state, wait: wait, .installed) { Console.complain("\($0)") }
  }

  /// The same with the lock that the caller holds.
  static func finish(in state: StateDirectory, holding lock: borrowing XtablesLock) throws(KernelError) {
    try finish(in: state, holding: lock, .installed) { Console.complain("\($0)") }
  }
}
