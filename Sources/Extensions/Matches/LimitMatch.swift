import CNetfilter
public import Wire
public import XTables

/// Matches at a limited rate, with a token bucket per rule. Kernel: `xt_limit`, revision 0.
public enum LimitMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_rateinfo`.
  public struct Info: BitwiseCopyable, Sendable {
    /// The time between two packets in units of 100 µs.
    var average: UInt32 = 3600 * Self.scale / 3
    var burst: UInt32 = 5
    /// `prev`, `credit`, `credit_cap`, `cost` and `master`, which the kernel fills in.
    var kernelState = InlineArray<8, UInt32>(repeating: 0)

    /// `XT_LIMIT_SCALE`.
    static let scale: UInt32 = 10_000
  }

  public static let name = "limit"
  public static let families: Families = .both
  public static let summary = "matches at a limited rate"
  public static let initial = Info()

  private static let rate = ValueSyntax<UInt32>(
    placeholder: "rate[/second|/minute|/hour|/day]", grammar: "number [ \"/\" time-unit ]",
    samples: ["10", "1/s", "10000/second", "3/minute", "7/hour", "2/day", "5/min"],
    nearMisses: ["0", "10001/second", "1/week", "1/", "x"],
    parse: { token, arguments throws(OptionError) in
      let hint = "write a number and a unit: 10/second, 5/minute, 2/hour or 1/day"
      guard let (number, seconds) = RateSyntax.parse(token), number.int != 0 else {
        throw OptionError("bad-rate", "bad rate \"\(token.string)\"'", at: token.range, hint: hint)
      }
      arguments.keep(number, as: UInt32(bitPattern: number.int))
      let period = UInt32(seconds) * Info.scale / UInt32(bitPattern: number.int)
      guard period != 0 else {
        throw OptionError(
          "bad-rate", "Rate too fast \"\(token.string)\"", at: token.range, hint: "at most 10000 a second can be counted")
      }
      return period
    },
    print: { period, text in text.word(RateSyntax.print(period: UInt64(period), scale: UInt64(Info.scale))) })

  public static let options: [Option<Info>] = [
    Option("--limit", rate, \.average, .plain, "the average rate"),
    Option(
      "--limit-burst", .unsigned(0...10000), \.burst, present: .when { $0.burst != 5 }, .plain,
      "the number of packets that can match at once"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_rateinfo_size), userSize: 8)]
  public static let examples: [Example] = [
    .matches("--limit 1/hour --limit-burst 1", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .misses("--limit 1/hour --limit-burst 1", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .matches(
      "--limit 10/sec --limit-burst 1", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", "wait 0.2"]),
    .accepts("--limit 3/min --limit-burst 10"), .accepts("", saved: "--limit 3/hour"), .accepts("--limit 10", saved: "--limit 10/sec"),
    .accepts("--limit 3000/s", saved: "--limit 3333/sec"),
    .rejects("--limit 10001/second"), .rejects("! --limit 1/s"), .rejects("--limit 1/fortnight"), .rejects("--limit-burst 10001"),
  ]

  /// The corresponding C functions are `add_nft_limit` and `nft_parse_limit`.
  public static let native: NativeForm<Info>? = NativeForm(
    encode: { info in
      guard info.average > 0 else { return nil }
      let units: [UInt64] = [24 * 60 * 60, 60 * 60, 60, 1]
      let period = UInt64(info.average)
      let scaled = units.map { $0 * UInt64(Info.scale) }
      let next = (1..<units.count).first { period > scaled[$0] || scaled[$0] / period < scaled[$0] % period } ?? units.count
      return [.limit(rate: scaled[next - 1] / period, unit: units[next - 1], burst: info.burst)]
    },
    decode: { step, _, info in
      guard case .limit(let rate, let unit, let burst) = step, rate > 0, unit <= 7 * 24 * 60 * 60 else { return nil }
      var info = info
      info.average = UInt32(truncatingIfNeeded: UInt64(Info.scale) * unit / rate)
      info.burst = burst
      return info
    })

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("limit: avg \(RateSyntax.print(period: UInt64(info.average), scale: UInt64(Info.scale))) burst \(info.burst)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    let bucket = Bucket(info)
    if info.burst == 0 || bucket.capacity < bucket.cost {
      throw .kernel(
        "limit: a burst of \(info.burst) at this rate is more than the kernel can count (ERANGE)",
        hint: info.burst == 0 ? "a burst is at least 1" : "lower --limit-burst, or write the rate in a shorter unit")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    if packet.world.host.usesNfTables, case .limit(let rate, let unit, let burst)? = native?.steps(info)?.first {
      let now = packet.world.now
      if let bucket = NativeTokenBucket(rate: rate, unit: unit, burst: burst, now: now) {
        return .of(packet.world.memory.withState(of: packet.slot, initial: bucket) { $0.take(now) })
      }
    }
    let now = KernelTicks.now(packet.world)
    return .of(packet.world.memory.withState(of: packet.slot, initial: Bucket(info, now)) { $0.take(now) })
  }

  /// A bucket of credits that grows by a fixed number per tick; the corresponding kernel function is `limit_mt`.
  struct Bucket {
    var credit: UInt32
    var previous: UInt64
    let capacity: UInt32
    let cost: UInt32

    /// `CREDITS_PER_JIFFY`: the greatest power of two with which a day's credits still fit in 32 bits.
    private static let creditsPerTick: UInt32 = 128
    private static let creditsPerSecond = creditsPerTick * UInt32(KernelTicks.perSecond)

    init(_ info: Info, _ now: UInt64 = 0) {
      capacity = Self.credits(info.average &* info.burst)
      cost = Self.credits(info.average)
      credit = capacity
      previous = now
    }

    /// The corresponding kernel function is `user2credits`; wraps as the kernel's does.
    private static func credits(_ time: UInt32) -> UInt32 {
      time > .max / creditsPerSecond ? time / Info.scale &* creditsPerSecond : time &* creditsPerSecond / Info.scale
    }

    mutating func take(_ now: UInt64) -> Bool {
      credit &+= UInt32(truncatingIfNeeded: now &- previous) &* Self.creditsPerTick
      previous = now
      credit = min(credit, capacity)
      guard credit >= cost else { return false }
      credit -= cost
      return true
    }
  }
}
