internal import Compiler
internal import Glibc
internal import Wire
internal import XTables

/// Replaces the tables of a ``ChangeRecord`` one after the other, and puts the old ones back if that fails or was interrupted.
struct LegacyChange {
  let record: ChangeRecord
  let progress: ChangeProgress
  let calls: any TableCalls
  /// Knows which bytes of a match or target the kernel uses for itself.
  let registry: Registry

  // MARK: Forward

  /// Replaces the tables.
  ///
  /// - Throws: `KernelError`; the tables before the refused one are then still replaced.
  func carryOut() throws(KernelError) {
    for index in record.steps.indices {
      let step = record.steps[index]
      try replace(step, index)
      progress.forward[index] = .replaced
      let counters = added(step, index)
      if counters.contains(where: { $0 != .zero }) {
        progress.forward[index] = .adding
        try add(counters, to: step.after)
      }
      progress.forward[index] = .added
    }
  }

  private func replace(_ step: ChangeRecord.Step, _ index: Int) throws(KernelError) {
    for attempt in 0... {
      let now = try calls.read(step.before.family, step.before.name)
      guard isSame(now, step.before) else {
        throw KernelError(.changedMeanwhile, family: step.before.family, table: step.before.name.rawValue)
      }
      do throws(KernelError) {
        return try calls.replace(step.after, entryCount: now.entryCount, into: progress.counters(forward: index))
      } catch {
        guard error.isTransient, attempt < Self.attempts else { throw error }
        Self.pause(attempt)
      }
    }
  }

  /// Adds counters to the entries of a table. If another program has changed it since, they are added to the entries that it left.
  private func add(_ counters: [Counters], to table: TableBlob) throws(KernelError) {
    var (counters, table) = (counters, table)
    for attempt in 0... {
      do throws(KernelError) {
        return try calls.add(counters, to: table)
      } catch {
        let live = try calls.read(table.family, table.name)
        guard attempt < Self.attempts, live.entryCount != table.entryCount,
          let sources = try? EntryKeys.sources(of: live, in: table, registry)
        else { throw error }
        counters = sources.map { $0.map { counters[$0] } ?? .zero }
        table = live
      }
    }
  }

  private func isSame(_ one: TableBlob, _ other: TableBlob) -> Bool { one.isSame(as: other, registry) }

  /// The counters that are added to the new table's entries.
  private func added(_ step: ChangeRecord.Step, _ index: Int) -> [Counters] {
    step.counters(from: counters(of: step, index))
  }

  /// The counters of the old table's entries when it was replaced.
  private func counters(of step: ChangeRecord.Step, _ index: Int) -> [Counters] {
    let memory = progress.counters(forward: index)
    return memory.isWritten ? memory.counters : step.before.allCounters
  }

  // MARK: Back

  /// How often a call is repeated that another program's change, or lack of memory, made fail.
  private static let attempts = 200

  private static func pause(_ attempt: Int) { usleep(UInt32(min(100 * (attempt + 1), 20_000))) }

  /// Puts the old tables back, with their counters and what kept rules counted in between. Each call is repeated while it fails.
  ///
  /// - Parameter sparesForeign: leaves a table alone that is neither the old nor the new one, because another program changed it since.
  /// - Returns: the tables that could not be put back, each with the reason, and those left alone.
  func goBack(sparesForeign: Bool = false) -> (failed: [String], spared: [String]) {
    var (failed, spared): ([String], [String]) = ([], [])
    for index in record.steps.indices.reversed() {
      let name = record.steps[index].before.label
      do throws(KernelError) {
        if try !restore(index, sparesForeign) { spared.append(name) }
      } catch {
        failed.append("\(name) (\(error))")
      }
    }
    return (failed.reversed(), spared.reversed())
  }

  /// - Returns: false if another program changed the table, and it is to be left alone.
  private func restore(_ index: Int, _ sparesForeign: Bool) throws(KernelError) -> Bool {
    let step = record.steps[index]
    // What was never replaced has nothing to be put back; what differs in it, another program changed.
    guard progress.wasReplaced(index) else { return true }
    var failures = 0
    while true {
      do throws(KernelError) {
        let live = try calls.read(step.before.family, step.before.name)
        if isSame(live, step.before) {
          try restoreCounters(step, index, live)
          return true
        }
        if sparesForeign, !isSame(live, step.after) { return false }
        try putBack(step.before, index, over: live)
        progress.backward[index] = .replaced
      } catch {
        failures += 1
        guard failures < Self.attempts else { throw error }
        Self.pause(failures)
      }
    }
  }

  private func putBack(_ table: TableBlob, _ index: Int, over live: TableBlob) throws(KernelError) {
    let memory = progress.counters(backward: index)
    if memory.count == live.entryCount {
      memory.clear()
      return try calls.replace(table, entryCount: live.entryCount, into: memory)
    }
    // Another program changed the table: which of its entries had which counters is not known.
    let step = ChangeRecord.Step(before: live, after: live, origins: [])
    let spare = try ChangeProgress(of: ChangeRecord(steps: [step], boot: ""), at: nil)
    try calls.replace(table, entryCount: live.entryCount, into: spare.counters(forward: 0))
  }

  /// Adds the counters to a table that was put back.
  private func restoreCounters(_ step: ChangeRecord.Step, _ index: Int, _ live: TableBlob) throws(KernelError) {
    let phase = progress.backward[index]
    guard phase != .added, phase != .untouched || progress.counters(backward: index).isWritten else { return }
    let wanted = restored(step, index)
    // A process that was killed while it added them may have done so.
    let isDone = phase == .adding && zip(live.allCounters, wanted).allSatisfy { $0.packets >= $1.packets && $0.bytes >= $1.bytes }
    if !isDone, wanted.contains(where: { $0 != .zero }) {
      progress.backward[index] = .adding
      try add(wanted, to: step.before)
    }
    progress.backward[index] = .added
  }

  /// The counters of the old entries: those they had, and what the same entries of the new table counted.
  private func restored(_ step: ChangeRecord.Step, _ index: Int) -> [Counters] {
    var wanted = counters(of: step, index)
    let memory = progress.counters(backward: index)
    guard memory.isWritten, let sources = try? EntryKeys.sources(of: step.after, in: step.before, registry) else { return wanted }
    let (last, given) = (memory.counters, added(step, index))
    func includes(_ place: Int) -> Bool { last[place].packets >= given[place].packets && last[place].bytes >= given[place].bytes }
    let wasAdded =
      switch progress.forward[index] {
      case .untouched, .replaced: false
      case .adding: last.indices.allSatisfy(includes)
      case .added: true
      }
    for (place, source) in sources.enumerated() {
      guard let source, last.indices.contains(place) else { continue }
      let counted =
        wasAdded
        ? (includes(place)
          ? Counters(packets: last[place].packets - given[place].packets, bytes: last[place].bytes - given[place].bytes) : .zero)
        : last[place]
      wanted[source] = Counters(packets: wanted[source].packets &+ counted.packets, bytes: wanted[source].bytes &+ counted.bytes)
    }
    return wanted
  }
}

extension TableBlob {
  /// For messages: `nat`, `IPv6 nat`.
  var label: String { "\(family == .ipv6 ? "IPv6 " : "")\(name.rawValue)" }
}
