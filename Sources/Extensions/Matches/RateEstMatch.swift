import CNetfilter
public import Wire
public import XTables

/// Compares a rate measured by RATEEST with a number or another rate. Kernel: `xt_rateest`, revision 0.
public enum RateEstMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_rateest_match_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var first = FixedName<16>()
    var second = FixedName<16>()
    var flags: UInt16 = 0
    var mode: UInt16 = 0
    /// Bytes and packets per second, for the first and the second rate.
    var firstBytes: UInt32 = 0
    var firstPackets: UInt32 = 0
    var secondBytes: UInt32 = 0
    var secondPackets: UInt32 = 0
    var padding: UInt32 = 0
    /// Pointers used by the kernel only; 0 in a rule's text.
    var estimators = InlineArray<2, UInt64>(repeating: 0)
  }

  /// `XT_RATEEST_MATCH_*`.
  private enum Bit {
    static let inverted: UInt16 = 0x01
    static let absolute: UInt16 = 0x02
    static let relative: UInt16 = 0x04
    static let delta: UInt16 = 0x08
    static let bytes: UInt16 = 0x10
    static let packets: UInt16 = 0x20
  }

  /// The options in the order of the kernel's numbers, starting at 1.
  private static let modes = ["--rateest-eq", "--rateest-lt", "--rateest-gt"]

  public static let name = "rateest"
  public static let families: Families = .both
  public static let needs: [HostFact] = [.estimators]
  public static let summary = "compares a rate measured by RATEEST with a number or with another rate"
  public static let traits: ExtensionTraits = .machineWide
  public static let initial = Info()

  private static func name(
    _ name: String, aliases: [String], _ path: any WritableKeyPath<Info, FixedName<16>> & Sendable, _ flag: UInt16, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "name", grammar: "string", samples: ["RE1"], OptionUse(aliases: aliases, content: .list), summary,
      read: { info, arguments throws(OptionError) in
        info[keyPath: path] = FixedName(arguments.token.bytes)
        info.flags |= flag
      },
      write: { _, _ in })
  }

  /// A rate option. Its number may be omitted if the rate is compared with another rate.
  private static func rate(
    _ name: String, aliases: [String], _ path: any WritableKeyPath<Info, UInt32> & Sendable, bytes: Bool, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 0, placeholder: bytes ? "[rate]" : "[number]", grammar: bytes ? "[ bit-rate ]" : "[ number ]",
      samples: bytes ? ["8bit", "5kbit", "1MBps", "100"] : ["0", "42"], nearMisses: ["x"],
      OptionUse(aliases: aliases, mayHaveArgument: true), summary,
      read: { info, arguments throws(OptionError) in
        info.flags |= bytes ? Bit.bytes : Bit.packets
        guard !arguments.token.bytes.isEmpty else { return }
        let number = bytes ? BitRate.bytes(arguments) : arguments.token.unsigned.flatMap { UInt32(exactly: $0) }
        guard let number else {
          throw arguments.refused(
            "bad-value", "could not parse \(bytes ? "rate" : "pps") `\(arguments.token.string)'",
            hint: bytes ? "write a rate such as 8bit, 5kbit or 1MBps" : "write a number")
        }
        info[keyPath: path] = number
      },
      write: { _, _ in })
  }

  private static func mode(_ index: Int, _ summary: String) -> Option<Info> {
    Option(
      flag: modes[index], present: Presence(get: { _ in false }, set: { $0.mode = UInt16(index + 1) }),
      invert: Inversion(
        get: { $0.flags & Bit.inverted != 0 }, set: { info, inverted in if inverted { info.flags |= Bit.inverted } }), .plain, summary)
  }

  public static let options: [Option<Info>] = [
    Option(
      flag: "--rateest-delta", present: Presence(get: { _ in false }, set: { $0.flags |= Bit.delta }), .plain,
      "compare the difference between the given number and the rate"),
    name("--rateest1", aliases: ["--rateest"], \.first, 0, "the rate"),
    rate("--rateest-bps1", aliases: [], \.firstBytes, bytes: true, "compare bytes; the number from which the first rate is subtracted"),
    rate(
      "--rateest-pps1", aliases: [], \.firstPackets, bytes: false, "compare packets; the number from which the first rate is subtracted"),
    mode(1, "the first rate is less"), mode(2, "the first rate is greater"), mode(0, "the rates are equal"),
    rate("--rateest-bps2", aliases: ["--rateest-bps"], \.secondBytes, bytes: true, "compare bytes with a number"),
    rate("--rateest-pps2", aliases: ["--rateest-pps"], \.secondPackets, bytes: false, "compare packets with a number"),
    name("--rateest2", aliases: [], \.second, Bit.relative, "another rate to compare with"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(xt_rateest_match_info_size), userSize: 56)]
  public static let examples: [Example] = [
    .matches("--rateest RE1 --rateest-eq --rateest-pps 0", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: measured),
    .misses("--rateest RE1 --rateest-gt --rateest-pps 5", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", given: measured),
    .accepts("--rateest RE1 --rateest-lt --rateest-bps 8bit"),
    .accepts("--rateest1 RE1 ! --rateest-gt --rateest-pps2 5", saved: "--rateest RE1 ! --rateest-gt --rateest-pps 5"),
    .accepts("--rateest-delta --rateest1 RE1 --rateest-pps1 0 --rateest-lt --rateest-pps2 42 --rateest2 RE2"),
    .rejects("--rateest RE1 --rateest-lt --rateest-bps x"), .rejects("--rateest RE1 --rateest-bps 8bit"),
  ]

  /// A rule that measures the rate RE1.
  private static let measured = Example.Given(rules: [
    "-A FORWARD -j RATEEST --rateest-name RE1 --rateest-interval 8s --rateest-ewmalog 16s"
  ])

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if info.flags & Bit.relative == 0 { info.flags |= Bit.absolute }
  }

  /// The corresponding C function is `rateest_save`; it prints the comparison between the options of the two rates.
  public static func save(_ info: Info, family: Family, to text: inout RuleText) {
    if info.flags & Bit.delta != 0 { text.option("--rateest-delta") }
    name(info.flags & Bit.relative != 0 ? "--rateest1" : "--rateest", info.first, to: &text)
    if info.flags & Bit.bytes != 0 {
      saveRate(info, "bps", (BitRate.text(info.firstBytes), BitRate.text(info.secondBytes)), to: &text)
    }
    if info.flags & Bit.packets != 0 {
      saveRate(info, "pps", (String(info.firstPackets), String(info.secondPackets)), to: &text)
    }
    if info.flags & Bit.relative != 0 {
      name("--rateest2", info.second, to: &text)
    }
  }

  /// iptables-save prints an omitted name as an empty word, which cannot be parsed.
  private static func name(_ option: String, _ name: FixedName<16>, to text: inout RuleText) {
    if text.isReloadable, name.bytes.isEmpty { return }
    text.option(option)
    text.word(name.string)
  }

  private static func saveRate(_ info: Info, _ kind: String, _ rates: (String, String), to text: inout RuleText) {
    let isDelta = info.flags & Bit.delta != 0
    if isDelta {
      text.option("--rateest-\(kind)1")
      text.word(rates.0)
    }
    if (1...modes.count).contains(Int(info.mode)) {
      text.option(modes[Int(info.mode) - 1], inverted: info.flags & Bit.inverted != 0)
    }
    text.option("--rateest-\(kind)" + (isDelta ? "2" : ""))
    if isDelta || info.flags & Bit.absolute != 0 { text.word(rates.1) }
  }

  /// The corresponding kernel function is `xt_rateest_mt_checkentry`.
  public static func objects(_ info: Info) -> [KernelObjectUse] {
    let second = info.flags & Bit.relative != 0 ? [info.second] : []
    return ([info.first] + second).map { .needs(.rateEstimator($0.string)) }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("rateest match ")
    text.glue(bytes: info.first.bytes)
    func has(_ bit: UInt16) -> Bool { info.flags & bit != 0 }
    func rate(_ bytes: UInt32) -> String { numeric ? String(bytes) : BitRate.text(bytes) }
    func writeMode() {
      if has(Bit.inverted) { text.word("!") }
      text.word(info.mode >= 1 && info.mode <= 3 ? String(modes[Int(info.mode) - 1].dropFirst(10)) : "none")
    }
    if has(Bit.delta) { text.word("delta") }
    if has(Bit.bytes) {
      text.word("bps")
      if has(Bit.delta) { text.word(rate(info.firstBytes)) }
      if has(Bit.absolute) {
        text.word(rate(info.secondBytes))
        writeMode()
      }
    }
    if has(Bit.packets) {
      text.word("pps")
      if has(Bit.delta) { text.word(String(info.firstPackets)) }
      if has(Bit.absolute) {
        writeMode()
        text.word(String(info.secondPackets))
      }
    }
    guard has(Bit.relative) else { return }
    writeMode()
    text.word(info.second.string)
    if has(Bit.bytes) {
      text.word("bps")
      if has(Bit.delta) { text.word(rate(info.secondBytes)) }
    }
    if has(Bit.packets) {
      text.word("pps")
      if has(Bit.delta) { text.word(String(info.secondPackets)) }
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if (info.flags & (Bit.absolute | Bit.relative)).nonzeroBitCount != 1 { throw .kernel("rateest: one thing must be compared with") }
    if info.flags & (Bit.bytes | Bit.packets) == 0 {
      throw .kernel("rateest: neither bytes nor packets are compared", hint: "give --rateest-bps or --rateest-pps")
    }
    if !(1...UInt16(modes.count)).contains(info.mode) {
      throw .kernel("rateest: the comparison is missing", hint: "give --rateest-lt, --rateest-gt or --rateest-eq")
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `xt_rateest_mt`.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    let isDelta = info.flags & Bit.delta != 0
    guard var left = measured(info.first, packet.world) else { return unmeasured(info.first) }
    if isDelta { left = (rest(info.firstBytes, left.bytes), rest(info.firstPackets, left.packets)) }
    var right = (bytes: UInt64(info.secondBytes), packets: UInt64(info.secondPackets))
    if info.flags & Bit.absolute == 0 {
      guard let other = measured(info.second, packet.world) else { return unmeasured(info.second) }
      right = isDelta ? (rest(info.secondBytes, other.bytes), rest(info.secondPackets, other.packets)) : other
    }
    var matched = true
    if info.flags & Bit.bytes != 0 { matched = matched && compare(left.bytes, right.bytes, info.mode) }
    if info.flags & Bit.packets != 0 { matched = matched && compare(left.packets, right.packets, info.mode) }
    return .of(matched != (info.flags & Bit.inverted != 0))
  }

  private static func rest(_ number: UInt32, _ rate: UInt64) -> UInt64 { UInt64(number) >= rate ? UInt64(number) - rate : 0 }

  private static func compare(_ left: UInt64, _ right: UInt64, _ mode: UInt16) -> Bool {
    switch mode {
    case 1: left == right
    case 2: left < right
    case 3: left > right
    default: true
    }
  }

  /// The kernel loads no rule that names an estimator which does not exist.
  private static func unmeasured(_ name: FixedName<16>) -> MatchOutcome {
    .unknown(UnknownReason("-m rateest", needs: "the estimator \(name.string), which no rule measures here"))
  }

  /// The rates of an estimator, 0 if it has seen no packet; nil if no rule creates it.
  private static func measured(_ name: FixedName<16>, _ world: World) -> (bytes: UInt64, packets: UInt64)? {
    let now = world.now
    return world.memory.withState(named: RateEstimator.key(name.string), initial: RateEstimator?.none) { estimator in
      estimator?.rates(now: now)
    }
  }
}

/// Rates in bits and bytes, in iproute2's notation.
private enum BitRate {
  private static let suffixes: [(name: String, bits: Double)] = [
    ("bit", 1), ("Kibit", 1024), ("kbit", 1000), ("Mibit", 1_048_576), ("mbit", 1_000_000), ("Gibit", 1_073_741_824),
    ("gbit", 1_000_000_000), ("Tibit", 1_099_511_627_776), ("tbit", 1_000_000_000_000), ("Bps", 8), ("KiBps", 8192), ("KBps", 8000),
    ("MiBps", 8_388_608), ("MBps", 8_000_000), ("GiBps", 8_589_934_592), ("GBps", 8_000_000_000), ("TiBps", 8_796_093_022_208),
    ("TBps", 8_000_000_000_000),
  ]

  /// Parses a rate in bytes per second. A number without a unit is in bits and is divided by eight. The corresponding C function is
  /// `rateest_get_rate`.
  static func bytes(_ arguments: OptionArguments) -> UInt32? {
    guard let number = CFraction(arguments.token.bytes) else { return nil }
    let unit = Token(number.rest, at: arguments.token.range)
    let scale = unit.bytes.isEmpty ? 1 : suffixes.first { $0.name.equalsIgnoringCase(unit) }?.bits
    return scale.map { arguments.keep(number.value * $0 / 8) }
  }

  /// The corresponding C function is `rateest_print_rate`.
  static func text(_ bytes: UInt32) -> String {
    let bits = UInt64(bytes) * 8
    if bits >= 1_000_000_000 { return "\(rounded(bits, 1_000_000))Mbit" }
    if bits >= 1_000_000 { return "\(rounded(bits, 1000))Kbit" }
    return "\(bits)bit"
  }

  /// Rounds half to even, as `printf` does.
  private static func rounded(_ value: UInt64, _ unit: UInt64) -> UInt64 {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
    return rest * 2 > unit || rest * 2 == unit && whole % 2 == 1 ? whole + 1 : whole
  }
}
