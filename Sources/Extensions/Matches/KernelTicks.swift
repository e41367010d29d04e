/// The kernel's clock as token buckets read it: ticks of a quarter of a hundredth of a second.
///
/// Netfilter's rate arithmetic is done in jiffies and its rounding depends on their length; this is `CONFIG_HZ=250`, as
/// Debian's kernels and the one this was compared with are built.
enum KernelTicks {
  /// `HZ`.
  static let perSecond: UInt64 = 250

  /// The tick a moment of the scenario's clock falls in.
  static func at(_ nanoseconds: UInt64) -> UInt64 { nanoseconds / (1_000_000_000 / perSecond) }
}
