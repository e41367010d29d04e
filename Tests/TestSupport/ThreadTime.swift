import Glibc

/// The processor time of the calling thread, for tests that say how long something takes: what else runs on the machine, and how long the
/// thread waits for a processor, does not count.
package enum ThreadTime {
  /// The seconds that `body` takes.
  package static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = now
    try body()
    return now - start
  }

  private static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
