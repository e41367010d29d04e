internal import Glibc
public import XTables

/// A process of its own that takes a change back unless it is confirmed in time. It has its own session, ignores the signals of a lost
/// terminal, holds all it needs in locked memory, and survives the process that started it.
///
/// The process that makes the change starts it first. When the tables are replaced, that process sends the number of the change; the watcher
/// reads the old tables and answers. If it is killed before, the watcher takes an interrupted change back.
public enum ConfirmationWatcher {
  /// The watcher as the process that makes the change sees it.
  public struct Client {
    private let toWatcher: FileDescriptor
    private let fromWatcher: FileDescriptor

    /// Starts `ferrule` again, with these arguments, as the watcher. Waits until it is ready.
    ///
    /// - Throws: `KernelError` if it cannot be started; nothing has then been changed.
    public init(arguments: [String]) throws(KernelError) {
      var down: [Int32] = [-1, -1]
      var up: [Int32] = [-1, -1]
      guard unsafe pipe(&down) == 0, unsafe pipe(&up) == 0 else { throw .call("pipe") }
      for end in [down[1], up[0]] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      defer {
        close(down[0])
        close(up[1])
      }
      (toWatcher, fromWatcher) = (FileDescriptor(down[1]), FileDescriptor(up[0]))
      try HostProcess.spawnDetached("/proc/self/exe", ["ferrule"] + arguments, input: down[0], output: up[1])
      guard receive() == UInt8(ascii: "r") else {
        throw KernelError(.malformed("the process that takes the change back at the deadline could not be started; nothing was changed"))
      }
    }

    /// Tells the watcher that the tables are replaced.
    ///
    /// - Throws: `KernelError` if it does not answer: nobody will take the change back.
    public func arm(_ change: PastChange) throws(KernelError) {
      try HostFile.write(Array("\(change.number)\n".utf8), to: toWatcher.number, "the watcher")
      guard receive() == UInt8(ascii: "a") else { throw KernelError(.malformed("the process that takes the change back has ended")) }
    }

    private func receive() -> UInt8? {
      var byte: UInt8 = 0
      while true {
        let count = unsafe read(fromWatcher.number, &byte, 1)
        if count < 0, errno == EINTR { continue }
        return count == 1 ? byte : nil
      }
    }
  }

  /// Runs the watcher: standard input and output lead to the process that makes the change.
  ///
  /// - Parameter seconds: how long to wait for the confirmation, from when the tables are replaced.
  public static func run(_ state: StateDirectory, seconds: Double, _ registry: Registry) {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGUSR1, SIGUSR2] {
      _ = Glibc.signal(signal, SIG_IGN)
    }
    // Nothing of this process may have to be read from a disk that is no longer there. Without the right to lock memory it waits all the same.
    _ = mlockall(Int32(MCL_CURRENT | MCL_FUTURE))
    _ = unsafe chdir("/")
    answer("r")
    guard let number = receiveNumber(), let change = try? state.history().first(where: { $0.number == number }),
      let record = try? state.record(of: change)
    else { return recover(state, registry) }
    watch(state, change, record, StateDirectory.now + UInt64(seconds * 1e9), registry)
  }

  private static func watch(
    _ state: StateDirectory, _ change: PastChange, _ record: ChangeRecord, _ deadline: UInt64, _ registry: Registry
  ) {
    if let place = try? state.deadlinePath(change) {
      try? state.write(Array("\(deadline) \(getpid()) \(StateDirectory.start(of: getpid()))\n".utf8), to: place)
    }
    answer("a")
    close(STDIN_FILENO)
    close(STDOUT_FILENO)
    while StateDirectory.now < deadline {
      if isSettled(change, state) { return }
      NetworkNamespace.sleepThread(seconds: 0.1)
    }
    while !goBack(state, change, record, registry) { NetworkNamespace.sleepThread(seconds: 0.5) }
  }

  /// Takes the change back under the lock. A lock whose file cannot be opened, for example because its folder was deleted, protects
  /// nobody: then the change is taken back without it.
  ///
  /// - Returns: false if another process holds the lock, or the kernel refused; the caller tries again.
  private static func goBack(
    _ state: StateDirectory, _ change: PastChange, _ record: ChangeRecord, _ registry: Registry
  ) -> Bool {
    do throws(KernelError) {
      let lock = try XtablesLock(wait: 10)
      let isDone = restore(state, change, record, registry)
      _ = consume lock
      return isDone
    } catch {
      if case .locked = error.reason { return false }
      return restore(state, change, record, registry)
    }
  }

  private static func restore(
    _ state: StateDirectory, _ change: PastChange, _ record: ChangeRecord, _ registry: Registry
  ) -> Bool {
    if isSettled(change, state) { return true }
    guard (try? record.backend.tables(registry).putBack(record, registry)) != nil else { return false }
    state.settleOwnSets(after: record)
    try? state.settle(change, as: .rolledBack)
    if let place = try? state.deadlinePath(change) { _ = unsafe unlink(place) }
    return true
  }

  /// Whether the change was confirmed or taken back by a command. If its files cannot be read, it was not.
  private static func isSettled(_ change: PastChange, _ state: StateDirectory) -> Bool {
    [.confirmed, .rolledBack].contains { outcome in
      (try? state.historyPath(change.number, outcome)).map { unsafe access($0, F_OK) == 0 } ?? false
    }
  }

  private static func recover(_ state: StateDirectory, _ registry: Registry) {
    guard state.hasPending, let lock = try? XtablesLock(wait: nil) else { return }
    _ = try? state.recover(registry)
    _ = consume lock
  }

  private static func answer(_ text: String) { try? HostFile.write(Array(text.utf8), toStandard: STDOUT_FILENO) }

  /// The number that the process sends when its change is made; nil if it ended before.
  private static func receiveNumber() -> Int? {
    var line: [UInt8] = []
    while line.last != UInt8(ascii: "\n") {
      var byte: UInt8 = 0
      let count = unsafe read(STDIN_FILENO, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1, line.count < 20 else { return nil }
      line.append(byte)
    }
    return Int(String(decoding: line.dropLast(), as: UTF8.self))
  }
}
