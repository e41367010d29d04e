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
      if let wait, waited >= wait { return KernelError(.locked(path: path), error: error) }
      usleep(20_000)
      waited += 0.02
    }
    return nil
  }

  deinit { close(descriptor) }
}
