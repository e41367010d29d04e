internal import Glibc

/// The lock that iptables takes around every change, so that two programs do not overwrite each other's tables. It is released when the
/// value is destroyed.
public struct XtablesLock: ~Copyable {
  private let descriptor: Int32
  /// The lock file's path.
  public let path: String

  /// The lock file that iptables uses: `XTABLES_LOCKFILE` if set, else `/run/xtables.lock`.
  public static var defaultPath: String {
    let path = unsafe getenv("XTABLES_LOCKFILE").map { unsafe String(cString: $0) } ?? ""
    return path.isEmpty ? "/run/xtables.lock" : path
  }

  /// Takes the lock, as `iptables -w` does.
  ///
  /// - Parameter wait: seconds to wait for another holder; nil waits without limit, 0 fails at once.
  /// - Throws: `KernelError` with the reason `locked` if the lock was not released in time.
  public init(path: String = XtablesLock.defaultPath, wait: Double? = 0) throws(KernelError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .call("opening \(path)") }
    if let error = XtablesLock.take(descriptor, path: path, wait: wait) {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  private static func take(_ descriptor: Int32, path: String, wait: Double?) -> KernelError? {
    if wait == nil {
      while flock(descriptor, LOCK_EX) != 0 {
        if errno != EINTR { return .call("locking \(path)") }
      }
      return nil
    }
    var waited = 0.0
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let error = SystemError.last
      if error.number == EINTR { continue }
      guard error.number == EWOULDBLOCK else { return .call("locking \(path)", error) }
      if let wait, waited >= wait { return KernelError(.locked(path: path, holder: holder(of: descriptor)), error: error) }
      usleep(20_000)
      waited += 0.02
    }
    return nil
  }

  /// The process that holds the lock, as in `iptables-restore (process 4711)`; nil if the kernel does not tell.
  private static func holder(of descriptor: Int32) -> String? {
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, let locks = try? HostFile.read("/proc/locks") else { return nil }
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; a waiting process has `->` after the number.
    for line in locks.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 5, words[1] == "FLOCK", words[5].hasSuffix(":\(facts.st_ino)"), let process = Int32(words[4]), process > 0 else {
        continue
      }
      let name = (try? HostFile.read("/proc/\(process)/comm"))?.split(separator: "\n").first
      return "\(name.map { "\($0) " } ?? "")(process \(process))"
    }
    return nil
  }

  deinit { close(descriptor) }
}
