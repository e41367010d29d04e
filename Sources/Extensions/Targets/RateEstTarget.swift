import CNetfilter
public import Wire
public import XTables

/// Measures the rate of packets and bytes under a name. Kernel: `xt_RATEEST`, revision 0.
public enum RateEstTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_rateest_target_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var name = FixedName<16>()
    var interval: Int8 = 0
    var weight: UInt8 = 0
    var padding = InlineArray<6, UInt8>(repeating: 0)
    /// A pointer used by the kernel only, 0 in a rule. While options are parsed it holds both times in microseconds, the smoothing time in
    /// the high half: the stored values depend on both.
    var estimator: UInt64 = 0
  }

  private static let microseconds: UInt32 = 1_000_000

  public static let name = "RATEEST"
  public static let families: Families = .both
  public static let summary = "measures the rate of packets and bytes in a named estimator"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--rateest-name", .bareName(placeholder: "name"), \.name, OptionUse(mandatory: true, content: .list),
      "the name of the estimator, for -m rateest"),
    time("--rateest-interval", "interval", shift: 0, "how often to measure: 250ms to 8s") { timeOfInterval($0) },
    time("--rateest-ewmalog", "ewmalog", shift: 32, "how far the average reaches back") {
      timeOfInterval($0) &* (1 &<< UInt32($0.weight))
    },
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_rateest_target_info_size), userSize: 24)]
  public static let examples: [Example] = [
    .passes(
      "--rateest-name RE1 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "the estimator of -m rateest counts the packet"),
    .accepts(
      "--rateest-name a --rateest-interval 1s --rateest-ewmalog 8sec",
      saved: "--rateest-name a --rateest-interval 1.0s --rateest-ewmalog 8.0s"),
    .rejects("--rateest-name a --rateest-interval 9s --rateest-ewmalog 10s"),
    .rejects("--rateest-name a --rateest-interval 1s --rateest-ewmalog 1s"), .rejects(""),
  ]

  private static func timeOfInterval(_ info: Info) -> UInt32 { microseconds &<< UInt32(truncatingIfNeeded: Int(info.interval) + 2) / 4 }

  private static func time(
    _ name: String, _ word: String, shift: UInt64, _ summary: String, _ value: @escaping @Sendable (Info) -> UInt32
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "time", grammar: "number [ \"s\" | \"ms\" | \"us\" ]",
      samples: shift == 0 ? ["250ms", "0.5s", "1s", "8s"] : ["500ms", "2s", "16secs"], nearMisses: ["x", "1h", ""], .mandatory, summary,
      read: { info, arguments throws(OptionError) in
        guard let time = DurationText.microseconds(arguments) else {
          throw OptionError(
            "bad-value", "RATEEST: bad \(word) value \"\(arguments.token.string)\"", at: arguments.token.range,
            hint: "write a time such as 250ms or 2s")
        }
        info.estimator = info.estimator & ~(UInt64(UInt32.max) << shift) | UInt64(time) << shift
      },
      write: { info, text in
        text.option(name)
        text.word(DurationText.text(value(info)))
      })
  }

  /// The corresponding C function is `RATEEST_final_check`.
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    let interval = UInt32(truncatingIfNeeded: info.estimator)
    let reach = Double(info.estimator >> 32)
    info.estimator = 0
    guard let exponent = (0...5).first(where: { interval <= (microseconds / 4) << UInt32($0) }) else {
      throw OptionError("bad-value", "RATEEST: interval value is too large", hint: "at most 8s")
    }
    info.interval = Int8(exponent - 2)
    // The first number of intervals, as a power of two, whose averaging time exceeds the requested one.
    let beyond = (1..<32).first { Double(interval) / DurationText.decay($0) > reach } ?? 32
    guard beyond > 1, beyond < 32 else {
      throw OptionError("bad-value", "RATEEST: ewmalog value is out of range", hint: "at least one and a half intervals")
    }
    info.weight = UInt8(beyond - 1)
  }

  /// The first rule of a name creates the estimator and starts its timer.
  public static var start: (@Sendable (Info, Family, World) -> Void)? {
    { info, _, world in
      let now = world.now
      world.memory.withState(named: RateEstimator.key(info.name.string), initial: RateEstimator?.none) { estimator in
        if estimator == nil { estimator = RateEstimator(interval: info.interval, weight: info.weight, now: now) }
      }
    }
  }

  public static func objects(_ info: Info) -> [KernelObjectUse] { [.makes(.rateEstimator(info.name.string))] }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("name \(info.name.string)")
    let interval = timeOfInterval(info)
    text.word("interval \(DurationText.text(interval))")
    text.word("ewmalog \(DurationText.text(interval &* (1 &<< UInt32(info.weight))))")
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    let now = packet.world.now
    let length = packet.packet.count
    packet.world.memory.withState(named: RateEstimator.key(info.name.string), initial: RateEstimator?.none) { estimator in
      estimator?.count(bytes: length, now: now)
    }
    return .proceed
  }
}

/// The time syntax of RATEEST.
private enum DurationText {
  private static let units: [(names: [String], microseconds: Double)] = [
    (["s", "sec", "secs"], 1_000_000), (["ms", "msec", "msecs"], 1000), (["us", "usec", "usecs"], 1),
  ]

  /// Parses a decimal number and a unit; without a unit, microseconds. The corresponding C function is `RATEEST_get_time`.
  static func microseconds(_ arguments: OptionArguments) -> UInt32? {
    guard let number = CFraction(arguments.token.bytes) else { return nil }
    let unit = Token(number.rest, at: arguments.token.range)
    if unit.bytes.isEmpty { return arguments.keep(number.value) }
    guard let scale = units.first(where: { $0.names.contains { $0.equalsIgnoringCase(unit) } }) else { return nil }
    return arguments.keep(number.value * scale.microseconds)
  }

  /// Prints a time with one decimal. The corresponding C function is `RATEEST_print_time`.
  static func text(_ time: UInt32) -> String {
    if time >= 1_000_000 { return tenths(time, 1_000_000) + "s" }
    if time >= 1000 { return tenths(time, 1000) + "ms" }
    return "\(time)us"
  }

  private static func tenths(_ time: UInt32, _ unit: UInt64) -> String {
    // Printed times are 250 ms times a power of two, so nothing is rounded.
    let tenths = UInt64(time) * 10 / unit
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// The negative natural logarithm of `1 - 2^-n`, as a series summed until the terms vanish.
  static func decay(_ exponent: Int) -> Double {
    let x = 1 / Double(UInt64(1) << UInt64(exponent))
    var power = x
    var sum = 0.0
    var index = 1.0
    while power / index > sum * 1e-18 {
      sum += power / index
      power *= x
      index += 1
    }
    return sum
  }
}
