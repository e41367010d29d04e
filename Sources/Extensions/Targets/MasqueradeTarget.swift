import CNetfilter
import NAT
public import Wire
public import XTables

/// Translates the source of IPv4 connections to an address of the output interface. Kernel: `xt_MASQUERADE`, revision 0.
public enum MasqueradeTarget: TargetExtension {
  public typealias Info = IPv4TranslationRange

  public static let name = "MASQUERADE"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "changes the source address of a connection to that of the outgoing interface"
  public static let needs: [HostFact] = [.addresses, .routes]
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.nat], hooks: .postrouting) }

  public static let options: [Option<Info>] = sharedOptions()
  public static let layouts: [Layout<Info>] = [
    Layout(revision: 0, abiSize: MemoryLayout<nf_nat_ipv4_multi_range_compat>.size)
  ]
  public static let examples: [Example] = [
    .acts("", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "packet: {src: 10.0.1.1, sport: 1000}", family: .ipv4, table: .nat),
    .accepts("--to-ports 1024-65535 --random-fully", before: "-p udp", family: .ipv4, table: .nat),
    .rejects("--to-ports 1024", family: .ipv4, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("masq ports: ", skipsColon: true, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    try info.checkCount(name)
    try info.checkNoAddresses(name)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.source, site, addressIsChosen: true) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.masquerade(info.range, &packet)
  }

  /// The options that both families share.
  static func sharedOptions<Holder: TranslationRangeHolder>() -> [Option<Holder>] {
    [
      .translationPorts("the source ports to take one from"),
      .translationFlag("--random", .random, "choose the port by a keyed hash"),
      .translationFlag("--random-fully", .randomFully, "choose the port at random"),
    ]
  }
}

/// Translates the source of IPv6 connections to an address of the output interface. Kernel: `xt_MASQUERADE`, revision 0.
public enum IPv6MasqueradeTarget: TargetExtension {
  public typealias Info = BaselessTranslationRange

  public static let name = MasqueradeTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = MasqueradeTarget.summary
  public static let needs = MasqueradeTarget.needs
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { MasqueradeTarget.scope(family) }

  public static let options: [Option<Info>] = MasqueradeTarget.sharedOptions()
  public static let layouts: [Layout<Info>] = [Layout(revision: 0, abiSize: MemoryLayout<nf_nat_range>.size)]
  public static let examples: [Example] = [
    .acts("", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "packet: {src: 'fd01::1', sport: 1000}", family: .ipv6, table: .nat),
    .accepts("--random", family: .ipv6, table: .nat),
    .accepts("--to-ports 1024", before: "-p tcp", family: .ipv6, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("masq ports: ", skipsColon: true, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.checkNoAddresses(name) }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.source, site, addressIsChosen: true) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.masquerade(info.range, &packet)
  }
}
