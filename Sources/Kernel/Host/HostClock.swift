internal import CLinux
internal import Glibc

/// The host's real-time clock, for output only.
public enum HostClock {
  /// Seconds since 1970-01-01 00:00 UTC, `time(2)`.
  public static var seconds: Int { time(nil) }

  /// The kernel's time zone, which is one for all namespaces, in minutes west of Greenwich.
  public static var minutesWest: Int { Int(ferrule_minutes_west()) }

  /// A time in seconds since 1970 as `2026-11-29T20:15:00Z`.
  static func timestamp(_ seconds: Int) -> String {
    var time = seconds
    var parts = unsafe tm()
    guard unsafe gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return unsafe date + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  /// The local time as `ctime(3)` writes it, without the newline.
  public static func calendarTime() -> String {
    var now = time(nil)
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let base = buffer.baseAddress, unsafe ctime_r(&now, base) != nil else { return "" }
      return unsafe String(cString: base).filter { $0 != "\n" }
    }
  }
}
