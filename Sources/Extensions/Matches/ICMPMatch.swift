import CNetfilter
public import Wire
public import XTables

/// Matches the type and code of ICMP. Kernel: `xt_tcpudp` (before 6.4 `ip_tables`), revision 0.
public enum ICMPMatch: MatchExtension {
  /// The corresponding kernel structure is `ipt_icmp`.
  public struct Info: BitwiseCopyable, Sendable {
    var type = ICMPType(type: 0xff)
    var inverted: UInt8 = 0
  }

  public static let name = "icmp"
  public static let families: Families = .ipv4
  public static let summary = "matches the type and code of ICMP"
  public static let initial = Info()
  public static var helpNotes: String { ICMPType.help(ICMPType.names, "ICMP") }
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [1]) }

  private static let syntax = ValueSyntax.icmpType(ICMPType.names, "ICMP")
  public static let options: [Option<Info>] = [
    Option(
      "--icmp-type",
      ValueSyntax(
        placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples, nearMisses: syntax.nearMisses,
        parse: syntax.parse,
        print: { value, text in value.type == 0xff ? text.word("any") : syntax.print(value, &text) }),
      \.type, invert: .flag(\.inverted), .mandatory, "type, by name or number, with or without a code")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<ipt_icmp>.size)]
  public static let examples: [Example] = [
    .matches("--icmp-type 8", "eth0 icmp 10.0.0.9 > 10.0.1.9 echo-request", before: "-p icmp"),
    .misses("--icmp-type 8", "eth0 icmp 10.0.0.9 > 10.0.1.9 echo-reply", before: "-p icmp"),
    .accepts("! --icmp-type fragmentation-needed", saved: "! --icmp-type 3/4", before: "-p icmp"),
    .accepts("--icmp-type any", before: "-p icmp"),
    .accepts("--icmp-type 255/255", saved: "--icmp-type any", before: "-p icmp"),
    .rejects("--icmp-type network-u", before: "-p icmp"), .rejects("--icmp-type 8"),
  ]

  /// iptables-nft reads type and code, and writes the structure.
  public static let native: NativeForm<Info>? = NativeForm { step, site, info in
    guard case .test(let test) = step, site.protocolNumber == 1, let type = ICMPType(test) else { return nil }
    return Info(type: type, inverted: test.comparison == .unequal ? 1 : 0)
  }

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("icmp")
    info.type.list(names: numeric ? [] : ICMPType.names, inverted: info.inverted != 0, to: &text)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x01 != 0 { throw .kernel("icmp: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // Type 255 means any type with any code.
    let test: Condition = info.type.type == 0xff ? .always : info.type.condition(.icmpTypeAndCode)
    return .all([.has(.icmpTypeAndCode), test.inverted(info.inverted != 0)])
  }
}
