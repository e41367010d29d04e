import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Copies the security mark between packet and connection. Kernel: `xt_CONNSECMARK`, revision 0.
public enum ConnsecmarkTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_connsecmark_target_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var mode: UInt8 = 0
  }

  /// `CONNSECMARK_SAVE` and `CONNSECMARK_RESTORE`.
  private static let save: UInt8 = 1
  private static let restore: UInt8 = 2

  public static let name = "CONNSECMARK"
  public static let families: Families = .both
  public static let summary = "copies the security mark between packet and connection"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle, .security]) }

  public static let options: [Option<Info>] = [
    mode("--save", save, excludes: "--restore", "copy the packet's mark to the connection if that has none"),
    mode("--restore", restore, excludes: "--save", "copy the connection's mark to the packet if that has none"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_connsecmark_target_info>.size)]
  public static let examples: [Example] = [
    .passes(
      "--save", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      because: "the SELinux mark is metadata of the packet and its connection; the packet is unchanged",
      table: .mangle),
    .accepts("--restore", table: .security), .rejects("", table: .mangle),
    .rejects("--save --restore", table: .mangle),
  ]

  private static func mode(_ name: String, _ value: UInt8, excludes other: String, _ summary: String) -> Option<Info> {
    Option(
      flag: name, present: Presence(get: { $0.mode == value }, set: { $0.mode = value }), OptionUse(excludes: [other]),
      summary)
  }

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "CONNSECMARK target: parameter required") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("CONNSECMARK \(info.mode == restore ? "restore" : "save")")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.mode != save && info.mode != restore { throw .kernel("CONNSECMARK: mode \(info.mode) does not exist") }
  }

  public static func services(_ info: Info) -> KernelServices { .conntrack }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    info.mode == restore ? FieldEffect.unknown(.securityMark) : []
  }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    guard let handle = packet.attachment.connection, let table = packet.world.conntrack else { return .proceed }
    let mark = table.details(of: handle)?.securityMark ?? 0
    if info.mode == save, packet.securityMark != 0, mark == 0 {
      let value = packet.securityMark
      table.update(handle) { $0.securityMark = value }
    } else if info.mode == restore, packet.securityMark == 0, mark != 0 {
      packet.securityMark = mark
    }
    return .proceed
  }
}
