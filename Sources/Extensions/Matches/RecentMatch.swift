import CNetfilter
public import Wire
public import XTables

/// Matches addresses in a list of recently seen addresses, and updates the list. Kernel: `xt_recent`, revision 1.
public enum RecentMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_recent_mtinfo_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var seconds: UInt32 = 0
    var hits: UInt32 = 0
    var operation: UInt8 = 0
    var invert: UInt8 = 0
    var name = FixedName<200>("DEFAULT")
    /// 0 for the source, 1 for the destination.
    var side: UInt8 = 0
    var padding: UInt8 = 0
    var mask = InetAddress.ones
  }

  /// The corresponding kernel structure is `xt_recent_mtinfo`.
  private struct Maskless: BitwiseCopyable, Sendable {
    var seconds: UInt32
    var hits: UInt32
    var operation: UInt8
    var invert: UInt8
    var name: FixedName<200>
    var side: UInt8
    var padding: UInt8 = 0
  }

  /// `XT_RECENT_*`.
  enum Bit {
    static let check: UInt8 = 0x01
    static let set: UInt8 = 0x02
    static let update: UInt8 = 0x04
    static let remove: UInt8 = 0x08
    static let ttl: UInt8 = 0x10
    static let reap: UInt8 = 0x20
    static let operations: UInt8 = 0x0f
  }

  public static let name = "recent"
  public static let families: Families = .both
  public static let summary = "keeps a list of recently seen addresses and matches addresses in it"
  public static let initial = Info()

  private static let operations = ["--set", "--rcheck", "--update", "--remove"]

  private static func operation(_ name: String, _ bit: UInt8, _ summary: String) -> Option<Info> {
    Option(
      flag: name, present: .bits(\.operation, bit),
      invert: Inversion(get: { $0.invert != 0 }, set: { info, inverted in if inverted { info.invert = 1 } }),
      OptionUse(excludes: operations.filter { $0 != name }), summary)
  }

  private static func side(_ name: String, _ value: UInt8, _ summary: String) -> Option<Info> {
    Option(flag: name, present: Presence(get: { $0.side == value }, set: { $0.side = value }), .plain, summary)
  }

  public static let options: [Option<Info>] = [
    operation("--set", Bit.set, "add the address to the list; always matches"),
    operation("--rcheck", Bit.check, "the address is on the list"),
    operation("--update", Bit.update, "like --rcheck, and update the time at which it was last seen"),
    operation("--remove", Bit.remove, "the address is on the list; remove it"),
    Option(
      "--seconds", .unsigned(1...UInt32.max), \.seconds, present: .when { $0.seconds != 0 }, .plain, "seen within this number of seconds"),
    Option(
      flag: "--reap", present: .bits(\.operation, Bit.reap), OptionUse(requires: ["--seconds"]), "remove older addresses from the list"),
    Option("--hitcount", .unsigned(), \.hits, present: .when { $0.hits != 0 }, .plain, "seen at least this number of times"),
    Option(
      flag: "--rttl", present: .bits(\.operation, Bit.ttl), OptionUse(excludes: ["--set", "--remove"]),
      "with the same TTL"),
    Option(
      "--name", arity: 1, placeholder: "name", grammar: "string", samples: ["ssh", "a_b"], OptionUse(content: .list),
      "the name of the list; default DEFAULT",
      read: { info, arguments in
        // As iptables: a name shorter than DEFAULT leaves the rest of DEFAULT in the structure.
        let bytes = arguments.token.bytes.prefix(199)
        for (index, byte) in bytes.enumerated() { info.name.storage[index] = byte }
        info.name.storage[bytes.count] = 0
      },
      write: { info, text in
        text.option("--name")
        text.word(info.name.string)
      }),
    Option("--mask", .host, \.mask, .plain, "the bits of the address that are compared"),
    side("--rsource", 0, "use the source address"),
    side("--rdest", 1, "use the destination address"),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, Maskless.self, abiSize: MemoryLayout<xt_recent_mtinfo>.size,
      upgrade: {
        Info(seconds: $0.seconds, hits: $0.hits, operation: $0.operation, invert: $0.invert, name: $0.name, side: $0.side)
      },
      downgrade: {
        guard $0.mask == .ones else { return nil }
        return Maskless(
          seconds: $0.seconds, hits: $0.hits, operation: $0.operation, invert: $0.invert, name: $0.name, side: $0.side)
      }),
    Layout(revision: 1, abiSize: MemoryLayout<xt_recent_mtinfo_v1>.size),
  ]
  public static let examples: [Example] = [
    .matches(
      "--rcheck --seconds 60 --name seen", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:54", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"],
      given: seen, saved: "--rcheck --seconds 60 --name seen --mask 255.255.255.255 --rsource", family: .ipv4),
    .misses(
      "--rcheck --seconds 60 --name seen", "eth0 udp 10.0.0.10:1000 > 10.0.1.9:54", after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53"],
      given: seen, saved: "--rcheck --seconds 60 --name seen --mask 255.255.255.255 --rsource", family: .ipv4),
    .accepts("--set", saved: "--set --name DEFAULT --mask 255.255.255.255 --rsource", family: .ipv4),
    .accepts(
      "! --update --seconds 60 --hitcount 4 --name ssh --rdest",
      saved: "! --update --seconds 60 --hitcount 4 --name ssh --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rdest", family: .ipv6),
    .rejects(""), .rejects("--set --rttl"), .rejects("--rcheck --reap"), .rejects("--set --update"), .rejects("--set --seconds 1"),
  ]

  /// A rule that adds the sources of packets to port 53 to a list.
  private static let seen = Example.Given(rules: ["-A FORWARD -p udp --dport 53 -m recent --name seen --set"])

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isDisjoint(with: operations) {
      throw OptionError("missing-option", "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'")
    }
  }

  /// The corresponding kernel function is `recent_mt_check`.
  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.option("recent:", inverted: info.invert != 0)
    let operations = [(Bit.set, "SET"), (Bit.check, "CHECK"), (Bit.update, "UPDATE"), (Bit.remove, "REMOVE")]
    for (bit, name) in operations where info.operation & bit != 0 { text.word(name) }
    if info.seconds != 0 { text.word("seconds: \(Int32(bitPattern: info.seconds))") }
    if info.operation & Bit.reap != 0 { text.word("reap") }
    if info.hits != 0 { text.word("hit_count: \(Int32(bitPattern: info.hits))") }
    if info.operation & Bit.ttl != 0 { text.word("TTL-Match") }
    text.word("name: ")
    text.glue(bytes: info.name.bytes)
    if info.side <= 1 { text.word(info.side == 0 ? "side: source" : "side: dest") }
    text.word("mask: \(info.mask.address(family))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    let chosen = info.operation & Bit.operations
    if info.operation & 0xc0 != 0 || chosen.nonzeroBitCount != 1 {
      throw .kernel("recent: exactly one of --set, --rcheck, --update and --remove is needed")
    }
    let isChange = chosen == Bit.set || chosen == Bit.remove
    if isChange, info.seconds != 0 || info.hits != 0 || info.operation != chosen {
      throw .kernel(
        "recent: --set and --remove look at neither seconds nor hits", hint: "use --rcheck or --update to ask for them")
    }
    if info.operation & Bit.reap != 0, info.seconds == 0 { throw .kernel("recent: --reap needs --seconds") }
    if info.hits >= 65536 { throw .kernel("recent: the hit count is too large", hint: "at most 65535") }
    let name = info.name.bytes
    let isName =
      !name.isEmpty && info.name.storage[199] == 0 && !name.contains(UInt8(ascii: "/")) && name != [0x2e] && name != [0x2e, 0x2e]
    if !isName { throw .kernel("recent: the name must be valid as a file name in /proc/net/xt_recent") }
  }

  /// The first rule of a name creates the list with its mask. Each rule reserves space for its hit count.
  public static var start: (@Sendable (Info, Family, World) -> Void)? {
    { info, _, world in
      world.memory.withState(named: "recent/\(info.name.string)", initial: RecentList(mask: info.mask)) { $0.reserve(hits: Int(info.hits)) }
    }
  }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  /// The corresponding kernel function is `recent_mt`.
  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    guard let address = info.side == 0 ? packet.packet.source : packet.packet.destination, var ttl = packet.packet.ttl else {
      return .hotdrop
    }
    // The TTL before this host decremented it.
    if packet.output != nil, packet.owner == nil { ttl &+= 1 }
    let family = packet.family
    let now = KernelTicks.now(packet.world)
    let matched = packet.world.memory.withState(
      named: "recent/\(info.name.string)", initial: RecentList(mask: info.mask)
    ) { $0.decide(info, address, family, ttl: ttl, now) }
    return .of(matched)
  }
}
