internal import Glibc

/// Holds back the signals that would end or stop the process: Ctrl-C, a lost terminal and kill(1) then find no table half replaced. SIGKILL
/// and SIGSTOP cannot be held back.
enum HeldSignals {
  private static let held = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGVTALRM, SIGPIPE, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
  ]

  /// Runs work while the signals are held back in the calling thread, and in threads that it starts.
  static func during<Result>(_ work: () throws(KernelError) -> Result) throws(KernelError) -> Result {
    var signals = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in held { unsafe sigaddset(&signals, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try work()
  }
}
