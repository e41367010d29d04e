import CNetfilter
public import Wire
public import XTables

/// Translates the destination of IPv4 connections to this host. Kernel: `xt_REDIRECT`, revision 0.
public enum RedirectTarget: TargetExtension {
  public typealias Info = IPv4TranslationRange

  public static let name = "REDIRECT"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "redirects a connection to this host"
  public static let needs: [HostFact] = [.addresses]
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.nat], hooks: [.prerouting, .output]) }

  public static let options: [Option<Info>] = sharedOptions()
  public static let layouts: [Layout<Info>] = [
    Layout(revision: 0, abiSize: MemoryLayout<nf_nat_ipv4_multi_range_compat>.size)
  ]
  public static let examples: [Example] = [
    .acts(
      "--to-ports 5353", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "verdict: local, packet: {dst: 10.0.0.1, dport: 5353}",
      before: "-p udp", family: .ipv4, table: .nat),
    .accepts("", family: .ipv4, table: .nat),
    .accepts("--to-ports 42-1234 --random", before: "-p tcp", family: .ipv4, table: .nat),
    .rejects("--to-ports 42", family: .ipv4, table: .nat),
    .rejects("--to-ports 42-1234/567", before: "-p tcp", family: .ipv4, table: .nat),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    try info.refuseBasePort()
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("redir ports ", skipsColon: true, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    try info.checkCount(name)
    try info.checkNoAddresses(name)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.redirectionEffects(site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.redirect(info.range, &packet)
  }

  /// The options that both families share.
  static func sharedOptions<Holder: TranslationRangeHolder>() -> [Option<Holder>] {
    [
      .translationPorts("the destination ports to take one from"),
      .translationFlag("--random", .random, "choose the port by a keyed hash"),
    ]
  }
}

/// Translates the destination of IPv6 connections to this host. Kernel: `xt_REDIRECT`, revision 0.
public enum IPv6RedirectTarget: TargetExtension {
  public typealias Info = BaselessTranslationRange

  public static let name = RedirectTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = RedirectTarget.summary
  public static let needs = RedirectTarget.needs
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { RedirectTarget.scope(family) }

  public static let options: [Option<Info>] = RedirectTarget.sharedOptions()
  public static let layouts: [Layout<Info>] = [Layout(revision: 0, abiSize: MemoryLayout<nf_nat_range>.size)]
  public static let examples: [Example] = [
    .acts(
      "--to-ports 5353", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "verdict: local, packet: {dst: 'fd00::1', dport: 5353}",
      before: "-p udp", family: .ipv6, table: .nat),
    .accepts("--to-ports 8080", before: "-p tcp", family: .ipv6, table: .nat),
  ]

  public static func finish(_ info: inout Info, seen: SeenOptions, _ draft: RuleDraft) throws(OptionError) {
    try info.refuseBasePort()
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("redir ports ", skipsColon: true, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.checkNoAddresses(name) }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.redirectionEffects(site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.redirect(info.range, &packet)
  }
}
