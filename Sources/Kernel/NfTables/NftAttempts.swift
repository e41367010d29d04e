internal import Glibc

/// The attempts at a reading or a transaction that other programs disturb while they change nf_tables.
///
/// They are limited by time and not by number: a program that adds rule after rule can change the ruleset every millisecond for seconds,
/// and iptables-nft itself tries without a limit.
struct NftAttempts {
  private static let limit = Duration.seconds(30)
  private static let longestPause: UInt32 = 20_000

  private let end = ContinuousClock.now + limit
  private(set) var count = 0

  /// Waits before the next attempt.
  ///
  /// - Parameter doing: for the message, as in `KernelError.Kind.call`.
  /// - Throws: `KernelError` with EAGAIN if the time has run out.
  mutating func wait(_ doing: String) throws(KernelError) {
    guard ContinuousClock.now < end else {
      throw .call("\(doing), which other programs changed at every attempt,", SystemError(number: EAGAIN))
    }
    // The pause differs from process to process, so that two of them do not disturb each other again and again.
    usleep(.random(in: 0...min(200 * UInt32(count), Self.longestPause)))
    count += 1
  }
}
