/// The token bucket of nf_tables, in nanoseconds. The corresponding kernel functions are `nft_limit_init` and `nft_limit_eval`.
public struct NativeTokenBucket: Sendable {
  private var tokens: UInt64
  private var last: UInt64
  private let capacity: UInt64
  private let cost: UInt64

  /// A full bucket; nil for a rate of 0, or one that the kernel refuses.
  ///
  /// - Parameters:
  ///   - rate: the packets in each `unit` seconds.
  ///   - burst: the packets that pass at once; 0 for the default, `NFT_LIMIT_PKT_BURST_DEFAULT`.
  ///   - now: the time in nanoseconds.
  public init?(rate: UInt64, unit: UInt64, burst: UInt32, now: UInt64) {
    let (period, overflows) = unit.multipliedReportingOverflow(by: 1_000_000_000)
    guard rate > 0, !overflows else { return nil }
    cost = period / rate
    let (capacity, isTooMuch) = cost.multipliedReportingOverflow(by: UInt64(burst == 0 ? 5 : burst))
    guard !isTooMuch else { return nil }
    (self.capacity, tokens, last) = (capacity, capacity, now)
  }

  /// Takes the tokens of a packet; false if there are not enough.
  public mutating func take(_ now: UInt64) -> Bool {
    let (sum, overflows) = tokens.addingReportingOverflow(now &- last)
    tokens = overflows ? capacity : min(capacity, sum)
    last = now
    guard tokens >= cost else { return false }
    tokens -= cost
    return true
  }
}
