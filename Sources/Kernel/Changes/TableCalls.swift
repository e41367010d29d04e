package import Compiler
package import Wire
package import XTables

/// The calls of the kernel by which tables of ip_tables and ip6_tables are read and replaced. Tests pass an implementation that fails.
package protocol TableCalls: Sendable {
  /// Reads a table with its counters.
  func read(_ family: Family, _ name: TableName) throws(KernelError) -> TableBlob
  /// Replaces a table, whose counters then are 0.
  ///
  /// - Parameters:
  ///   - entryCount: the number of entries that the table has now. If it has another number, the error is `EAGAIN`.
  ///   - old: receives the counters of the replaced entries, as many as `entryCount`.
  func replace(_ table: TableBlob, entryCount: Int, into old: CounterMemory) throws(KernelError)
  /// Adds counters to those of the table's entries.
  func add(_ counters: [Counters], to table: TableBlob) throws(KernelError)
}

/// The running kernel, in the network namespace of the calling thread.
package struct KernelTableCalls: TableCalls {
  package init() {}

  package func read(_ family: Family, _ name: TableName) throws(KernelError) -> TableBlob { try TableSocket(family).read(name) }

  package func replace(_ table: TableBlob, entryCount: Int, into old: CounterMemory) throws(KernelError) {
    try TableSocket(table.family).replace(table, entryCount: entryCount, oldCounters: old.address)
  }

  package func add(_ counters: [Counters], to table: TableBlob) throws(KernelError) {
    try TableSocket(table.family).add(counters, to: table)
  }
}
