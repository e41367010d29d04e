import XTables

/// The kernel's clock in ticks (jiffies) of 4 ms, as token buckets use it.
///
/// Netfilter computes rates in jiffies, so the rounding depends on `CONFIG_HZ`. This is `CONFIG_HZ=250`, as in Debian's kernels and
/// in the kernel used for comparison.
enum KernelTicks {
  /// `HZ`.
  static let perSecond: UInt64 = 250

  /// The tick that contains the present moment.
  static func now(_ world: World) -> UInt64 { (world.now &+ world.tickPhase) / (1_000_000_000 / perSecond) }
}
