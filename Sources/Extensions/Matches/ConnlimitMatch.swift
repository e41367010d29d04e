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
    let tracked = packet.attachment.connection.flatMap { table?[$0] }
    let zone = tracked?.zone ?? .default
    // An untracked packet counts under its own tuple. A packet without a tuple is dropped.
    guard let tuple = tracked?.original ?? table?.tuple(of: packet.packet) else { return .hotdrop }
    // The corresponding kernel function is `get_ct_or_tuple_from_skb`.
    let connection = tracked ?? table?.find(tuple, zone: zone, now: now).flatMap { table?[$0.handle] }
    let standing: ConnectionCounts.Standing =
      connection?.isConfirmed != true ? .unconfirmed : connection?.status.contains(.assured) == true ? .assured : .confirmed
    let key = ConnectionCounts.Key(address: address.bits & info.mask.bits(packet.family), zone: zone.id)
    let tick = KernelTicks.now(packet.world)
    let count = packet.world.memory.withState(of: packet.slot, initial: ConnectionCounts()) { counts in
      counts.count(tuple, standing, under: key, at: tick) { tuple in
        guard let table, let found = table.find(tuple, zone: zone, now: now), let connection = table[found.handle], !connection.isDying
        else { return .gone }
        guard case .tcp(let tcp) = connection.tracker, tcp.state == .timeWait || tcp.state == .close else { return .open }
        return .closed
      }
    }
    // The kernel takes an empty list for a failure.
    guard count > 0 else { return .hotdrop }
    return .of((count > Int(info.limit)) != (info.flags & Flag.upTo != 0))
  }
}

/// The open connections of each address; the corresponding kernel structure is `nf_conncount_data`.
struct ConnectionCounts {
  struct Key: Hashable {
    let address: UInt128
    let zone: UInt16
  }

  /// The state of the connection that a packet belongs to.
  enum Standing { case unconfirmed, confirmed, assured }

  /// The state of a counted connection.
  enum Fate { case open, closed, gone }

  /// The connections of an address; the corresponding kernel structure is `nf_conncount_list`.
  private struct List {
    var tuples: [Tuple]
    /// The tick of the last cleanup, and how many connections it left.
    var cleaned: UInt64
    var left = 0

    /// How many closed connections a cleanup removes at most, and how many may be added in one tick without another cleanup:
    /// `CONNCOUNT_GC_MAX_COLLECT`.
    private static let most = 64

    func mayGrow(at tick: UInt64) -> Bool { cleaned == tick && tuples.count - left < Self.most }

    /// Removes closed connections, at most 65, and only those before `own`.
    ///
    /// - Returns: true if `own` was found. The cleanup then did not reach the list's end, and another may follow in the same tick.
    mutating func clean(at tick: UInt64, until own: Tuple?, fate: (Tuple) -> Fate) -> Bool {
      var kept: [Tuple] = []
      var removed = 0
      var isFound = false
      for entry in tuples {
        guard !isFound, removed <= Self.most else {
          kept.append(entry)
          continue
        }
        let fate = fate(entry)
        isFound = entry == own && fate != .gone
        if isFound || fate == .open { kept.append(entry) } else { removed += 1 }
      }
      tuples = kept
      if !isFound { (cleaned, left) = (tick, kept.count) }
      return isFound
    }
  }

  private var lists: [Key: List] = [:]

  /// Adds a connection's tuple to its list and returns the list's length.
  ///
  /// The list is cleaned once per tick. Later in the same tick an unconfirmed connection is added again even if it is already listed. An assured
  /// connection is added to no list but a new one. The tuple of a packet without a connection is removed at the next cleanup.
  /// The corresponding kernel functions are `count_tree` and `__nf_conncount_add`.
  mutating func count(_ own: Tuple, _ standing: Standing, under key: Key, at tick: UInt64, fate: (Tuple) -> Fate) -> Int {
    guard var list = lists.removeValue(forKey: key) else {
      lists[key] = List(tuples: [own], cleaned: tick)
      return 1
    }
    switch standing {
    case .assured:
      if list.cleaned != tick { _ = list.clean(at: tick, until: nil, fate: fate) }
    case .unconfirmed where list.mayGrow(at: tick):
      list.tuples.append(own)
    case .confirmed, .unconfirmed:
      if !list.clean(at: tick, until: own, fate: fate) { list.tuples.append(own) }
    }
    lists[key] = list
    return list.tuples.count
  }
}
