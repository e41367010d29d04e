internal import CLinux
internal import Glibc

/// SIGINT and SIGTERM held back, so that long work can end in its own time and tell what it came to.
public struct StopRequest: Sendable {
  private static let signals = [SIGINT, SIGTERM]

  /// Holds both signals back from this thread and from those it starts later; programs that are started hear them.
  public init() {
    var held = sigset_t()
    unsafe sigemptyset(&held)
    for signal in Self.signals { unsafe sigaddset(&held, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &held, nil)
  }

  /// Whether one of them has come.
  public var isMade: Bool {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return false }
    return Self.signals.contains { unsafe sigismember(&pending, $0) == 1 }
  }
}
