import CNetfilter
public import Wire
public import XTables

/// Matches the security parameter index of ESP. Kernel: `xt_esp`, revision 0.
public enum ESPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_esp`.
  public struct Info: BitwiseCopyable, Sendable {
    var indices = NumberRange<UInt32>.all
    var inverted: UInt8 = 0
    var padding = InlineArray<3, UInt8>(repeating: 0)
  }

  public static let name = "esp"
  public static let families: Families = .both
  public static let summary = "matches the SPI of an ESP packet"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [50]) }

  public static let options: [Option<Info>] = [
    Option(
      "--espspi", .range(), \.indices, invert: .flag(\.inverted), present: .when { $0.indices != .all }, .plain,
      "security parameter index, or range of indices")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_esp>.size)]
  public static let examples: [Example] = [
    .matches("--espspi 500", "eth0 esp 10.0.0.9 > 10.0.1.9 l4=000001f400000001", before: "-p esp"),
    .misses("--espspi 500", "eth0 esp 10.0.0.9 > 10.0.1.9 l4=000001f500000001", before: "-p esp"),
    .accepts("! --espspi 1:9", before: "-p esp"), .accepts("", before: "-p esp"),
    .rejects("--espspi -1", before: "-p esp"), .rejects("--espspi 5"),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("esp")
    if info.indices != .all || info.inverted != 0 { text.glue(" ") }
    text.range("spi", info.indices, inverted: info.inverted != 0)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("esp: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .all([
      .has(.header("esp", length: 8)),
      .inRange(.transportWord("esp.spi", at: 0), info.indices.low, info.indices.high).inverted(info.inverted != 0),
    ])
  }
}
