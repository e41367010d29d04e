import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches by how many connections an address or network has open. Kernel: `xt_connlimit`, revision 1.
public enum ConnlimitMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_connlimit_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var mask = InetAddress.ones
    var limit: UInt32 = 0
    var flags: UInt32 = 0
    /// The kernel's own.
    var kernelState: UInt64 = 0
  }

  /// The bits of `flags`: `XT_CONNLIMIT_*`.
  private enum Flag {
    static let upTo: UInt32 = 0x01
    static let destination: UInt32 = 0x02
  }

  public static let name = "connlimit"
  public static let families: Families = .both
  public static let summary = "matches by how many connections an address has open"
  public static let initial = Info()

  private static let limits = ["--connlimit-upto", "--connlimit-above"]
  private static let prefixMask = ValueSyntax<InetAddress>(
    placeholder: "prefix-length", grammar: "number | address", samples: ["0", "24", "32"], nearMisses: ["4294967296", "x"],
    parse: { token, arguments throws(OptionError) in try token.prefixMask(arguments) },
    print: { mask, text in
      // The place of the last one bit, counted from the front of each word.
      let bits = mask.bits(text.family)
      let words = text.family == .ipv4 ? [UInt32(truncatingIfNeeded: bits)] : (0..<4).map { UInt32(truncatingIfNeeded: bits >> UInt128(96 - 32 * $0)) }
      text.word(String(words.reduce(0) { $0 + (~$1).leadingZeroBitCount }))
    })

  public static let options: [Option<Info>] = [
    Option(
      "--connlimit-upto", .unsigned(), \.limit,
      invert: Inversion(get: { _ in false }, set: { $0.flags = $1 ? $0.flags & ~Flag.upTo : $0.flags | Flag.upTo }),
      present: .when { $0.flags & Flag.upTo != 0 }, OptionUse(excludes: [limits[1]]), "at most so many"),
    Option(
      "--connlimit-above", .unsigned(), \.limit,
      invert: Inversion(get: { _ in false }, set: { $0.flags = $1 ? $0.flags | Flag.upTo : $0.flags & ~Flag.upTo }),
      present: .when { $0.flags & Flag.upTo == 0 }, OptionUse(excludes: [limits[0]]), "more than so many"),
    Option("--connlimit-mask", prefixMask, \.mask, .plain, "count networks of this prefix length together"),
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
    .accepts("! --connlimit-upto 5 --connlimit-mask 24 --connlimit-daddr", saved: "--connlimit-above 5 --connlimit-mask 24 --connlimit-daddr"),
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
    // A packet that is not tracked counts by its own tuple, and one that has none is dropped.
    guard let tuple = own ?? table?.tuple(of: packet.packet) else { return .hotdrop }
    let key = ConnectionCounts.Key(address: address.bits & info.mask.bits(packet.family), zone: zone.id)
    let isConfirmed = packet.attachment.connection.map { table?[$0]?.isConfirmed == true } ?? false
    let occasion = packet.world.occasion
    let count = packet.world.memory.withState(of: packet.slot, initial: ConnectionCounts()) { counts in
      counts.count(tuple, under: key, on: occasion, isConfirmed: isConfirmed) { tuple in
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

  /// What has become of a connection that was counted.
  enum Fate { case open, closed, gone }

  /// The connections of an address, and the occasion on which they were last gone over.
  private struct List {
    var tuples: [Tuple] = []
    var lookedOver: UInt64
  }

  private var lists: [Key: List] = [:]

  /// Adds a connection, by its tuple, to its list and gives how many that then has. Up to the connection itself, entries that no
  /// longer count are forgotten, though no more than nine at a time.
  ///
  /// The tuple of a packet without a connection counts once, and is forgotten at the next look, where no connection has it.
  /// On one occasion they are gone over once: what is counted after that, and is not confirmed, is counted again, be it there already.
  /// The corresponding kernel function is `__nf_conncount_add`.
  mutating func count(_ own: Tuple, under key: Key, on occasion: UInt64, isConfirmed: Bool, fate: (Tuple) -> Fate) -> Int {
    if !isConfirmed, lists[key]?.lookedOver == occasion {
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
    // Whoever finds itself there has not looked to the end.
    lists[key] = List(tuples: kept, lookedOver: isThere ? list?.lookedOver ?? occasion : occasion)
    return kept.count
  }
}
