import CNetfilter
public import Wire
public import XTables

/// Matches at random, or every nth packet. Kernel: `xt_statistic`, revision 0.
public enum StatisticMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_statistic_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var mode: UInt16 = 0
    var flags: UInt16 = 0
    /// The probability in units of 2⁻³¹, or `--every` minus one.
    var every: UInt32 = 0
    var packet: UInt32 = 0
    /// The initial value of the counter.
    var count: UInt32 = 0
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0
  }

  /// `XT_STATISTIC_MODE_*`.
  private enum Mode {
    static let random: UInt16 = 0
    static let nth: UInt16 = 1
  }

  public static let name = "statistic"
  public static let families: Families = .both
  public static let summary = "matches packets at random, or every nth packet"
  public static let needs: [HostFact] = [.chance]
  public static let initial = Info()

  private static let mode = ValueSyntax<UInt16>(
    placeholder: "random|nth", grammar: "\"random\" | \"nth\"", samples: ["random", "nth"], nearMisses: ["", "RANDOM", "other"],
    parse: { token, _ throws(OptionError) in
      if token == "random" { return Mode.random }
      if token == "nth" { return Mode.nth }
      throw OptionError("bad-value", "Bad mode \"\(token.string)\"", at: token.range, hint: "write random or nth")
    },
    print: { mode, text in text.word(mode == Mode.random ? "random" : "nth") })

  private static let probability = ValueSyntax<UInt32>(
    placeholder: "p", grammar: "fraction", samples: ["0", "1", "0.5", "0.33333", "1e-3"], nearMisses: ["2", "-1", "x", ""],
    parse: { token, arguments throws(OptionError) in
      // `nan` is neither below 0 nor above 1, so that iptables takes it, and it stores 0.
      guard let fraction = CFraction(token.bytes), fraction.rest.isEmpty, fraction.value.isNaN || (0...1).contains(fraction.value) else {
        throw arguments.outOfRange(nil, 0...1)
      }
      if fraction.value.isNaN {
        arguments.wrapped(keptAs: "0", at: token)
        return 0
      }
      return UInt32((fraction.value * 0x1p31).rounded(.toNearestOrAwayFromZero))
    },
    print: { probability, text in text.word(fraction(probability)) })

  /// A multiple of 2⁻³¹ with eleven decimals, rounded half to even as `printf` does.
  private static func fraction(_ probability: UInt32) -> String {
    let scaled = UInt128(probability) * 100_000_000_000
    var (whole, rest) = scaled.quotientAndRemainder(dividingBy: 1 << 31)
    if rest > 1 << 30 || rest == 1 << 30 && whole & 1 == 1 { whole += 1 }
    rest = whole % 100_000_000_000
    let decimals = String(rest)
    return "\(whole / 100_000_000_000)." + String(repeating: "0", count: 11 - decimals.count) + decimals
  }

  /// The probability with at most four decimals.
  private static func shortFraction(_ probability: UInt32) -> String {
    let tenThousandths = (UInt64(probability) * 10_000 + 1 << 30) >> 31
    let decimals = String(10_000 + tenThousandths % 10_000).dropFirst()
    let end = decimals.lastIndex { $0 != "0" }.map { decimals.index(after: $0) } ?? decimals.startIndex
    return "\(tenThousandths / 10_000)" + (end == decimals.startIndex ? "" : ".\(decimals[..<end])")
  }

  private static let every: ValueSyntax<UInt32> = {
    let number = ValueSyntax<UInt32>.unsigned(1...UInt32.max)
    return ValueSyntax(
      placeholder: "n", grammar: number.grammar, samples: number.samples, nearMisses: number.nearMisses,
      parse: { token, arguments throws(OptionError) in try number.parse(token, arguments) - 1 },
      print: { every, text in text.word(String(every &+ 1)) })
  }()

  public static let options: [Option<Info>] = [
    Option("--mode", mode, \.mode, .mandatory, "random, or nth"),
    Option(
      "--probability", probability, \.every, invert: .bitIfInverted, present: .when { $0.mode == Mode.random },
      OptionUse(excludes: ["--every", "--packet"]), "the probability, from 0 to 1"),
    Option(
      "--every", every, \.every, invert: .bitIfInverted, present: .when { $0.mode == Mode.nth },
      OptionUse(excludes: ["--probability"], requires: ["--packet"]), "match every nth packet; this is n"),
    Option(
      "--packet", .unsigned(), \.packet, present: .when { $0.mode == Mode.nth },
      OptionUse(excludes: ["--probability"], requires: ["--every"]), "the number of the first packet that matches, from 0"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_statistic_info_size), userSize: 16)]
  public static let examples: [Example] = [
    .matches("--mode nth --every 2 --packet 0", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .misses("--mode nth --every 2 --packet 0", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .accepts("--mode random --probability 0.5", saved: "--mode random --probability 0.50000000000"),
    .accepts("--mode random --probability nan", saved: "--mode random --probability 0.00000000000"),
    .accepts("--mode nth ! --every 10 --packet 3"), .rejects("--mode nth --every 5"), .rejects("--mode random"),
    .rejects("--mode random --probability 1.1"), .rejects("--mode nth --every 3 --packet 3"), .rejects("--mode nth --probability 0.5"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if info.mode == Mode.random, !seen.contains("--probability") {
      throw OptionError("missing-option", "--probability must be specified when using random mode")
    }
    if info.mode == Mode.nth, !seen.contains("--every") {
      throw OptionError("missing-option", "--every and --packet must be specified when using nth mode")
    }
    guard info.packet <= info.every else {
      throw OptionError("bad-value", "the --packet p must be 0 <= p <= n-1")
    }
    info.count = info.every - info.packet
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("statistic mode ")
    text.glue(mode, info.mode)
    if info.flags & 1 != 0 { text.word("!") }
    if info.mode == Mode.random {
      text.word("probability ")
      text.glue(probability, info.every)
    } else {
      text.word("every \(UInt64(info.every) + 1)")
      if info.packet != 0 { text.word("packet \(info.packet)") }
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.mode > 1 || info.flags & ~1 != 0 { throw .kernel("statistic: unknown mode or flags") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `statistic_mt`.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    // The kernel compares 31 random bits; 0 and 1 need none.
    if info.mode == Mode.random, info.every > 0, info.every < 1 << 31, let branching = packet.world.branching {
      let probability = Double(info.every) / Double(1 << 31)
      let holds = branching.decide("-m statistic", probability: info.flags & 1 == 0 ? probability : 1 - probability)
      return .of(holds)
    }
    if info.mode == Mode.random, info.every > 0, info.every < 1 << 31, packet.lacks(.chance) {
      return .unknown(UnknownReason("-m statistic, which matches with probability \(shortFraction(info.every)),", lacking: .chance))
    }
    let isHit =
      switch info.mode {
      case Mode.random: UInt32(truncatingIfNeeded: packet.world.random.next()) & 0x7fff_ffff < info.every
      default:
        packet.world.memory.withState(of: packet.slot, initial: info.count) { count in
          count = count == info.every ? 0 : count &+ 1
          return count == 0
        }
      }
    return .of(isHit != (info.flags & 1 != 0))
  }
}

extension Inversion where Info == StatisticMatch.Info {
  /// Any inverted option inverts the whole match; a later option does not undo that.
  fileprivate static var bitIfInverted: Inversion {
    Inversion(get: { $0.flags & 1 != 0 }, set: { if $1 { $0.flags |= 1 } })
  }
}
