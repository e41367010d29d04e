import CNetfilter
public import Wire
public import XTables

/// Matches an IPv6 authentication header. Kernel: `ip6t_ah`, revision 0.
public enum AH6Match: MatchExtension {
  /// The corresponding kernel structure is `ip6t_ah`.
  public struct Info: BitwiseCopyable, Sendable {
    var indices = NumberRange<UInt32>.all
    /// Bytes; zero means any.
    var length: UInt32 = 0
    var reservedIsZero: UInt8 = 0
    var inverted: UInt8 = 0
    var padding: UInt16 = 0
  }

  /// The bits of `invflags`: `IP6T_AH_INV_*`.
  private enum Inverted {
    static let indices: UInt8 = 0x01
    static let length: UInt8 = 0x02
  }

  public static let name = "ah"
  public static let families: Families = .ipv6
  public static let summary = "matches an authentication header"
  public static let initial = Info()

  public static let options: [Option<Info>] = [
    Option(
      "--ahspi", .range(), \.indices, invert: .bits(\.inverted, Inverted.indices), present: .when { $0.indices != .all }, .plain,
      "security parameter index, or range of indices"),
    Option(
      "--ahlen", .unsigned(), \.length, invert: .bits(\.inverted, Inverted.length),
      present: .when { $0.length != 0 || $0.inverted & Inverted.length != 0 }, .plain, "length of the header in bytes"),
    Option(flag: "--ahres", present: .bits(\.reservedIsZero, 1), .plain, "the reserved field is zero"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_ah>.size)]
  public static let examples: [Example] = [
    .matches("--ahspi 500", "eth0 ah fd00::9 > fd01::9 l4=11040000000001f40000000000000000000000000000000003e8003500080000"),
    .misses("--ahspi 500", "eth0 ah fd00::9 > fd01::9 l4=11040000000001f50000000000000000000000000000000003e8003500080000"),
    .accepts("! --ahspi 1:9 ! --ahlen 24 --ahres"), .accepts(""), .rejects("--ahspi x"),
    .rejects("! --ahres"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ah ")
    text.range("spi", info.indices, inverted: info.inverted & Inverted.indices != 0)
    let isLengthInverted = info.inverted & Inverted.length != 0
    if info.length != 0 || isLengthInverted { text.glue("length:\(isLengthInverted ? "!" : "")\(info.length)") }
    if info.reservedIsZero != 0 { text.word("reserved") }
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x03 != 0 { throw .kernel("ah: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    let length = Field.inExtension("ah.length", bits: 11, of: .ah, length: 12) { bytes, offset in
      bytes.uint8(at: offset + 1).map { .of((Int($0) + 2) * 4) } ?? .malformed
    }
    let index = Field.wordOfExtension("ah.spi", of: .ah, at: 4, length: 12, isLast: true)
    var tests: [Condition] = [
      .has(length), .inRange(index, info.indices.low, info.indices.high).inverted(info.inverted & Inverted.indices != 0),
    ]
    if info.length != 0 { tests.append(.equals(length, info.length).inverted(info.inverted & Inverted.length != 0)) }
    if info.reservedIsZero != 0 {
      tests.append(.masked(.wordOfExtension("ah.first", of: .ah, at: 0, length: 12), 0, mask: UInt32(0xffff)))
    }
    return .all(tests)
  }
}
