internal import Glibc

/// The directory in which a change of the kernel's tables is recorded before it begins, and kept as history after it ended. Names of files
/// begin with the number of the network namespace, so that one directory serves all.
public struct StateDirectory: Sendable {
  /// How a change ended.
  public enum Outcome: String, Sendable, CaseIterable {
    /// The new tables are loaded.
    case applied
    /// The new tables are loaded, and will be taken back unless they are confirmed.
    case awaiting
    /// The new tables were confirmed.
    case confirmed
    /// The old tables were put back on request, because a check failed, or at the deadline.
    case rolledBack = "rolled-back"
    /// The change was interrupted, and the old tables were put back later.
    case recovered
    /// The machine was started anew during the change.
    case rebooted
  }

  /// The path of the directory.
  public let path: String

  /// `FERRULE_STATE_DIRECTORY` if set, else `/var/lib/ferrule`.
  public static var defaultPath: String {
    let path = ProcessEnvironment.value("FERRULE_STATE_DIRECTORY") ?? ""
    return path.isEmpty ? "/var/lib/ferrule" : path
  }

  /// The directory at a path, which need not exist yet.
  public init(_ path: String = StateDirectory.defaultPath) { self.path = path }

  /// Creates the directory if there is none. Others than its owner may not write to it: its files decide which tables are loaded.
  ///
  /// - Throws: `KernelError` if it cannot be created or is not safe.
  public func prepare() throws(KernelError) {
    var made = ""
    for part in (path + "/history").split(separator: "/") {
      made += (made.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
      guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else { throw unusable(.call("creating \(made)")) }
    }
    for folder in [path, path + "/history"] {
      var facts = stat()
      guard unsafe lstat(folder, &facts) == 0 else { throw unusable(.call("reading \(folder)")) }
      guard facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == geteuid() || facts.st_uid == 0, facts.st_mode & 0o022 == 0 else {
        throw KernelError(.malformed("\(folder) must be a directory that only its owner, root or this user, can write to"))
      }
    }
  }

  private func unusable(_ error: KernelError) -> KernelError {
    KernelError(
      .malformed(
        "the state directory \(path) cannot be used: \(error). Nothing was changed; give another with --state-directory or FERRULE_STATE_DIRECTORY"
      ))
  }

  /// The path from the root directory, for a process with another working directory.
  public var absolutePath: String {
    guard !path.hasPrefix("/"), let here = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(here) }
    return unsafe String(cString: here) + "/" + path
  }

  // MARK: Files

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func prefix() throws(KernelError) -> String { Self.hex(try NetworkNamespace.cookie()) }

  package func pendingPath() throws(KernelError) -> String { "\(path)/\(try prefix()).change" }
  func progressPath() throws(KernelError) -> String { "\(path)/\(try prefix()).progress" }

  /// Reads a file of the directory.
  package func read(_ place: String) throws(KernelError) -> [UInt8] {
    let descriptor = unsafe open(place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw .call("opening \(place)") }
    defer { close(descriptor) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw KernelError(.malformed("\(place) is not a file"))
    }
    guard facts.st_uid == geteuid() || facts.st_uid == 0, facts.st_mode & 0o022 == 0 else {
      throw KernelError(.malformed("\(place) may have been written by another user; delete it"))
    }
    return try HostFile.bytes(of: descriptor, place)
  }

  /// Writes a file so that it is whole, and on the disk, under its name.
  package func write(_ bytes: [UInt8], to place: String) throws(KernelError) {
    let temporary = place + ".new"
    _ = unsafe unlink(temporary)
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw unusable(.call("creating \(temporary)")) }
    do throws(KernelError) {
      defer { close(descriptor) }
      try HostFile.write(bytes, to: descriptor, temporary)
      guard fsync(descriptor) == 0 else { throw KernelError.call("writing \(temporary)") }
      guard unsafe rename(temporary, place) == 0 else { throw KernelError.call("replacing \(place)") }
      try flush()
    } catch {
      _ = unsafe unlink(temporary)
      throw unusable(error)
    }
  }

  /// Writes the directory's entries to the disk.
  private func flush() throws(KernelError) {
    let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .call("opening \(path)") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw .call("writing \(path)") }
  }

  // MARK: The change under way

  /// Records a change that is about to be made in one call of the kernel.
  func note(_ record: ChangeRecord) throws(KernelError) {
    try prepare()
    try write(record.bytes, to: try pendingPath())
  }

  /// Records a change that is about to begin, table by table.
  func begin(_ record: ChangeRecord) throws(KernelError) -> ChangeProgress {
    try prepare()
    let progress: ChangeProgress
    do throws(KernelError) {
      progress = try ChangeProgress(of: record, at: try progressPath())
    } catch {
      if let path = try? progressPath() { _ = unsafe unlink(path) }
      throw unusable(error)
    }
    do throws(KernelError) {
      try note(record)
    } catch {
      if let path = try? progressPath() { _ = unsafe unlink(path) }
      throw error
    }
    return progress
  }

  /// The change that was begun in this network namespace and has not ended; nil if there is none.
  package func pending() throws(KernelError) -> ChangeRecord? {
    let place = try pendingPath()
    guard unsafe access(place, F_OK) == 0 else { return nil }
    return try ChangeRecord(try read(place), from: place)
  }

  /// Keeps the change under way as history.
  ///
  /// - Returns: its number in the history.
  @discardableResult
  package func end(_ outcome: Outcome) throws(KernelError) -> Int {
    let (pending, progress) = (try pendingPath(), try progressPath())
    let number = (try history().map(\.number).max() ?? 0) + 1
    guard unsafe rename(pending, try historyPath(number, outcome)) == 0 else { throw .call("replacing \(pending)") }
    _ = unsafe unlink(progress)
    try? flush()
    prune()
    return number
  }

  /// Forgets a change of which nothing is left in the tables.
  func cancel() throws(KernelError) {
    _ = unsafe unlink(try pendingPath())
    _ = unsafe unlink(try progressPath())
    try? flush()
  }
}
