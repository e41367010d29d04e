import Wire
import XTables

/// The buckets of one name: one for each combination of the source, destination and ports that the mode selects. The corresponding
/// kernel structure is `xt_hashlimit_htable`.
struct HashlimitTable {
  /// The corresponding kernel structure is `dsthash_dst`.
  struct Key: Hashable {
    var source: UInt128 = 0
    var destination: UInt128 = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
  }

  /// The settings of the rule that created the table. They apply to all rules of the same name.
  let settings: HashlimitMatch.Info
  private let created: UInt64
  private let capacity: Int
  private var buckets: [Key: HashlimitBucket] = [:]

  init(_ info: HashlimitMatch.Info, _ now: UInt64) {
    settings = info
    created = now
    // The kernel chooses the size by its memory; 8192 is its choice for a gigabyte or more.
    let size = info.size == 0 ? 8192 : min(info.size, 1 << 20)
    capacity = Int(info.maximum == 0 ? 8 * size : max(min(info.maximum, 1 << 20), size))
  }

  /// True if a packet is below the limit; nil if the table is full.
  mutating func take(_ key: Key, bytes: Int, _ rule: HashlimitMatch.Info, _ now: UInt64) -> Bool? {
    collect(now)
    let expires = now &+ UInt64(settings.expiry) * KernelTicks.perSecond / 1000
    if buckets[key] == nil {
      guard buckets.count < capacity else { return nil }
      buckets[key] = HashlimitBucket(settings, now)
    } else {
      buckets[key]?.refill(settings.mode, now)
    }
    buckets[key]?.expires = expires
    return buckets[key]?.take(bytes: bytes, rule.mode)
  }

  /// Removes idle buckets. As the kernel, runs once per interval, counted from the table's creation.
  private mutating func collect(_ now: UInt64) {
    let interval = max(UInt64(settings.collectionInterval) * KernelTicks.perSecond / 1000, 1)
    let lastRun = created &+ (now &- created) / interval * interval
    if lastRun > created { buckets = buckets.filter { $0.value.expires > lastRun } }
  }
}

/// One bucket. The corresponding kernel structure is the `rateinfo` of `dsthash_ent`.
struct HashlimitBucket {
  private typealias Mode = HashlimitMatch.Mode

  var expires: UInt64 = 0
  private var previous: UInt64
  private var credit: UInt64 = 0
  private var cap: UInt64 = 0
  private var cost: UInt64 = 0
  /// For `--hashlimit-rate-match`: the allowed rate, the packets or bytes of this interval, and whether the last interval exceeded
  /// the rate.
  private var rate: UInt64 = 0
  private var burst: UInt64 = 0
  private var current: UInt64 = 0
  private var interval: UInt64 = 0
  private var wasOver = false

  /// `CREDITS_PER_JIFFY` and `CREDITS_PER_JIFFY_BYTES` for ticks of this length.
  private static let creditsPerTick: UInt64 = 1 << 39
  private static let byteCreditsPerTick: UInt64 = 1 << 24
  private static let byteCreditsPerSecond = byteCreditsPerTick * KernelTicks.perSecond

  /// The corresponding kernel function is `rateinfo_init`.
  init(_ info: HashlimitMatch.Info, _ now: UInt64) {
    previous = now
    let isBytes = info.mode & Mode.bytes != 0
    if info.mode & Mode.measures != 0 {
      if isBytes {
        rate = HashlimitRate.bytes(cost: info.average & 0xffff_ffff)
        burst = info.burst == 0 ? rate : info.burst &* rate
      } else {
        rate = info.average == 0 ? 0 : HashlimitRate.scale / info.average
        burst = info.burst &+ rate
      }
      interval = UInt64(info.interval)
    } else if isBytes {
      credit = Self.byteCreditsPerSecond
      cost = Self.byteCredits(info.average)
      cap = info.burst
    } else {
      credit = Self.credits(info.average &* info.burst)
      cost = Self.credits(info.average)
      cap = credit
    }
  }

  /// The corresponding kernel function is `user2credits`.
  static func credits(_ time: UInt64) -> UInt64 { time &* (KernelTicks.perSecond * creditsPerTick / HashlimitRate.scale) }

  /// The corresponding kernel function is `user2credits_byte`.
  static func byteCredits(_ cost: UInt64) -> UInt64 { ((cost & 0xffff_ffff) &* byteCreditsPerSecond) >> 32 }

  /// The corresponding kernel function is `rateinfo_recalc`.
  mutating func refill(_ mode: UInt32, _ now: UInt64) {
    let passed = now &- previous
    guard passed != 0 else { return }
    if mode & Mode.measures != 0 {
      let window = interval * KernelTicks.perSecond
      guard passed >= window else { return }
      previous = now
      wasOver = current &* window > passed &* rate
      current = 0
      return
    }
    previous = now
    if mode & Mode.bytes != 0 {
      let old = credit
      credit &+= Self.byteCreditsPerTick &* passed
      credit = old >= credit ? Self.byteCreditsPerSecond : min(credit, Self.byteCreditsPerSecond)
    } else {
      let (sum, overflow) = credit.addingReportingOverflow(passed.multipliedFullWidth(by: Self.creditsPerTick).low)
      credit = overflow || passed > 1 << 24 ? cap : min(sum, cap)
    }
  }

  /// True if a packet is below the limit. The corresponding kernel function is `hashlimit_mt_common`.
  mutating func take(bytes: Int, _ mode: UInt32) -> Bool {
    if mode & Mode.measures != 0 {
      current &+= mode & Mode.bytes != 0 ? UInt64(bytes) : 1
      return !wasOver && current <= burst
    }
    let price = mode & Mode.bytes != 0 ? bytePrice(bytes) : cost
    guard credit >= price else { return false }
    credit -= price
    return true
  }

  /// The cost of a packet. The burst of a byte rate is the number of times that the bucket may be refilled at once. The corresponding
  /// kernel function is `hashlimit_byte_cost`.
  private mutating func bytePrice(_ bytes: Int) -> UInt64 {
    let price = min(UInt64((bytes >> 4) + 1) &* cost, Self.byteCreditsPerSecond)
    if credit < price, cap > 0 {
      cap -= 1
      credit = Self.byteCreditsPerSecond
    }
    return price
  }
}
