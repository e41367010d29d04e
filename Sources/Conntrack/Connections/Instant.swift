/// A moment on the injected clock, in nanoseconds from a start that the caller chooses.
public struct Instant: Sendable, Hashable, Comparable {
  /// Nanoseconds since the clock's start.
  public var nanoseconds: UInt64

  /// Creates an instant from nanoseconds since the clock's start.
  @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  /// An instant the given seconds after the clock's start.
  @inlinable public static func seconds(_ seconds: Double) -> Instant {
    Instant(nanoseconds: UInt64(clamping: Int64(max(seconds, 0) * 1e9)))
  }

  /// True if the left instant is earlier.
  @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// This moment plus whole seconds; clamped at the end of time.
  @inlinable public func adding(seconds: UInt32) -> Instant {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(seconds) &* 1_000_000_000)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// Whole seconds from an earlier moment to this one; 0 when that is not earlier.
  @inlinable public func wholeSeconds(since earlier: Instant) -> UInt32 {
    earlier < self ? UInt32(clamping: (nanoseconds &- earlier.nanoseconds) / 1_000_000_000) : 0
  }
}
