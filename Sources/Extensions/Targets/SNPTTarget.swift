import CNetfilter
public import Wire
public import XTables

/// Replaces the prefix of the source address, statelessly. Kernel: `ip6t_NPT`, target SNPT revision 0.
public enum SNPTTarget: TargetExtension {
  public typealias Info = PrefixTranslation

  public static let name = "SNPT"
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.sometimes
  public static let summary = "replaces the prefix of the source address, statelessly"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle], hooks: [.input, .postrouting]) }

  public static let options: [Option<Info>] = Info.options
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_npt_tginfo>.size, userSize: 34)]
  public static let examples: [Example] = [
    .acts(
      "--src-pfx fd00::/64 --dst-pfx 2001:db8:1:2::/64", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53",
      result: "packet: {src: '2001:db8:1:2:cf44::9'}", family: .ipv6, table: .mangle),
    .accepts("--src-pfx 2001:db8::/64 --dst-pfx fd00::/48", family: .ipv6, table: .mangle),
    .rejects("--src-pfx 2001:db8::1 --dst-pfx fd00::/64", family: .ipv6, table: .mangle),
    .rejects("--src-pfx 2001:db8::/64", family: .ipv6, table: .mangle),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("SNPT src-pfx \(info.source.address(.ipv6))/\(info.sourceLength)")
    text.word("dst-pfx \(info.destination.address(.ipv6))/\(info.destinationLength)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.check(name) }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.change(.sourceAddress, info.change)] }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    info.translate(.source, of: &packet)
  }
}
