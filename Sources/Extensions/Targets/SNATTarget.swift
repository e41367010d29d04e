import CNetfilter
import NAT
public import Wire
public import XTables

/// Translates the source of IPv4 connections. Kernel: `xt_nat`, revision 0.
public enum SNATTarget: TargetExtension {
  public typealias Info = IPv4TranslationRange

  public static let name = "SNAT"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "changes the source address of a connection"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.nat], hooks: [.postrouting, .input]) }

  public static let options: [Option<Info>] = sharedOptions()
  /// iptables 1.8 writes revision 0, although the kernel has newer ones.
  public static let layouts: [Layout<Info>] = [
    .translation(revision: 2, TranslationRange.self, abiSize: MemoryLayout<nf_nat_range2>.size),
    .translation(revision: 1, BaselessTranslationRange.self, abiSize: MemoryLayout<nf_nat_range>.size),
    Layout(revision: 0, abiSize: MemoryLayout<nf_nat_ipv4_multi_range_compat>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--to-source 10.0.1.77:4000", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "packet: {src: 10.0.1.77, sport: 4000}",
      before: "-p udp", family: .ipv4, table: .nat),
    .accepts("--to-source 192.0.2.1", family: .ipv4, table: .nat),
    .accepts("--to-source 192.0.2.1-192.0.2.9:1025-65535 --random", before: "-p tcp", family: .ipv4, table: .nat),
    .rejects("", family: .ipv4, table: .nat), .rejects("--to-source 192.0.2.1:80", family: .ipv4, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("to:", to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.checkCount(name) }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.source, site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.source(info.range, of: &packet)
  }

  /// The options that both families share.
  static func sharedOptions<Holder: TranslationRangeHolder>() -> [Option<Holder>] {
    [
      .translation("--to-source", "the addresses, and with -p the ports, to take one from"),
      .translationFlag("--random", .random, "choose the port by a keyed hash"),
      .translationFlag("--random-fully", .randomFully, "choose the port at random"),
      .translationFlag("--persistent", .persistent, "give a client the same address for every destination"),
    ]
  }
}

/// Translates the source of IPv6 connections. Kernel: `xt_nat`, revision 1.
public enum IPv6SNATTarget: TargetExtension {
  public typealias Info = BaselessTranslationRange

  public static let name = SNATTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = SNATTarget.summary
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { SNATTarget.scope(family) }

  public static let options: [Option<Info>] = SNATTarget.sharedOptions()
  public static let layouts: [Layout<Info>] = [
    .translation(revision: 2, TranslationRange.self, abiSize: MemoryLayout<nf_nat_range2>.size),
    Layout(revision: 1, abiSize: MemoryLayout<nf_nat_range>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--to-source [fd01::77]:4000", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "packet: {src: 'fd01::77', sport: 4000}",
      before: "-p udp", family: .ipv6, table: .nat),
    .accepts("--to-source 2001:db8::1", family: .ipv6, table: .nat),
    .accepts(
      "--to-source [2001:db8::1-2001:db8::9]:1025-65535 --persistent", before: "-p udp", family: .ipv6, table: .nat),
    .rejects("--to-source 192.0.2.1", family: .ipv6, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("to:", to: &text)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.source, site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.source(info.range, of: &packet)
  }
}
