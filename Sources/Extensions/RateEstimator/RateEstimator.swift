/// A moving average of the packets and bytes that pass, as RATEEST keeps it and `-m rateest` reads it.
///
/// The corresponding kernel structure is `net_rate_estimator`.
struct RateEstimator {
  private let interval: Int
  private let weight: UInt64
  /// Nanoseconds of the next turn of the timer.
  private var nextTurn: UInt64
  private var bytes: UInt64 = 0
  private var packets: UInt64 = 0
  private var lastBytes: UInt64 = 0
  private var lastPackets: UInt64 = 0
  /// 256ths of a byte a second, and of a packet.
  private var byteRate: UInt64 = 0
  private var packetRate: UInt64 = 0

  /// - Parameters:
  ///   - interval: -2 for a quarter of a second, 0 for one second, 3 for eight.
  ///   - weight: the binary logarithm of the number of intervals the average reaches back.
  init(interval: Int8, weight: UInt8, now: UInt64) {
    self.interval = min(max(Int(interval) + 2, 0), 5)
    self.weight = UInt64(weight & 31)
    nextTurn = now
    nextTurn = now &+ period
  }

  private var period: UInt64 { 250_000_000 << UInt64(interval) }

  /// The state's name in the memory shared between rules.
  static func key(_ name: String) -> String { "RATEEST/\(name)" }

  mutating func count(bytes length: Int, now: UInt64) {
    advance(to: now)
    bytes &+= UInt64(length)
    packets &+= 1
  }

  /// Bytes and packets a second. The corresponding kernel function is `gen_estimator_read`.
  mutating func rates(now: UInt64) -> (bytes: UInt64, packets: UInt64) {
    advance(to: now)
    return (byteRate >> 8, packetRate >> 8)
  }

  /// Makes up for the turns of the timer since the last call. The corresponding kernel function is `est_timer`.
  private mutating func advance(to now: UInt64) {
    var turns = 0
    while nextTurn <= now {
      turn()
      nextTurn &+= period
      turns += 1
      // After so many idle turns nothing of the average is left to fade.
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
