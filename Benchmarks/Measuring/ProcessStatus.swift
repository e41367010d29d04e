import Glibc

/// What the process knows of itself.
enum ProcessStatus {
  /// The largest resident set so far, KiB.
  static var peak: Int {
    var usage = rusage()
    return getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 ? usage.ru_maxrss : 0
  }

  /// What this thread has had of the processors, ns.
  static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  static func end(_ status: Int32) -> Never { exit(status) }
}
