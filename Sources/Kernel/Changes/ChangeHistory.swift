internal import Compiler
internal import Glibc
public import Wire
public import XTables

/// A change in the history of a network namespace.
public struct PastChange: Sendable {
  /// The number of the change, from 1.
  public let number: Int
  /// How it ended.
  public let outcome: StateDirectory.Outcome
}

/// A change in the history, in words.
public struct ChangeSummary: Encodable, Sendable {
  /// The number of the change, from 1.
  public let number: Int
  /// When it began, such as `2026-11-29T20:15:00Z`.
  public let time: String
  /// How it ended: a raw value of ``StateDirectory/Outcome``.
  public let outcome: String
  /// The tables that it replaced and the ipsets that it changed, each as in `IPv6 nat` or `set blocked`.
  public let tables: [String]
  /// The part of the kernel that holds them: a raw value of ``Backend``.
  public let backend: String
}

extension StateDirectory {
  /// A change in words.
  public func summary(of change: PastChange) throws(KernelError) -> ChangeSummary {
    let record = try record(of: change)
    return ChangeSummary(
      number: change.number, time: HostClock.timestamp(record.time), outcome: change.outcome.rawValue,
      tables: record.labels, backend: record.backend.rawValue)
  }

  /// The greatest number of changes that are kept for each network namespace, and of bytes in all.
  private static let (keptChanges, keptBytes) = (20, 256 << 20)

  package func historyPath(_ number: Int, _ outcome: Outcome) throws(KernelError) -> String {
    let digits = String(number)
    let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    return "\(path)/history/\(try historyPrefix())-\(padded).\(outcome.rawValue)"
  }

  private func historyPrefix() throws(KernelError) -> String {
    try pendingPath().split(separator: "/").last.map { String($0.prefix(16)) } ?? ""
  }

  /// The changes in this network namespace, the oldest first. Files with other names are ignored.
  public func history() throws(KernelError) -> [PastChange] {
    let prefix = try historyPrefix() + "-"
    return (HostFile.entries(of: path + "/history") ?? []).compactMap { name in
      guard name.hasPrefix(prefix) else { return nil }
      let parts = name.dropFirst(prefix.count).split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, let number = Int(parts[0]), number > 0, let outcome = Outcome(rawValue: String(parts[1])) else { return nil }
      return PastChange(number: number, outcome: outcome)
    }.sorted { $0.number < $1.number }
  }

  /// The tables of a change in the history.
  package func record(of change: PastChange) throws(KernelError) -> ChangeRecord {
    let place = try historyPath(change.number, change.outcome)
    return try ChangeRecord(try read(place), from: place)
  }

  /// The user chains that the last change in force loaded into a table; none if it has not been changed.
  public func chains(lastLoadedInto name: TableName, _ family: Family) -> Set<String> {
    for change in ((try? history()) ?? []).reversed() where [.applied, .awaiting, .confirmed].contains(change.outcome) {
      let step = (try? record(of: change))?.steps.first { $0.after.name == name && $0.after.family == family }
      if let step { return Set((try? step.after.chainNames()) ?? []) }
    }
    return []
  }

  /// Notes how a change ended in the end.
  package func settle(_ change: PastChange, as outcome: Outcome) throws(KernelError) {
    let (old, new) = (try historyPath(change.number, change.outcome), try historyPath(change.number, outcome))
    guard unsafe rename(old, new) == 0 else { throw .call("replacing \(old)") }
  }

  /// Deletes the oldest changes beyond the limits. One that awaits its confirmation stays.
  func prune() {
    guard let changes = try? history() else { return }
    var (count, bytes) = (0, 0)
    for change in changes.reversed() {
      guard let place = try? historyPath(change.number, change.outcome) else { return }
      count += 1
      bytes += HostFile.state(of: place)?.size ?? 0
      if count > 1, count > Self.keptChanges || bytes > Self.keptBytes, change.outcome != .awaiting { _ = unsafe unlink(place) }
    }
  }
}
