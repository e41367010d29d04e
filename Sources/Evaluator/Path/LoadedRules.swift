import Conntrack
import Wire
import XTables

/// The loaded tables and what stands at each hook. It never changes: a load makes another, so that a packet asks for one reference.
final class LoadedRules {
  let tables: [LoadedTable]
  /// The connections, where a rule needs them.
  let conntrack: ConntrackTable?
  /// By family and hook.
  private let rows: [[HookOperation]]

  init(_ tables: [LoadedTable] = [], conntrack: ConntrackTable? = nil) {
    self.tables = tables
    self.conntrack = conntrack
    rows = [.ipv4, .ipv6].flatMap { HookOperation.rows(of: tables.map(\.program), $0) }
  }

  /// The operations at a hook in their order.
  @inline(__always)
  func operations(at hook: Hook, _ family: Family) -> [HookOperation] { rows[(family == .ipv4 ? 0 : 5) &+ hook.rawValue] }
}

/// A table that is loaded, with what its entries have counted since.
final class LoadedTable {
  let program: TableProgram
  private(set) var counters: [Counters]

  init(_ program: TableProgram) {
    self.program = program
    counters = program.freshCounters
  }

  @inline(__always)
  func count(_ entry: Int, bytes: Int) {
    counters[entry].packets &+= 1
    counters[entry].bytes &+= UInt64(truncatingIfNeeded: bytes)
  }
}
