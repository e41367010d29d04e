internal import Glibc

/// The host's clock, for what is printed for people.
public enum HostClock {
  /// Seconds since the epoch.
  public static var seconds: Int { time(nil) }

  /// The local time as `ctime(3)` writes it, without the newline.
  public static func calendarTime() -> String {
    var now = time(nil)
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let base = buffer.baseAddress, unsafe ctime_r(&now, base) != nil else { return "" }
      return unsafe String(cString: base).filter { $0 != "\n" }
    }
  }
}
