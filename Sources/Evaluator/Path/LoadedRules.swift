import Conntrack
import Wire
import XTables

/// The loaded tables and what stands at each hook. It never changes: a load makes another, so that a packet asks for one reference.
final class LoadedRules {
  let tables: [LoadedTable]
  /// The connections, where a rule needs them.
  let conntrack: ConntrackTable?
  /// By family and hook; and what each does, one after the other.
  private let rows: [[HookOperation]]
  private let actions: [HookOperation.Action]
  /// Where the actions of each row begin; one more for the end.
  private let starts: [Int]

  init(_ tables: [LoadedTable] = [], conntrack: ConntrackTable? = nil) {
    self.tables = tables
    self.conntrack = conntrack
    rows = [.ipv4, .ipv6].flatMap { HookOperation.rows(of: tables.map(\.program), $0) }
    actions = rows.joined().map(\.action)
    starts = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  @inline(__always)
  private func row(_ hook: Hook, _ family: Family) -> Int { (family == .ipv4 ? 0 : 5) &+ hook.rawValue }

  /// The operations at a hook in their order.
  func operations(at hook: Hook, _ family: Family) -> [HookOperation] { rows[row(hook, family)] }

  /// What the operation of a number at a hook does; nil behind the last.
  @inline(__always)
  func action(_ number: Int, at hook: Hook, _ family: Family) -> HookOperation.Action? {
    let row = row(hook, family)
    return number < starts[row &+ 1] &- starts[row] ? actions[starts[row] &+ number] : nil
  }
}

/// A table that is loaded, with what its entries have counted since.
final class LoadedTable {
  let program: TableProgram
  private var counts: [Counters]

  init(_ program: TableProgram) {
    self.program = program
    counts = program.freshCounters
  }

  /// By entry.
  var counters: [Counters] { counts }

  @inline(__always)
  func count(_ entry: Int, bytes: Int) {
    counts[entry].packets &+= 1
    counts[entry].bytes &+= UInt64(truncatingIfNeeded: bytes)
  }
}
