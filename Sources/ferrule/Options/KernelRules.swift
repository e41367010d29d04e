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

  /// - Parameter name: the table to read; nil for all tables in use.
  init(_ family: Family, only name: TableName? = nil) throws(KernelError) {
    var tables: [Table] = []
    try LegacyTables().read(family, only: name) { blob throws(KernelError) in tables.append(try blob.typed(.installed)) }
    UndeclaredParts.report(tables)
    self.tables = tables
    printer = RulePrinter(family: family, names: .system, isReloadable: true)
  }

  var ruleset: Ruleset { Ruleset(printer.family, tables: tables) }

  func text(counters: Bool) -> [UInt8] { tables.flatMap { printer.table($0, counters: counters) } }
}

/// Rules of the kernel that are no part of the tables which Ferrule reads and replaces.
enum OtherKernelRules {
  /// Reports them, one line each, because they decide on packets too. If they cannot be listed, reports that and the reason.
  static func report() {
    do throws(KernelError) {
      for rules in try LegacyTables().others() {
        Console.complain("\(rules.description) in this network namespace decides on packets too, and is not read or changed")
      }
    } catch {
      Console.complain("whether nf_tables decides on packets too is unknown: \(error.description)")
    }
  }
}
