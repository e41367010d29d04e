import Glibc

/// A process that ran to its end: what its whole life took.
public struct Child {
  public let status: Int32
  /// From its start to its end, which says as much about what else runs on the machine as about the process.
  public let elapsed: Double
  /// The processor's time, the kernel's for it included. Both in milliseconds.
  public let processor: Double
  /// Peak of the resident memory, in KiB.
  public let peak: Int

  /// Runs a program with a file for its standard input and no output.
  public init(_ arguments: [String], input: String = "/dev/null") {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let start = ContinuousClock.now
    var process: pid_t = 0
    let error = posix_spawnp(&process, arguments[0], &actions, nil, &words, environ)
    precondition(error == 0, "\(arguments[0]) cannot be started")
    var status: Int32 = 0
    var usage = rusage()
    while wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    let duration = (ContinuousClock.now - start).components
    self.status = status
    elapsed = Double(duration.seconds) * 1e3 + Double(duration.attoseconds) / 1e15
    processor = Self.milliseconds(usage.ru_utime) + Self.milliseconds(usage.ru_stime)
    peak = usage.ru_maxrss
  }

  private static func milliseconds(_ time: timeval) -> Double { Double(time.tv_sec) * 1e3 + Double(time.tv_usec) / 1e3 }
}
