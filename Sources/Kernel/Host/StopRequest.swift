internal import CLinux
internal import Glibc

/// Blocks SIGINT and SIGTERM, so that a long run can finish its current step and report its results.
public struct StopRequest: Sendable {
  private static let signals = [SIGINT, SIGTERM]

  /// Blocks both signals in this thread and in threads it starts later. Programs that are started still receive them.
  public init() {
    var held = sigset_t()
    unsafe sigemptyset(&held)
    for signal in Self.signals { unsafe sigaddset(&held, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &held, nil)
  }

  /// True if one of the signals is pending.
  public var isMade: Bool {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return false }
    return Self.signals.contains { unsafe sigismember(&pending, $0) == 1 }
  }
}
