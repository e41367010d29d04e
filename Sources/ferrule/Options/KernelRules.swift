import Compiler
import Diagnostics
import Kernel
import Syntax
import Wire
import XTables

/// The rules of the running kernel.
struct KernelRules {
  var tables: [Table]
  /// The tables in the kernel's form.
  let blobs: [TableBlob]
  let printer: RulePrinter

  /// - Parameter name: the table to read; nil for all tables in use.
  init(_ family: Family, only name: TableName? = nil) throws(KernelError) {
    try InterruptedChange.finish()
    var blobs: [TableBlob] = []
    try LegacyTables().read(family, only: name) { blobs.append($0) }
    tables = try blobs.map { (blob) throws(KernelError) in try blob.typed(.installed) }
    self.blobs = blobs
    UndeclaredParts.report(tables)
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

/// A change of the kernel's tables that was interrupted, for example by SIGKILL.
enum InterruptedChange {
  /// Takes it back, as every command does that reads or changes the kernel's tables, and reports that on standard error.
  ///
  /// - Parameter wait: seconds to wait for the lock. The process that holds it may be about to finish the change.
  static func finish(in state: StateDirectory = StateDirectory(), wait: Double = 5) throws(KernelError) {
    guard state.hasPending || state.isDeserted else { return }
    let lock = try XtablesLock(wait: wait)
    try finish(in: state, holding: lock)
    _ = consume lock
  }

  /// The same with the lock that the caller holds.
  static func finish(in state: StateDirectory, holding lock: borrowing XtablesLock) throws(KernelError) {
    if let recovery = try LegacyTables().recover(state, .installed) { Console.complain("\(recovery.description)") }
    // The process that waits for the confirmation was killed.
    if state.isDeserted, let awaiting = try state.awaiting() {
      try LegacyTables().rollBack(awaiting.change, in: state, .installed)
      Console.complain(
        "change \(awaiting.change.number) was not confirmed, and the process that waited for it has ended; it was taken back now")
    }
  }
}
