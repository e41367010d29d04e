import CNetfilter
public import Wire
public import XTables

/// Matches the type-of-service byte. Kernel: `xt_dscp`, match `tos`, revision 1.
public enum TOSMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_tos_match_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var test = TOSBits()
    var inverted: UInt8 = 0
  }

  public static let name = "tos"
  public static let families: Families = .both
  public static let summary = "matches the type of service or traffic class"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option("--tos", .tos(symbolicMask: 0x3f), \.test, invert: .flag(\.inverted), .mandatory, "compare (byte AND mask) with value")
  ]
  public static let layouts = [Layout<Info>(revision: 1, abiSize: MemoryLayout<xt_tos_match_info>.size)]
  public static let examples: [Example] = [
    .matches("--tos 0x10/0x3f", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=0x50"),
    .misses("--tos 0x10/0x3f", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 tos=0x14"),
    .accepts("! --tos Maximize-Reliability", saved: "! --tos 0x04/0x3f"),
    .accepts("--tos 1", saved: "--tos 0x01/0xff"), .rejects("--tos 256"), .rejects("--tos 1/256"), .rejects(""),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("tos match\(info.inverted != 0 ? "!" : "")")
    text.tos(info.test, numeric: numeric)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.typeOfService, info.test.value, mask: info.test.mask).inverted(info.inverted != 0)
  }
}
