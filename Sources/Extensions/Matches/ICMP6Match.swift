import CNetfilter
public import Wire
public import XTables

/// Matches the type and code of ICMPv6. Kernel: `xt_tcpudp` (before 6.4 `ip6_tables`), revision 0.
public enum ICMP6Match: MatchExtension {
  /// The corresponding kernel structure is `ip6t_icmp`.
  public struct Info: BitwiseCopyable, Sendable {
    var type = ICMPType(type: 0)
    var inverted: UInt8 = 0
  }

  public static let name = "icmp6"
  public static let aliases = ["icmpv6", "ipv6-icmp"]
  public static let families: Families = .ipv6
  public static let summary = "matches the type and code of ICMPv6"
  public static let initial = Info()
  public static var helpNotes: String { ICMPType.help(ICMPType.namesV6, "ICMPv6") }
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [58]) }

  public static let options: [Option<Info>] = [
    Option(
      "--icmpv6-type", .icmpType(ICMPType.namesV6, "ICMPv6"), \.type, invert: .flag(\.inverted), .mandatory,
      "type, by name or number, with or without a code")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ip6t_icmp>.size)]
  public static let examples: [Example] = [
    .matches("--icmpv6-type 128", "eth0 icmpv6 fd00::9 > fd01::9 echo-request", before: "-p ipv6-icmp"),
    .misses("--icmpv6-type 128", "eth0 icmpv6 fd00::9 > fd01::9 echo-reply", before: "-p ipv6-icmp"),
    .accepts("! --icmpv6-type no-route", saved: "! --icmpv6-type 1/0", before: "-p ipv6-icmp"),
    .rejects("--icmpv6-type neigh", before: "-p ipv6-icmp"), .rejects("--icmpv6-type 128"),
  ]

  /// iptables-nft reads type and code, and writes the structure.
  public static let native: NativeForm<Info>? = NativeForm { step, site, info in
    guard case .test(let test) = step, site.protocolNumber == 58, let type = ICMPType(test) else { return nil }
    return Info(type: type, inverted: test.comparison == .unequal ? 1 : 0)
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("ipv6-icmp")
    info.type.list(names: numeric ? [] : ICMPType.namesV6, inverted: info.inverted != 0, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("icmp6: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .all([.has(.icmpTypeAndCode), info.type.condition(.icmpTypeAndCode).inverted(info.inverted != 0)])
  }
}
