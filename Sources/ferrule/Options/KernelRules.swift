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
  /// The chains whose rules were printed when they were read. ``tables`` does not have these rules.
  private let printed: [TableName: [String: NftPrintedChain]]

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
      (natives, printed) = ([], [:])
    case .nft:
      guard let found = kernel.inventory.iptables[family] else { throw kernel.inventory.failures.first ?? KernelError(.noNfTables) }
      let tables = found.tables.filter { name == nil || $0.name == name }
      // A table by name need not be in use.
      self.tables = tables.isEmpty ? name.map { [Table($0, family)] } ?? [] : tables
      basis = { Self.complete(found.tables.map { TableCompiler().compile($0) }, family) }
      natives = found.natives.filter { name == nil || $0.table == name }
      printed = found.printed
    }
    UndeclaredParts.report(tables, printed)
  }

  private static func complete(_ blobs: [TableBlob], _ family: Family) -> [TableBlob] {
    let missing = TableName.allCases.filter { name in !blobs.contains { $0.name == name } }
    return blobs + missing.map { TableCompiler().compile(Table($0, family)) }
  }

  var ruleset: Ruleset { Ruleset(printer.family, tables: tables) }

  /// The tables in the format of iptables-save. What stands in a table and is not iptables' is a comment at its place.
  func text(counters: Bool) -> [UInt8] { Array(pieces(counters: counters).joined()) }

  /// The text in pieces of whole lines, of which those that were printed before are not copied.
  func pieces(counters: Bool) -> [[UInt8]] {
    tables.flatMap { table in
      natives.isEmpty && printed[table.name] == nil ? [printer.table(table, counters: counters)] : noted(table, counters)
    }
  }

  private func noted(_ table: Table, _ counters: Bool) -> [[UInt8]] {
    let natives = natives.filter { $0.table == table.name }
    func comments(_ chain: String, _ position: Int) -> [UInt8] {
      natives.filter { $0.chain == chain && $0.position == position }.flatMap(\.comment)
    }
    let chains = table.chainsInSaveOrder
    var pieces: [[UInt8]] = []
    var bytes = comments("", 0) + Array("*\(table.name.rawValue)\n".utf8)
    for chain in chains { bytes += printer.declaration(chain) + [UInt8(ascii: "\n")] }
    let names = Set(chains.map(\.name))
    for chain in Set(natives.map(\.chain)).subtracting(names).sorted() where !chain.isEmpty { bytes += comments(chain, 0) }
    for chain in chains {
      if let lines = printed[table.name]?[chain.name] {
        pieces += [bytes, lines.text.bytes]
        bytes = []
        continue
      }
      for (position, rule) in chain.rules.enumerated() {
        bytes += comments(chain.name, position)
        if counters { bytes += Array("[\(rule.counters.packets):\(rule.counters.bytes)] ".utf8) }
        bytes += printer.line(rule, chain: chain.name) + [UInt8(ascii: "\n")]
      }
      bytes += comments(chain.name, chain.rules.count)
    }
    return pieces + [bytes + Array("COMMIT\n".utf8)]
  }
}

extension NftIptables.NativeObject {
  /// The line that stands in its place.
  fileprivate var comment: [UInt8] { Array("# \(Escaping.line(chain.isEmpty ? text : "chain \(chain): \(text)"))\n".utf8) }
}

/// Prints rules as ``KernelRules/text(counters:)`` does, while they are read.
struct SavedLines: RuleLinePrinter {
  let family: Family
  let table: TableName?
  private let printer: RulePrinter
  private let counters: Bool

  init(_ family: Family, only table: TableName?, counters: Bool) {
    (self.family, self.table, self.counters) = (family, table, counters)
    printer = RulePrinter(family: family, names: .system, isReloadable: true)
  }

  var text: RuleText { printer.emptyText }
  func command(_ chain: String) -> [UInt8] { printer.line(Rule(), chain: chain) }
  func print(_ rule: Rule, _ command: [UInt8], to text: inout RuleText) {
    printer.append(rule, after: command, counters: counters, to: &text)
  }

  func print(_ native: NftIptables.NativeObject, to text: inout RuleText) {
    text.glue(bytes: native.comment.dropLast())
    text.endLine()
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
