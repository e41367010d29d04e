import CNetfilter
import NAT
public import Wire
public import XTables

/// Translates the destination of IPv4 connections. Kernel: `xt_nat`, revision 2.
public enum DNATTarget: TargetExtension {
  public typealias Info = TranslationRange

  public static let name = "DNAT"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "changes the destination address of a connection"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.nat], hooks: [.prerouting, .output]) }

  public static let options: [Option<Info>] = [
    .translation("--to-destination", "the addresses, and with -p the ports, to take one from; port-port/base shifts"),
    .translationFlag("--random", .random, "choose the port by a keyed hash"),
    .translationFlag("--persistent", .persistent, "give a client the same address for every destination"),
  ]
  public static let layouts: [Layout<Info>] = [
    .translation(revision: 0, IPv4TranslationRange.self, abiSize: MemoryLayout<nf_nat_ipv4_multi_range_compat>.size),
    .translation(revision: 1, BaselessTranslationRange.self, abiSize: MemoryLayout<nf_nat_range>.size),
    Layout(revision: 2, abiSize: MemoryLayout<nf_nat_range2>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--to-destination 10.0.1.77:5353", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      result: "verdict: sent eth1, packet: {dst: 10.0.1.77, dport: 5353}, nat: {destination: '10.0.1.77:5353'}", before: "-p udp",
      family: .ipv4, table: .nat),
    .accepts("--to-destination 192.0.2.1-192.0.2.9 --persistent", family: .ipv4, table: .nat),
    .accepts("--to-destination 192.0.2.1:1000-2000/3000", before: "-p tcp", family: .ipv4, table: .nat),
    .accepts("--to-destination :8080", before: "-p tcp", family: .ipv4, table: .nat),
    .rejects("--to-destination 192.0.2.1:80", family: .ipv4, table: .nat), .rejects("", family: .ipv4, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.list("to:", to: &text)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.destination, site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.destination(info, of: &packet)
  }
}

/// Translates the destination of IPv6 connections. Kernel: `xt_nat`, revision 2.
public enum IPv6DNATTarget: TargetExtension {
  public typealias Info = TranslationRange

  public static let name = DNATTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = DNATTarget.summary
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { DNATTarget.scope(family) }

  public static let options: [Option<Info>] = DNATTarget.options
  public static let layouts: [Layout<Info>] = [
    .translation(revision: 1, BaselessTranslationRange.self, abiSize: MemoryLayout<nf_nat_range>.size),
    Layout(revision: 2, abiSize: MemoryLayout<nf_nat_range2>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--to-destination [fd01::77]:5353", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53",
      result: "verdict: sent eth1, packet: {dst: 'fd01::77', dport: 5353}", before: "-p udp", family: .ipv6, table: .nat),
    .accepts("--to-destination 2001:db8::1", family: .ipv6, table: .nat),
    .accepts("--to-destination [2001:db8::1]:80", before: "-p tcp", family: .ipv6, table: .nat),
    .rejects("--to-destination [2001:db8::1]:80", family: .ipv6, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    info.range.list("to:", to: &text)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.effects(.destination, site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.destination(info, of: &packet)
  }
}
