import Glibc

/// What the process knows of itself.
public enum ProcessStatus {
  /// The largest resident set so far, KiB.
  public static var peak: Int { usage(RUSAGE_SELF)?.ru_maxrss ?? 0 }

  /// What this thread has had of the processors, ns.
  public static var threadTime: Double { time(CLOCK_THREAD_CPUTIME_ID) }

  /// What the whole process and its children that have ended have had of the processors, ns.
  public static var processTime: Double {
    let children = usage(RUSAGE_CHILDREN).map { [$0.ru_utime, $0.ru_stime] } ?? []
    return children.reduce(time(CLOCK_PROCESS_CPUTIME_ID)) { $0 + Double($1.tv_sec) * 1e9 + Double($1.tv_usec) * 1e3 }
  }

  public static var isRoot: Bool { geteuid() == 0 }

  static func end(_ status: Int32) -> Never { exit(status) }

  private static func usage(_ who: __rusage_who) -> rusage? {
    var usage = rusage()
    return getrusage(__rusage_who_t(who.rawValue), &usage) == 0 ? usage : nil
  }

  private static func time(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
