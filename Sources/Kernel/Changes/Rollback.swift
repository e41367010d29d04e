internal import Glibc
public import XTables

extension StateDirectory {
  /// Loads the tables again as they were before a change, into the part of the kernel that it changed: ``KernelTables/rollBack(_:in:_:)``.
  @discardableResult
  public func rollBack(_ change: PastChange, _ registry: Registry) throws(KernelError) -> [String] {
    try record(of: change).backend.tables(registry).rollBack(change, in: self, registry)
  }

  /// Undoes the change that was interrupted in this network namespace: ``KernelTables/recover(_:_:)``.
  public func recover(_ registry: Registry) throws(KernelError) -> ChangeRecovery? {
    guard let record = try pending() else { return nil }
    return try record.backend.tables(registry).recover(self, registry)
  }
}

extension KernelTables {
  /// Loads the tables again as they were before a change. Rules that were loaded all the time keep their counters, others get those that they
  /// had. The caller holds the ``XtablesLock``.
  ///
  /// - Parameter registry: knows which bytes of a match or target the kernel uses for itself.
  /// - Returns: the tables of the change, each as in `IPv6 nat`.
  /// - Throws: `KernelError` if the history cannot be read, or a table cannot be put back; nothing is then changed.
  @discardableResult
  public func rollBack(_ change: PastChange, in state: StateDirectory, _ registry: Registry) throws(KernelError) -> [String] {
    let record = try state.record(of: change)
    guard record.boot == ChangeRecord.currentBoot else {
      throw KernelError(.malformed("change \(change.number) was made before this machine was started; its tables are gone"))
    }
    try putBack(record, recordedIn: state, registry)
    try state.settle(change, as: .rolledBack)
    return record.labels
  }

  /// Loads the tables and the sets of a record again as they were before.
  ///
  /// - Parameter state: nil to write no file: at the deadline of a confirmation the disk may not be there.
  func putBack(_ record: ChangeRecord, recordedIn state: StateDirectory? = nil, _ registry: Registry) throws(KernelError) {
    let sets = try SetChange(undoing: record.sets.change(in: state).steps, in: state)
    try sets.begin(record.backend)
    let steps: [ChangeRecord.Step]
    do throws(KernelError) {
      steps = try record.rebound(registry)
    } catch {
      throw ReplaceOptions(sets: sets, in: state).undoSets(after: error)
    }
    try putBack(steps, with: sets, recordedIn: state, registry)
    sets.finish()
  }

  /// Loads the tables of steps again as they were before.
  func putBack(
    _ steps: [ChangeRecord.Step], with sets: SetChange? = nil, recordedIn state: StateDirectory? = nil, _ registry: Registry
  ) throws(KernelError) {
    var options = ReplaceOptions(keepsCounters: true)
    options.carriesCounters = registry
    options.state = state
    options.outcome = nil
    options.sets = sets
    options.deleted = Set(steps.indices.filter { !steps[$0].existed })
    try replace(steps.map(\.before), options)
  }
}

extension StateDirectory {
  /// What is to be taken back unless it is confirmed: the change, its deadline, and the process that waits for it.
  public struct Awaiting: Sendable {
    /// The change.
    public let change: PastChange
    /// The deadline in nanoseconds of `CLOCK_BOOTTIME`, which no change of the date moves.
    public let deadline: UInt64
    /// The process that takes the change back at the deadline.
    public let watcher: Int32
    /// When that process started (`/proc/PID/stat`), because numbers of processes are used again.
    let watcherStart: String

    /// Whether the process still waits.
    public var isWatched: Bool { StateDirectory.start(of: watcher) == watcherStart && !watcherStart.isEmpty }

    /// Whole seconds until the deadline; 0 if it has passed.
    public var secondsLeft: Int {
      let now = StateDirectory.now
      return deadline > now ? Int((deadline - now + 999_999_999) / 1_000_000_000) : 0
    }
  }

  /// Nanoseconds since the machine was started, with the time that it slept.
  static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// When a process started; empty if there is none, or it has ended and nobody has asked for its status.
  static func start(of process: Int32) -> String {
    let text = (try? HostFile.read("/proc/\(process)/stat")) ?? ""
    // The name of the program is in parentheses and may contain anything.
    guard let end = text.lastIndex(of: ")") else { return "" }
    let words = text[end...].split(separator: " ")
    return words.count > 20 && words[1] != "Z" && words[1] != "X" ? String(words[20]) : ""
  }

  /// The change in this network namespace that awaits its confirmation; nil if there is none.
  public func awaiting() throws(KernelError) -> Awaiting? {
    guard let change = try history().last(where: { $0.outcome == .awaiting }) else { return nil }
    let text = String(decoding: (try? read(try deadlinePath(change))) ?? [], as: UTF8.self)
    let words = text.split { $0 == " " || $0 == "\n" }
    // Without its file, nobody waits for it, and its time is over.
    guard words.count == 3, let deadline = UInt64(words[0]), let watcher = Int32(words[1]) else {
      return Awaiting(change: change, deadline: 0, watcher: 0, watcherStart: "")
    }
    return Awaiting(change: change, deadline: deadline, watcher: watcher, watcherStart: String(words[2]))
  }

  /// Whether a change awaits its confirmation, and the process that would take it back has ended.
  public var isDeserted: Bool { (try? awaiting()).flatMap(\.self).map { !$0.isWatched } ?? false }

  func deadlinePath(_ change: PastChange) throws(KernelError) -> String { try historyPath(change.number, .awaiting) + ".deadline" }

  /// Keeps the tables of a change that awaits its confirmation.
  public func confirm(_ change: PastChange) throws(KernelError) {
    try settle(change, as: .confirmed)
    _ = unsafe unlink(try deadlinePath(change))
  }
}
