import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Changes the hop limit of an IPv6 packet. Kernel: `xt_HL`, target HL revision 0.
public enum HLTarget: TargetExtension {
  /// The corresponding kernel structure is `ip6t_HL_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var change = HopChange()
  }

  public static let name = "HL"
  public static let families: Families = .ipv6
  public static let summary = "changes the hop limit"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle]) }

  public static let options: [Option<Info>] = HopChange.options("--hl", \.change)
  public static let layouts = [Layout<Info>(revision: 0, abiSize: Int(ip6t_HL_info_size))]
  public static let examples: [Example] = [
    .acts(
      "--hl-set 42", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "packet: {ttl: 42}", family: .ipv6, table: .mangle,
      chain: .postrouting),
    .accepts("--hl-inc 1", family: .ipv6, table: .mangle),
    .rejects("--hl-dec 0", family: .ipv6, table: .mangle), .rejects("", family: .ipv6, table: .mangle),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    if seen.isEmpty { throw OptionError("missing-option", "HL: You must specify an action") }
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.change.list("HL", to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.change.check(name) }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [info.change.effect] }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    info.change.apply(to: &packet.packet)
    return .proceed
  }
}
