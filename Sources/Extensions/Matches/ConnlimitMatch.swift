import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches the number of open connections of an address or network. Kernel: `xt_connlimit`, revision 1.
public enum ConnlimitMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_connlimit_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var mask = InetAddress.ones
    var limit: UInt32 = 0
    var flags: UInt32 = 0
    /// Used by the kernel only; 0 in a rule's text.
    var kernelState: UInt64 = 0
  }

  /// The bits of `flags`: `XT_CONNLIMIT_*`.
  private enum Flag {
    static let upTo: UInt32 = 0x01
    static let destination: UInt32 = 0x02
  }

  public static let name = "connlimit"
  public static let families: Families = .both
  public static let summary = "matches the number of open connections of an address or network"
  public static let traits: ExtensionTraits = .collectsOnceATick
  public static let initial = Info()

  private static let limits = ["--connlimit-upto", "--connlimit-above"]
  private static let prefixMask = ValueSyntax<InetAddress>(
    placeholder: "prefix-length", grammar: "number | address", samples: ["0", "24", "32"], nearMisses: ["4294967296", "x"],
    parse: { token, arguments throws(OptionError) in try token.prefixMask(arguments) },
    print: { mask, text in
      // The position of the last 1 bit, counted from the first bit of each word.
      let bits = mask.bits(text.family)
      let words =
        text.family == .ipv4
        ? [UInt32(truncatingIfNeeded: bits)] : (0..<4).map { UInt32(truncatingIfNeeded: bits >> UInt128(96 - 32 * $0)) }
      text.word(String(words.reduce(0) { $0 + (~$1).leadingZeroBitCount }))
    })

  public static let options: [Option<Info>] = [
    Option(
      "--connlimit-upto", .unsigned(), \.limit,
      invert: Inversion(get: { _ in false }, set: { $0.flags = $1 ? $0.flags & ~Flag.upTo : $0.flags | Flag.upTo }),
      present: .when { $0.flags & Flag.upTo != 0 }, OptionUse(excludes: [limits[1]]), "at most this number of connections"),
    Option(
      "--connlimit-above", .unsigned(), \.limit,
      invert: Inversion(get: { _ in false }, set: { $0.flags = $1 ? $0.flags | Flag.upTo : $0.flags & ~Flag.upTo }),
      present: .when { $0.flags & Flag.upTo == 0 }, OptionUse(excludes: [limits[0]]), "more than this number of connections"),
    Option("--connlimit-mask", prefixMask, \.mask, .plain, "count all addresses of a network of this prefix length together"),
    Option(
      flag: "--connlimit-saddr", present: Presence(get: { $0.flags & Flag.destination == 0 }, set: { $0.flags &= ~Flag.destination }),
      OptionUse(excludes: ["--connlimit-daddr"]), "count by source address"),
    Option(
      flag: "--connlimit-daddr", present: .bits(\.flags, Flag.destination), OptionUse(excludes: ["--connlimit-saddr"]),
      "count by destination address"),
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: Int(xt_connlimit_info_size), userSize: 24)]
  public static let examples: [Example] = [
    .misses("--connlimit-above 1 --connlimit-mask 32 --connlimit-saddr", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", family: .ipv4),
    .matches(
      "--connlimit-above 1 --connlimit-mask 32 --connlimit-saddr", "eth0 udp 10.0.0.9:1001 > 10.0.1.9:53",
      after: ["eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", "wait 0.01"], family: .ipv4),
    .accepts("--connlimit-upto 5 --connlimit-mask 32 --connlimit-saddr", family: .ipv4),
    .accepts(
      "! --connlimit-upto 5 --connlimit-mask 24 --connlimit-daddr", saved: "--connlimit-above 5 --connlimit-mask 24 --connlimit-daddr"),
    .accepts("--connlimit-above 5", saved: "--connlimit-above 5 --connlimit-mask 128 --connlimit-saddr", family: .ipv6),
    .rejects("--connlimit-mask 24"), .rejects("--connlimit-upto 5 --connlimit-above 6"), .rejects("--connlimit-upto 5 --connlimit-mask x"),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isDisjoint(with: limits) {
      throw OptionError("missing-option", "You must specify \"--connlimit-above\" or \"--connlimit-upto\".")
    }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("#conn \(info.flags & Flag.destination != 0 ? "dst" : "src")/")
    text.glue(prefixMask, info.mask)
    text.word("\(info.flags & Flag.upTo != 0 ? "<=" : ">") \(info.limit)")
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func condition(_ info: Info, family: Family) -> Condition { .opaque }

  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    guard let address = info.flags & Flag.destination != 0 ? packet.packet.destination : packet.packet.source else { return .hotdrop }
    let table = packet.world.conntrack
    let now = packet.world.instant
    let zone = packet.attachment.connection.flatMap { table?[$0]?.zone } ?? .default
    let own = packet.attachment.connection.flatMap { table?[$0]?.original }
    // An untracked packet counts under its own tuple. A packet without a tuple is dropped.
    guard let tuple = own ?? table?.tuple(of: packet.packet) else { return .hotdrop }
    let key = ConnectionCounts.Key(address: address.bits & info.mask.bits(packet.family), zone: zone.id)
    let isConfirmed = packet.attachment.connection.map { table?[$0]?.isConfirmed == true } ?? false
    let tick = KernelTicks.now(packet.world)
    let count = packet.world.memory.withState(of: packet.slot, initial: ConnectionCounts()) { counts in
      counts.count(tuple, under: key, at: tick, isConfirmed: isConfirmed) { tuple in
        guard let table, let found = table.find(tuple, zone: zone, now: now), let connection = table[found.handle], !connection.isDying
        else { return .gone }
        guard case .tcp(let tcp) = connection.tracker, tcp.state == .timeWait || tcp.state == .close else { return .open }
        return .closed
      }
    }
    return .of((count > Int(info.limit)) != (info.flags & Flag.upTo != 0))
  }
}

/// The open connections of each address; the corresponding kernel structure is `nf_conncount_data`.
struct ConnectionCounts {
  struct Key: Hashable {
    let address: UInt128
    let zone: UInt16
  }

  /// The state of a counted connection.
  enum Fate { case open, closed, gone }

  /// The connections of an address, and the tick of the last cleanup.
  private struct List {
    var tuples: [Tuple] = []
    var lookedOver: UInt64
  }

  private var lists: [Key: List] = [:]

  /// Adds a connection's tuple to its list and returns the list's length. Removes at most nine closed entries, and only entries before
  /// the connection itself.
  ///
  /// The tuple of a packet without a connection counts once and is removed at the next cleanup, if no connection has it.
  /// The cleanup runs once per tick. Later in the same tick an unconfirmed connection is added again even if it is already listed.
  /// The corresponding kernel function is `__nf_conncount_add`.
  mutating func count(_ own: Tuple, under key: Key, at tick: UInt64, isConfirmed: Bool, fate: (Tuple) -> Fate) -> Int {
    if !isConfirmed, lists[key]?.lookedOver == tick {
      lists[key]?.tuples.append(own)
      return lists[key]?.tuples.count ?? 0
    }
    var kept: [Tuple] = []
    var forgotten = 0
    var isThere = false
    let list = lists.removeValue(forKey: key)
    for entry in list?.tuples ?? [] {
      guard !isThere, forgotten <= 8 else {
        kept.append(entry)
        continue
      }
      let fate = fate(entry)
      isThere = entry == own && fate != .gone
      if isThere || fate == .open { kept.append(entry) } else { forgotten += 1 }
    }
    if !isThere { kept.append(own) }
    // If the connection was found in the list, the cleanup did not reach the list's end.
    lists[key] = List(tuples: kept, lookedOver: isThere ? list?.lookedOver ?? tick : tick)
    return kept.count
  }
}
