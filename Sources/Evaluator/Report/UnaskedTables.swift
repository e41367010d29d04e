import Netfilter
import Wire
public import XTables

/// A loaded table with rules that a packet did not pass.
public struct UnaskedTable: Sendable, Hashable {
  /// The table.
  public let table: TableName
  /// Why the packet did not pass it.
  public let reason: String
}

extension Simulator {
  /// The loaded tables of the packet's family that have rules and were not asked, with the reasons. A nat table that was skipped for a packet of a
  /// known connection is not among them: its reason is an outcome at the hook.
  public func unaskedTables(by report: PacketReport) -> [UnaskedTable] {
    rules.tables.filter { $0.program.family == report.family }.compactMap { loaded in
      let name = loaded.program.name
      let operations = report.passages.flatMap(\.operations).filter { $0.name == name.rawValue }
      guard operations.isEmpty else { return nil }
      let hooks = loaded.program.table.chains.filter { $0.hook != nil && (!$0.rules.isEmpty || $0.policy == .drop) }.compactMap(\.hook)
      guard !hooks.isEmpty else { return nil }
      return UnaskedTable(table: name, reason: reason(hooks, report))
    }
  }

  private func reason(_ hooks: [Hook], _ report: PacketReport) -> String {
    let passed = report.passages.map(\.hook)
    guard let last = passed.last else { return "the packet passes no hook" }
    let places = hooks.map(\.name).joined(separator: ", ")
    switch report.verdict {
    case .sent, .delivered: return "its rules are at \(places), which the packet does not pass"
    default: return "its rules are at \(places); the packet ends before, at \(last.name)"
    }
  }
}
