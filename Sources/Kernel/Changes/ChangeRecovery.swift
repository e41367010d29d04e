internal import Glibc
internal import Wire
internal import XTables

/// What was found of an interrupted change, and done about it.
public enum ChangeRecovery: Sendable, Equatable {
  /// The tables were put back as they were before it; each as in `IPv6 nat`. Tables that another program has changed since are `left`.
  case putBack([String], left: [String])
  /// The machine was started anew since, so that nothing of it is left in the kernel.
  case rebooted
  /// Nothing had been replaced yet.
  case notBegun

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .putBack(let tables, let left):
      "a change was interrupted; \(tables.isEmpty ? "no table was put back" : "put back as before it: \(tables.joined(separator: ", "))")"
        + (left.isEmpty ? "" : "; left, because another program has changed it since: \(left.joined(separator: ", "))")
    case .rebooted: "a change was interrupted by a restart of this machine, which has none of its tables"
    case .notBegun: "a change was interrupted before it replaced a table"
    }
  }
}

extension StateDirectory {
  /// Whether a change in this network namespace was begun and has not ended. It may still be under way.
  public var hasPending: Bool { (try? pendingPath()).map { unsafe access($0, F_OK) == 0 } ?? false }

  /// Puts the tables back that an interrupted change of ip_tables or ip6_tables replaced: ``KernelTables/recover(_:_:)``.
  func recover(_ registry: Registry, _ calls: any TableCalls) throws(KernelError) -> ChangeRecovery? {
    guard let record = try pending() else { return nil }
    guard record.boot == ChangeRecord.currentBoot else {
      try end(.rebooted)
      return .rebooted
    }
    guard let progress = ChangeProgress(continuing: record, at: try progressPath()) else {
      // Without its progress, what was replaced is found by comparing the tables, and the counters are those at the beginning.
      let progress = try ChangeProgress(of: record, at: nil)
      for index in record.steps.indices { progress.forward[index] = .replaced }
      return try recover(record, progress, registry, calls)
    }
    guard record.steps.indices.contains(where: { progress.wasReplaced($0) }) || !record.sets.steps.isEmpty else {
      try cancel()
      return .notBegun
    }
    return try recover(record, progress, registry, calls)
  }

  private func recover(
    _ record: ChangeRecord, _ progress: ChangeProgress, _ registry: Registry, _ calls: any TableCalls
  ) throws(KernelError) -> ChangeRecovery {
    let change = LegacyChange(record: record, progress: progress, calls: calls, registry: registry)
    return try HeldSignals.during { () throws(KernelError) in
      let replaced = record.steps.indices.filter { progress.wasReplaced($0) }.map { record.steps[$0].before.label }
      let back = change.goBack(sparesForeign: true)
      if !back.failed.isEmpty { throw Self.notWhole(back.failed) }
      let sets = try putBackSets(of: record)
      try end(.recovered)
      return .putBack(replaced.filter { !back.spared.contains($0) } + sets, left: back.spared)
    }
  }

  /// Puts the ipsets back that an interrupted change replaced, after its tables.
  ///
  /// - Returns: these sets, each as in `set blocked`.
  func putBackSets(of record: ChangeRecord) throws(KernelError) -> [String] {
    let sets = try record.sets.change(in: self)
    let failed = sets.goBack()
    if !failed.isEmpty { throw Self.notWhole(failed) }
    return sets.labels
  }

  private static func notWhole(_ failed: [String]) -> KernelError {
    var error = KernelError(.malformed("an interrupted change could not be taken back whole"))
    error.notRestored = failed
    return error
  }
}
