import CNetfilter
public import Wire
public import XTables

/// Matches the security parameter index of an IPv4 authentication header. Kernel: `ipt_ah`, revision 0.
public enum AHMatch: MatchExtension {
  /// The corresponding kernel structure is `ipt_ah`.
  public struct Info: BitwiseCopyable, Sendable {
    var indices = NumberRange<UInt32>.all
    var inverted: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  public static let name = "ah"
  public static let families: Families = .ipv4
  public static let summary = "matches the SPI of an authentication header"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [51]) }

  public static let options: [Option<Info>] = [
    Option(
      "--ahspi", .range(), \.indices, invert: .flag(\.inverted), present: .when { $0.indices != .all }, .plain,
      "security parameter index, or range of indices")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ipt_ah>.size)]
  public static let examples: [Example] = [
    .matches("--ahspi 500", "eth0 ah 10.0.0.9 > 10.0.1.9 l4=11040000000001f400000000000000000000000000000000", before: "-p ah"),
    .misses("--ahspi 500", "eth0 ah 10.0.0.9 > 10.0.1.9 l4=11040000000001f500000000000000000000000000000000", before: "-p ah"),
    .accepts("! --ahspi 1:9", before: "-p ah"), .accepts("", before: "-p ah"),
    .accepts("! --ahspi :", saved: "", before: "-p ah"), .rejects("--ahspi 4294967296", before: "-p ah"), .rejects("--ahspi 5"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ah ")
    text.range("spi", info.indices, inverted: info.inverted != 0)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("ah: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .all([
      .has(.header("ah", length: 12)),
      .inRange(.transportWord("ah.spi", at: 4), info.indices.low, info.indices.high).inverted(info.inverted != 0),
    ])
  }
}
