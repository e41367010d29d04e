import FoundationEssentials
import Glibc

/// What reading an input of at most 64 KB may take.
package enum InputLimits {
  /// Seconds of processor time. A debug build is an order of magnitude slower than what users run.
  package static let seconds: Double = isDebug ? 20 : 2

  /// Bytes of memory that the whole process may have at most, as the kernel counts them (`VmHWM`).
  package static let memory = 256 << 20

  private static var isDebug: Bool {
    #if DEBUG
      true
    #else
      false
    #endif
  }

  /// Why an input took too much; nil where it did not.
  package static func excess(seconds: Double, _ read: () -> Void) -> String? {
    forgetPeak()
    let start = processorTime
    read()
    let passed = processorTime - start
    if passed > seconds { return "took \(passed) s of processor time, more than \(seconds) s" }
    let peak = peakMemory
    if peak > memory { return "took \(peak >> 20) MB of memory, more than \(memory >> 20) MB" }
    return nil
  }

  /// Ends the process by a signal where one input takes far more than it may, so that it cannot hurt the machine.
  package static func guardProcess() {
    var addresses = rlimit(rlim_cur: 8 << 30, rlim_max: 8 << 30)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses)
    var core = rlimit(rlim_cur: 0, rlim_max: 0)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
  }

  /// Starts the time after which `SIGPROF` ends the process anew.
  package static func restartTimer(seconds: Double) {
    let limit = timeval(tv_sec: Int((seconds * 2).rounded(.up)), tv_usec: 0)
    var timer = itimerval(it_interval: timeval(), it_value: limit)
    unsafe setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
  }

  /// Seconds that the process has had a processor.
  private static var processorTime: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The most memory since `forgetPeak`.
  private static var peakMemory: Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return 0 }
    return (Int(line.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "0") ?? 0) << 10
  }

  private static func forgetPeak() {
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
  }
}
