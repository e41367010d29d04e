import CNetfilter
public import Wire
public import XTables

/// Matches up to, or above, a rate per source, destination or port. Kernel: `xt_hashlimit`, revision 3.
public enum HashlimitMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_hashlimit_mtinfo3`.
  public struct Info: BitwiseCopyable, Sendable {
    var name = FixedName<255>()
    var padding: UInt8 = 0
    /// The rate as ``HashlimitRate`` encodes it.
    var average: UInt64 = 0
    var burst: UInt64 = 5
    var mode: UInt32 = 0
    var size: UInt32 = 0
    var maximum: UInt32 = 0
    /// Milliseconds.
    var collectionInterval: UInt32 = 1000
    var expiry: UInt32 = 0
    /// Seconds.
    var interval: UInt32 = 0
    var sourceLength: UInt8 = 0
    var destinationLength: UInt8 = 0
    var tail = InlineArray<6, UInt8>(repeating: 0)
    /// A pointer used by the kernel only, 0 in a rule. While options are parsed it holds the rate's unit in seconds.
    var table: UInt64 = 0
  }

  /// The corresponding kernel structure is `xt_hashlimit_mtinfo2`.
  private struct Intervalless: BitwiseCopyable, Sendable {
    var name: FixedName<255>
    var padding: UInt8 = 0
    var average: UInt64
    var burst: UInt64
    var mode: UInt32
    var size: UInt32
    var maximum: UInt32
    var collectionInterval: UInt32
    var expiry: UInt32
    var sourceLength: UInt8
    var destinationLength: UInt8
    var tail: UInt16 = 0
    var table: UInt64 = 0
  }

  /// The corresponding kernel structure is `xt_hashlimit_mtinfo1`.
  private struct Short: BitwiseCopyable, Sendable {
    var name: FixedName<16>
    var mode: UInt32
    var average: UInt32
    var burst: UInt32
    var size: UInt32
    var maximum: UInt32
    var collectionInterval: UInt32
    var expiry: UInt32
    var sourceLength: UInt8
    var destinationLength: UInt8
    var tail: UInt16 = 0
    var table: UInt64 = 0
  }

  /// `XT_HASHLIMIT_*`.
  enum Mode {
    static let destination: UInt32 = 0x01
    static let destinationPort: UInt32 = 0x02
    static let source: UInt32 = 0x04
    static let sourcePort: UInt32 = 0x08
    static let inverted: UInt32 = 0x10
    static let bytes: UInt32 = 0x20
    static let measures: UInt32 = 0x40
    static let ports: UInt32 = 0x0a
    static let keys: UInt32 = 0x0f
    static let all: UInt32 = 0x7f
  }

  private static let keys: [(name: String, bit: UInt32)] = [
    ("srcip", Mode.source), ("srcport", Mode.sourcePort), ("dstip", Mode.destination), ("dstport", Mode.destinationPort),
  ]

  public static let name = "hashlimit"
  public static let families: Families = .both
  public static let summary = "matches at a limited rate for each source, destination or port"
  public static let initial = Info()

  private static func rate(_ name: String, above: Bool, aliases: [String], excludes: String, _ summary: String) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "rate", grammar: "number [ \"/\" time-unit ] | number [ \"k\" | \"m\" ] \"b/s\"",
      samples: ["1/sec", "1000000/sec", "3/minute", "7/hour", "4kb/s", "123456b/s", "10mb/s"], nearMisses: ["0", "1/week", "x", "b/s"],
      invertible: true, OptionUse(excludes: [excludes], aliases: aliases), summary,
      read: { info, arguments throws(OptionError) in
        let parsed = try HashlimitRate.parse(arguments.token, arguments)
        if arguments.inverted != above { info.mode |= Mode.inverted }
        if parsed.isBytes { info.mode |= Mode.bytes }
        info.average = parsed.average
        info.table = parsed.unit
      },
      write: { info, text in
        guard (info.mode & Mode.inverted != 0) == above else { return }
        text.option(name)
        if info.mode & Mode.bytes != 0 {
          let printed = HashlimitRate.text(cost: info.average, burst: info.burst)
          text.word(printed.text)
          guard let burst = printed.burst else { return }
          text.option("--hashlimit-burst")
          text.word(burst)
        } else {
          text.word(HashlimitRate.text(info.average).text)
          text.option("--hashlimit-burst")
          text.word(String(info.burst))
        }
      })
  }

  private static func length(
    _ name: String, _ path: any WritableKeyPath<Info, UInt8> & Sendable, _ summary: String
  ) -> Option<Info> {
    Option(
      name, arity: 1, placeholder: "length", grammar: "number", samples: ["0", "24", "32"], nearMisses: ["4294967296", "x"], .plain,
      summary,
      read: { info, arguments throws(OptionError) in
        // A mask with holes has no prefix length; the value stored instead is refused by the kernel.
        info[keyPath: path] = UInt8(try arguments.token.prefixLength(arguments) ?? 255)
      },
      write: { info, text in
        guard Int(info[keyPath: path]) != text.family.addressBits else { return }
        text.option(name)
        text.word(String(info[keyPath: path]))
      })
  }

  public static let options: [Option<Info>] = [
    rate("--hashlimit-upto", above: false, aliases: ["--hashlimit"], excludes: "--hashlimit-above", "match up to this rate"),
    rate("--hashlimit-above", above: true, aliases: [], excludes: "--hashlimit-upto", "match above this rate"),
    Option(
      "--hashlimit-burst", arity: 1, placeholder: "count", grammar: "number [ \"k\" | \"m\" ] [ \"b\" ]", samples: ["1", "5", "1000000"],
      nearMisses: ["0", "1000001", "x"], .plain, "how many at once; for a byte rate, how many bytes",
      read: { info, arguments throws(OptionError) in
        guard let (number, rest) = UnsignedText.prefix(arguments.token.bytes), number >= 1, !rest.isEmpty || number <= burstMaximum else {
          throw burstError(arguments.token)
        }
        info.burst = number &* HashlimitRate.factor(rest.first)
      },
      write: { _, _ in }),
    Option(
      "--hashlimit-mode", arity: 1, placeholder: "key[,key...]", grammar: "hashlimit-key { \",\" hashlimit-key }",
      samples: ["srcip", "srcip,srcport,dstip,dstport"], nearMisses: ["src", "srcip,foo"], .plain,
      "the fields that select the bucket: srcip, srcport, dstip, dstport",
      read: { info, arguments throws(OptionError) in
        for part in arguments.token.bytes.split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "|") }) {
          guard let key = keys.first(where: { $0.name.utf8.elementsEqual(part) }) else {
            throw arguments.badValue(hint: "the keys are \(keys.map(\.name).joined(separator: ", "))")
          }
          info.mode |= key.bit
        }
      },
      write: { info, text in
        guard info.mode & Mode.keys != 0 else { return }
        text.option("--hashlimit-mode")
        text.word(keys.filter { info.mode & $0.bit != 0 }.map(\.name).joined(separator: ","))
      }),
    Option(
      "--hashlimit-name", .filledName(placeholder: "name"), \.name, OptionUse(mandatory: true, content: .list),
      "the name of the hash table; rules with the same name share it"),
    Option("--hashlimit-htable-size", .unsigned(), \.size, present: .when { $0.size != 0 }, .plain, "the number of hash buckets"),
    Option("--hashlimit-htable-max", .unsigned(), \.maximum, present: .when { $0.maximum != 0 }, .plain, "the maximum number of entries"),
    Option(
      "--hashlimit-htable-gcinterval", .unsigned(), \.collectionInterval, present: .when { $0.collectionInterval != 1000 }, .plain,
      "milliseconds between two removals of idle entries"),
    Option(
      "--hashlimit-htable-expire", .unsigned(), \.expiry, present: .when { UInt64($0.expiry) != defaultExpiry($0) }, .plain,
      "milliseconds after which an idle entry is removed"),
    length("--hashlimit-srcmask", \.sourceLength, "the prefix length of the source addresses that share a bucket"),
    length("--hashlimit-dstmask", \.destinationLength, "the prefix length of the destination addresses that share a bucket"),
    Option(
      flag: "--hashlimit-rate-match", present: .bits(\.mode, Mode.measures), .plain, "compare the measured rate instead of a token bucket"),
    Option(
      "--hashlimit-rate-interval", arity: 1, placeholder: "seconds", grammar: "number", samples: ["1", "10"], nearMisses: ["0", "-1", "x"],
      .plain, "how long to measure",
      read: { info, arguments throws(OptionError) in
        guard let number = CNumber(arguments.token.bytes, base: .decimal), number.int > 0 else {
          throw arguments.badValue(hint: "give a number of seconds")
        }
        info.interval = arguments.keep(number, as: UInt32(number.int))
      },
      write: { info, text in
        guard info.mode & Mode.measures != 0, info.interval != 1 else { return }
        text.option("--hashlimit-rate-interval")
        text.word(String(info.interval))
      }),
  ]

  private static func defaultExpiry(_ info: Info) -> UInt64 {
    info.mode & Mode.bytes != 0
      ? HashlimitRate.text(cost: info.average, burst: info.burst).expiry : HashlimitRate.text(info.average).expiry
  }

  private static let burstMaximum: UInt64 = 1_000_000

  private static func burstError(_ token: Token?) -> OptionError {
    OptionError(
      "bad-value", "bad value for option \"--hashlimit-burst\", or out of range (1-\(burstMaximum)).", at: token?.range,
      hint: "give a number from 1 to \(burstMaximum)")
  }

  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 1, Short.self, abiSize: Int(xt_hashlimit_mtinfo1_size), userSize: 48,
      upgrade: { old in
        Info(
          name: FixedName(old.name.bytes[...]), average: old.mode & Mode.bytes != 0 ? UInt64(old.average) : UInt64(old.average) * 100,
          burst: UInt64(old.burst), mode: old.mode, size: old.size, maximum: old.maximum, collectionInterval: old.collectionInterval,
          expiry: old.expiry, sourceLength: old.sourceLength, destinationLength: old.destinationLength)
      },
      downgrade: { info in
        let average = info.mode & Mode.bytes != 0 ? info.average : info.average / 100
        guard info.name.bytes.count < 16, info.mode & Mode.measures == 0, average <= UInt32.max, info.burst <= UInt32.max else {
          return nil
        }
        return Short(
          name: FixedName(info.name.bytes[...]), mode: info.mode, average: UInt32(average), burst: UInt32(info.burst), size: info.size,
          maximum: info.maximum, collectionInterval: info.collectionInterval, expiry: info.expiry, sourceLength: info.sourceLength,
          destinationLength: info.destinationLength)
      }),
    Layout(
      revision: 2, Intervalless.self, abiSize: Int(xt_hashlimit_mtinfo2_size), userSize: 296,
      upgrade: { old in
        Info(
          name: old.name, average: old.average, burst: old.burst, mode: old.mode, size: old.size, maximum: old.maximum,
          collectionInterval: old.collectionInterval, expiry: old.expiry, sourceLength: old.sourceLength,
          destinationLength: old.destinationLength)
      },
      downgrade: { info in
        guard info.mode & Mode.measures == 0 else { return nil }
        return Intervalless(
          name: info.name, average: info.average, burst: info.burst, mode: info.mode, size: info.size, maximum: info.maximum,
          collectionInterval: info.collectionInterval, expiry: info.expiry, sourceLength: info.sourceLength,
          destinationLength: info.destinationLength)
      }),
    Layout(revision: 3, abiSize: Int(xt_hashlimit_mtinfo3_size), userSize: 304),
  ]
  public static let examples: [Example] = [
    .matches(
      "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name one", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"),
    .misses(
      "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name one", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .matches(
      "--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name one", "eth0 udp 10.0.0.10:1000 > 10.0.1.9:53",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"]),
    .accepts("--hashlimit-upto 1/sec --hashlimit-name a", saved: "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name a"),
    .accepts("--hashlimit-above 40/min --hashlimit-burst 20 --hashlimit-mode srcip,dstport --hashlimit-name a --hashlimit-srcmask 24"),
    .accepts("--hashlimit-upto 4kb/s --hashlimit-burst 400kb --hashlimit-name a"),
    .accepts("--hashlimit-upto 40mb/s --hashlimit-mode srcip --hashlimit-name a --hashlimit-rate-match --hashlimit-rate-interval 10"),
    .rejects("--hashlimit-name a"), .rejects("--hashlimit-upto 1/sec"),
    .rejects("--hashlimit-upto 1/sec --hashlimit-name a --hashlimit-srcmask x"),
    .rejects("--hashlimit-upto 96b/s --hashlimit-burst 5 --hashlimit-name a"),
  ]

  /// The corresponding C function is `hashlimit_mt_check`.
  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    let unit = max(info.table, 1)
    info.table = 0
    if !seen.contains("--hashlimit-upto"), !seen.contains("--hashlimit-above") {
      throw OptionError("missing-option", "You have to specify --hashlimit", hint: "give --hashlimit-upto or --hashlimit-above")
    }
    if !seen.contains("--hashlimit-srcmask") { info.sourceLength = UInt8(draft.family.addressBits) }
    if !seen.contains("--hashlimit-dstmask") { info.destinationLength = UInt8(draft.family.addressBits) }
    let choosesExpiry = seen.contains("--hashlimit-htable-expire")
    if !choosesExpiry { info.expiry = UInt32(unit * 1000) }
    if info.mode & Mode.bytes != 0 {
      let hasBurst = seen.contains("--hashlimit-burst")
      info.burst = hasBurst ? try refills(info) : 0
      if hasBurst, !choosesExpiry { info.expiry = UInt32(HashlimitRate.byteBurstExpiry * 1000) }
    } else if info.burst > burstMaximum {
      throw burstError(nil)
    }
    guard info.mode & Mode.measures != 0 else { return }
    if info.mode & Mode.bytes == 0 { info.average /= unit }
    if info.interval == 0 { info.interval = info.mode & Mode.bytes != 0 ? 1 : UInt32(unit) }
  }

  /// The number of refills of the bucket that a burst in bytes stands for.
  private static func refills(_ info: Info) throws(OptionError) -> UInt64 {
    let whole = HashlimitRate.bytes(cost: info.average)
    guard whole != 0, info.burst >= whole else {
      throw OptionError(
        "bad-value", "burst cannot be smaller than \(whole)b", hint: "a burst is given in bytes, at least a second's worth")
    }
    // As iptables: divides the low 32 bits of the burst, but tests the remainder of the whole number.
    return UInt64(UInt32(truncatingIfNeeded: info.burst)) / whole + (info.burst % whole == 0 ? 0 : 1)
  }

  /// The corresponding kernel function is `hashlimit_mt_check_common`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("limit: \(info.mode & Mode.inverted != 0 ? "above" : "up to")")
    if info.mode & Mode.bytes != 0 {
      let rate = HashlimitRate.text(cost: info.average, burst: info.burst)
      text.word(rate.text)
      if let burst = rate.burst { text.word("burst \(burst)") }
    } else {
      // With an interval, the stored rate is per interval.
      let period = info.interval == 0 ? info.average : info.average &* UInt64(info.interval)
      text.word("\(HashlimitRate.text(period).text) burst \(info.burst)")
    }
    if info.mode & Mode.keys != 0 {
      text.word("mode \(keys.filter { info.mode & $0.bit != 0 }.map(\.name).joined(separator: "-"))")
    }
    if info.size != 0 { text.word("htable-size \(info.size)") }
    if info.maximum != 0 { text.word("htable-max \(info.maximum)") }
    if info.collectionInterval != 1000 { text.word("htable-gcinterval \(info.collectionInterval)") }
    if UInt64(info.expiry) != defaultExpiry(info) { text.word("htable-expire \(info.expiry)") }
    if Int(info.sourceLength) != family.addressBits { text.word("srcmask \(info.sourceLength)") }
    if Int(info.destinationLength) != family.addressBits { text.word("dstmask \(info.destinationLength)") }
    guard info.mode & Mode.measures != 0 else { return }
    text.word("rate-match")
    if info.interval != 1 { text.word("rate-interval \(info.interval)") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    let bits = site.family.addressBits
    if info.collectionInterval == 0 || info.expiry == 0 { throw .kernel("hashlimit: the interval must not be 0") }
    if Int(info.sourceLength) > bits || Int(info.destinationLength) > bits { throw .kernel("hashlimit: a mask is longer than an address") }
    if info.mode & ~Mode.all != 0 { throw .kernel("hashlimit: unknown mode") }
    let name = info.name.bytes
    if name.isEmpty || name.contains(UInt8(ascii: "/")) || name == [0x2e] || name == [0x2e, 0x2e] {
      throw .kernel("hashlimit: the name must be valid as a file name in /proc/net/ipt_hashlimit")
    }
    if info.mode & Mode.measures != 0 {
      if info.average == 0 || info.average > UInt32.max { throw .kernel("hashlimit: the rate is out of range") }
      if info.interval == 0 { throw .kernel("hashlimit: the measuring interval must not be 0") }
    } else if info.mode & Mode.bytes != 0 {
      if HashlimitBucket.byteCredits(info.average) == 0 { throw .kernel("hashlimit: the rate is too high") }
    } else if info.burst == 0 || HashlimitBucket.credits(info.average &* info.burst) < HashlimitBucket.credits(info.average) {
      throw .kernel("hashlimit: a burst of \(info.burst) at this rate is more than the kernel can count", hint: "lower the burst")
    }
  }

  private static func tableName(_ info: Info, _ family: Family) -> String { "hashlimit/\(family)/\(info.name.string)" }

  /// The first rule of a name creates the table with its settings.
  public static var start: (@Sendable (Info, Family, World) -> Void)? {
    { info, family, world in
      let now = KernelTicks.now(world)
      world.memory.withState(named: tableName(info, family), initial: HashlimitTable(info, now)) { _ in }
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `hashlimit_mt_common`.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    let now = KernelTicks.now(packet.world)
    let bytes = packet.packet.count
    let below = packet.world.memory.withState(
      named: tableName(info, packet.family), initial: HashlimitTable(info, now)
    ) { table in
      // The rule that created the table determines the key.
      table.settings.key(of: packet.packet, packet.family).flatMap { table.take($0, bytes: bytes, info, now) }
    }
    guard let below else { return .hotdrop }
    return .of(below != (info.mode & Mode.inverted != 0))
  }
}

extension HashlimitMatch.Info {
  /// The bucket key of a packet; nil if its ports are needed but truncated. The corresponding kernel function is
  /// `hashlimit_init_dst`.
  fileprivate func key(of packet: Packet, _ family: Family) -> HashlimitTable.Key? {
    typealias Mode = HashlimitMatch.Mode
    var key = HashlimitTable.Key()
    if mode & Mode.source != 0 {
      key.source = (packet.source?.bits ?? 0) & AddressMask.mask(prefix: Int(sourceLength), family)
    }
    if mode & Mode.destination != 0 {
      key.destination = (packet.destination?.bits ?? 0) & AddressMask.mask(prefix: Int(destinationLength), family)
    }
    guard mode & Mode.ports != 0 else { return key }
    guard let transport = packet.transport, !transport.isTruncated else { return nil }
    guard let place = PortPlace.offset(transport.proto) else { return key }
    guard let ports = packet.bytes.uint32(at: transport.offset + place) else { return nil }
    if mode & Mode.sourcePort != 0 { key.sourcePort = UInt16(ports >> 16) }
    if mode & Mode.destinationPort != 0 { key.destinationPort = UInt16(truncatingIfNeeded: ports) }
    return key
  }
}
