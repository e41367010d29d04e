import CNetfilter
public import Wire
public import XTables

/// Replaces the prefix of the destination address, statelessly. Kernel: `ip6t_NPT`, target DNPT revision 0.
public enum DNPTTarget: TargetExtension {
  public typealias Info = PrefixTranslation

  public static let name = "DNPT"
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.sometimes
  public static let summary = "replaces the prefix of the destination address, statelessly"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle], hooks: [.prerouting, .output]) }

  public static let options: [Option<Info>] = Info.options
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_npt_tginfo>.size, userSize: 34)]
  public static let examples: [Example] = [
    .acts(
      "--src-pfx fd01::/64 --dst-pfx fd01:0:0:1::/64", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53",
      result: "packet: {dst: 'fd01::1:fffe:0:0:9'}", family: .ipv6, table: .mangle),
    .accepts("--src-pfx fd00::/64 --dst-pfx 2001:db8::/64", family: .ipv6, table: .mangle),
    .rejects("--src-pfx fd00::/64 --dst-pfx 2001:db8::/65", family: .ipv6, table: .mangle),
    .rejects("--dst-pfx 2001:db8::/64", family: .ipv6, table: .mangle),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("DNPT src-pfx \(info.source.address(.ipv6))/\(info.sourceLength)")
    text.word("dst-pfx \(info.destination.address(.ipv6))/\(info.destinationLength)")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.check(name) }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { [.change(.destinationAddress, info.change)] }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    info.translate(.destination, of: &packet)
  }
}
