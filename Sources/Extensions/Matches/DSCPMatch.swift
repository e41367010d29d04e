import CNetfilter
public import Wire
public import XTables

/// Matches the DSCP field. Kernel: `xt_dscp`, revision 0.
public enum DSCPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_dscp_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var value: UInt8 = 0
    var inverted: UInt8 = 0
  }

  public static let name = "dscp"
  public static let families: Families = .both
  public static let summary = "matches the DSCP field"
  public static let initial = Info()
  public static let options: [Option<Info>] = [
    Option(
      "--dscp", .dscp, \.value, invert: .flag(\.inverted), OptionUse(excludes: ["--dscp-class"]), "value of the six bits"),
    Option(
      "--dscp-class", .dscpClass, \.value, invert: .flag(\.inverted), present: .never, OptionUse(excludes: ["--dscp"]),
      "name of a class"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_dscp_info>.size)]
  public static let examples: [Example] = [
    .matches("--dscp-class EF", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 dscp=46", saved: "--dscp 0x2e"),
    .misses("--dscp-class EF", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53 dscp=45", saved: "--dscp 0x2e"),
    .accepts("--dscp 0x2e"), .accepts("! --dscp-class CS1", saved: "! --dscp 0x08"), .accepts("--dscp 1", saved: "--dscp 0x01"),
    .rejects("--dscp 64"), .rejects("--dscp-class XX"), .rejects(""),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "DSCP match: Parameter --dscp is required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("DSCP match \(info.inverted != 0 ? "!" : "")\(RuleText.hex(info.value, digits: 2))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.value > 63 { throw .kernel("dscp: \(info.value) is more than six bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .masked(.typeOfService, info.value << 2, mask: UInt8(0xfc)).inverted(info.inverted != 0)
  }
}
