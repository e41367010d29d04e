import CNetfilter
public import Wire
public import XTables

/// Excludes the packet from connection tracking; another name of `CT --notrack`. Kernel: `xt_CT`, revision 2.
public enum NotrackTarget: TargetExtension {
  public typealias Info = CTTarget.Info

  public static let name = "NOTRACK"
  public static let kernelName = CTTarget.kernelName
  public static let families: Families = .both
  public static let summary = "disables connection tracking for the packet"
  public static let initial = Info(flags: [.untracked, .alias])
  public static func scope(_ family: Family) -> Scope { CTTarget.scope(family) }

  public static let options: [Option<Info>] = []
  public static let layouts: [Layout<Info>] = [
    Layout(revision: 2, abiSize: Int(xt_ct_target_info_v1_size), userSize: 64)
  ]
  public static let examples: [Example] = [
    .acts(
      "", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "conntrack: none",
      given: .init(rules: ["-t filter -A FORWARD -m conntrack --ctstate UNTRACKED"]), table: .raw),
    .rejects("--notrack", table: .raw),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    CTTarget.list(info, family: family, numeric: numeric, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try CTTarget.check(info, site) }

  public static func claims(_ info: Info) -> Bool { info.flags.contains(.alias) }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { CTTarget.effects(info, site) }

  public static func isConfined(_ info: Info, _ family: Family) -> Bool { true }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome { CTTarget.act(info, on: &packet) }
}
