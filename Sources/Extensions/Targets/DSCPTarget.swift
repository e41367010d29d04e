import CNetfilter
public import Wire
public import XTables

/// Sets the differentiated services code point. Kernel: `xt_DSCP`, target revision 0.
public enum DSCPTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_DSCP_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var codePoint: UInt8 = 0
  }

  public static let name = "DSCP"
  public static let families: Families = .both
  public static let summary = "sets the differentiated services code point"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  public static let options: [Option<Info>] = [
    Option("--set-dscp", .dscp, \.codePoint, OptionUse(excludes: ["--set-dscp-class"]), "0 to 63"),
    Option(
      "--set-dscp-class", .dscpClass, \.codePoint, present: .never, OptionUse(excludes: ["--set-dscp"]),
      "BE, EF, CS0 to CS7 or AF11 to AF43"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_DSCP_info>.size)]
  public static let examples: [Example] = [
    .acts(
      "--set-dscp-class EF", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "packet: {tos: 184}", saved: "--set-dscp 0x2e",
      table: .mangle),
    .accepts("--set-dscp 0x3f", table: .mangle),
    .rejects("--set-dscp 0x40", table: .mangle), .rejects("", table: .mangle),
    .rejects("--set-dscp 1 --set-dscp-class CS0", table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "DSCP target: Parameter --set-dscp is required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("DSCP set \(RuleText.hex(info.codePoint, digits: 2))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.codePoint > 63 { throw .kernel("DSCP: \(info.codePoint) has more than six bits") }
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    [.set(.typeOfService, info.codePoint << 2, clearing: UInt8(0xfc))]
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    if let old = packet.packet.tos { packet.packet.setTOS(old & 0x03 | info.codePoint << 2) }
    return .proceed
  }
}
