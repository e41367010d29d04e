import Glibc
import Kernel
import Syntax
import Wire
import XTables

/// The rules of the running kernel.
struct KernelRules {
  let tables: [Table]
  let printer: RulePrinter

  /// - Parameter name: the table to read; nil for all tables in use.
  init(_ family: Family, only name: TableName? = nil) throws(KernelError) {
    let names = name.map { [$0.rawValue] } ?? KernelTables().names(family)
    // Without root the list of tables is empty. Reading a table then throws the reason.
    if names.isEmpty, geteuid() != 0 { _ = try RawTable.read(family, TableName.filter.rawValue) }
    var tables: [Table] = []
    for name in names { tables.append(try RawTable.read(family, name).typed(.installed)) }
    UndeclaredParts.report(tables)
    self.tables = tables
    printer = RulePrinter(family: family, names: .system, isReloadable: true)
  }

  var ruleset: Ruleset { Ruleset(printer.family, tables: tables) }

  func text(counters: Bool) -> [UInt8] { tables.flatMap { printer.table($0, counters: counters) } }
}
