/// A moving average of packets and bytes, updated by RATEEST and read by `-m rateest`.
///
/// The corresponding kernel structure is `net_rate_estimator`.
struct RateEstimator {
  private let interval: Int
  private let weight: UInt64
  /// The next expiry of the timer, in nanoseconds.
  private var nextTurn: UInt64
  private var bytes: UInt64 = 0
  private var packets: UInt64 = 0
  private var lastBytes: UInt64 = 0
  private var lastPackets: UInt64 = 0
  /// The rate of bytes and packets, in 1/256 per second.
  private var byteRate: UInt64 = 0
  private var packetRate: UInt64 = 0

  /// - Parameters:
  /// - interval: the binary logarithm of the interval in seconds, -2 (250 ms) to 3 (8 s).
  /// - weight: the binary logarithm of the number of averaged intervals.
  init(interval: Int8, weight: UInt8, now: UInt64) {
    self.interval = min(max(Int(interval) + 2, 0), 5)
    self.weight = UInt64(weight & 31)
    nextTurn = now
    nextTurn = now &+ period
  }

  private var period: UInt64 { 250_000_000 << UInt64(interval) }

  /// The key of the estimator in the state shared between rules.
  static func key(_ name: String) -> String { "RATEEST/\(name)" }

  mutating func count(bytes length: Int, now: UInt64) {
    advance(to: now)
    bytes &+= UInt64(length)
    packets &+= 1
  }

  /// Bytes and packets per second. The corresponding kernel function is `gen_estimator_read`.
  mutating func rates(now: UInt64) -> (bytes: UInt64, packets: UInt64) {
    advance(to: now)
    return (byteRate >> 8, packetRate >> 8)
  }

  /// Runs the timer expiries since the last call. The corresponding kernel function is `est_timer`.
  private mutating func advance(to now: UInt64) {
    var turns = 0
    while nextTurn <= now {
      turn()
      nextTurn &+= period
      turns += 1
      // After that many idle intervals the average is 0.
      if turns > 4096 { nextTurn = now &+ period }
    }
  }

  private mutating func turn() {
    let scale = UInt64(10 - interval)
    byteRate = Self.average(byteRate, (bytes &- lastBytes) << scale, weight)
    packetRate = Self.average(packetRate, (packets &- lastPackets) << scale, weight)
    (lastBytes, lastPackets) = (bytes, packets)
  }

  private static func average(_ old: UInt64, _ sample: UInt64, _ weight: UInt64) -> UInt64 {
    old &+ (sample >> weight) &- (old >> weight)
  }
}
