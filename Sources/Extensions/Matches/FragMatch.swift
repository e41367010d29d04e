import CNetfilter
public import Wire
public import XTables

/// Matches an IPv6 fragment header. Kernel: `ip6t_frag`, revision 0.
public enum FragMatch: MatchExtension {
  /// The corresponding kernel structure is `ip6t_frag`.
  public struct Info: BitwiseCopyable, Sendable {
    var identifications = NumberRange<UInt32>.all
    /// Stored, but ignored by the kernel: all fragment headers have the same length.
    var length: UInt32 = 0
    var flags: UInt8 = 0
    var inverted: UInt8 = 0
    var padding: UInt16 = 0
  }

  /// The bits of `flags`: `IP6T_FRAG_*`; the first two are those of `invflags` as well.
  private enum Flag {
    static let identifications: UInt8 = 0x01
    static let length: UInt8 = 0x02
    static let reserved: UInt8 = 0x04
    static let first: UInt8 = 0x08
    static let more: UInt8 = 0x10
    static let last: UInt8 = 0x20
  }

  public static let name = "frag"
  public static let families: Families = .ipv6
  public static let summary = "matches a fragment header"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--fragid", .range(), \.identifications, invert: .bits(\.inverted, Flag.identifications),
      present: Presence(get: { $0.identifications != .all }, set: { $0.flags |= Flag.identifications }), .plain,
      "identification or range"),
    Option(
      "--fraglen", .unsigned(), \.length, invert: .bits(\.inverted, Flag.length), present: .bits(\.flags, Flag.length), .plain,
      "has no effect"),
    Option(flag: "--fragres", present: .bits(\.flags, Flag.reserved), .plain, "the reserved fields are zero"),
    Option(flag: "--fragfirst", present: .bits(\.flags, Flag.first), .plain, "the first fragment"),
    Option(
      flag: "--fragmore", present: .bits(\.flags, Flag.more), OptionUse(excludes: ["--fraglast"]), "more fragments follow"),
    Option(
      flag: "--fraglast", present: .bits(\.flags, Flag.last), OptionUse(excludes: ["--fragmore"]), "no more fragments follow"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_frag>.size)]
  public static let examples: [Example] = [
    .matches("--fragid 1:9 --fragfirst", "eth0 udp [fd00::9]:1000 > [fd01::9]:53 len=40 frag=0+24,more", table: .raw),
    .misses("--fragid 1:9 --fragfirst", "eth0 udp [fd00::9]:1000 > [fd01::9]:53 len=40 frag=24", table: .raw),
    .accepts("--fragid 1:42"), .accepts("! --fragid 1 ! --fraglen 42 --fragres --fragfirst"), .accepts("--fraglast"), .accepts(""),
    .rejects("--fraglast --fragmore"), .rejects("--fragid x"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("frag ")
    text.range("id", info.identifications, inverted: info.inverted & Flag.identifications != 0)
    if info.flags & Flag.length != 0 { text.word("length:\(info.inverted & Flag.length != 0 ? "!" : "")\(info.length)") }
    for (flag, name) in [(Flag.reserved, "reserved"), (Flag.first, "first"), (Flag.more, "more"), (Flag.last, "last")]
    where info.flags & flag != 0 {
      text.word(name)
    }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x03 != 0 { throw .kernel("frag: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let first = Field.wordOfExtension("frag.first", of: .fragment, at: 0, length: 8)
    let identification = Field.wordOfExtension("frag.id", of: .fragment, at: 4, length: 8)
    var tests: [Condition] = [
      .has(first),
      .inRange(identification, info.identifications.low, info.identifications.high)
        .inverted(info.inverted & Flag.identifications != 0),
    ]
    if info.flags & Flag.reserved != 0 { tests.append(.masked(first, 0, mask: UInt32(0x00ff_0006))) }
    if info.flags & Flag.first != 0 { tests.append(.masked(first, 0, mask: UInt32(0x0000_fff8))) }
    if info.flags & Flag.more != 0 { tests.append(.masked(first, 1, mask: UInt32(1))) }
    if info.flags & Flag.last != 0 { tests.append(.masked(first, 0, mask: UInt32(1))) }
    return .all(tests)
  }
}
