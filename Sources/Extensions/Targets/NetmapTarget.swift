import CNetfilter
public import Wire
public import XTables

/// Maps one IPv4 network onto another, address by address. Kernel: `xt_NETMAP`, revision 0.
public enum NetmapTarget: TargetExtension {
  public typealias Info = IPv4TranslationRange

  public static let name = "NETMAP"
  public static let families: Families = .ipv4
  public static let ending = TargetEnding.always
  public static let summary = "maps a whole network onto another, address by address"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope {
    Scope(tables: [.nat], hooks: [.prerouting, .input, .output, .postrouting])
  }

  public static let options: [Option<Info>] = [network()]
  public static let layouts: [Layout<Info>] = [
    Layout(revision: 0, abiSize: MemoryLayout<nf_nat_ipv4_multi_range_compat>.size)
  ]
  public static let examples: [Example] = [
    .acts(
      "--to 10.0.1.128/25", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", result: "packet: {dst: 10.0.1.137}", family: .ipv4, table: .nat),
    .accepts("--to 192.0.2.0/24", family: .ipv4, table: .nat),
    .accepts("--to 192.0.2.1", saved: "--to 192.0.2.1/32", family: .ipv4, table: .nat),
    .accepts("--to 192.0.2.77/24", saved: "--to 192.0.2.0/24", family: .ipv4, table: .nat),
    .rejects("", family: .ipv4, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    var saved = RuleText(names: text.names, family: family)
    save(info, family: family, to: &saved)
    text.word("to:\(saved.string.dropFirst("--to ".utf8.count))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    try info.checkCount(name)
    try info.checkAddresses(name)
  }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.mappingEffects(site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.map(info.range, &packet)
  }

  /// The option that both families share. Unlike for other addresses with a mask, a full prefix length is printed.
  static func network<Holder: TranslationRangeHolder>() -> Option<Holder> {
    let syntax = ValueSyntax.hostMask
    return Option(
      "--to", arity: 1, placeholder: syntax.placeholder, grammar: syntax.grammar, samples: syntax.samples,
      nearMisses: syntax.nearMisses, .mandatory, "the network to map onto",
      read: { info, arguments throws(OptionError) in
        let family = arguments.draft.family
        let network = try syntax.parse(arguments.token, arguments)
        let mask = network.mask.bits(family)
        let first = network.address.bits(family) & mask
        info.range.flags.insert(.addresses)
        info.range.firstAddress = InetAddress(first, family)
        info.range.lastAddress = InetAddress(first | ~mask & AddressMask.mask(prefix: family.addressBits, family), family)
      },
      write: { info, text in
        let range = info.range
        let difference = range.firstAddress.bits(text.family) ^ range.lastAddress.bits(text.family)
        let mask = ~difference & AddressMask.mask(prefix: text.family.addressBits, text.family)
        text.option("--to")
        text.address(range.firstAddress)
        if let prefix = AddressMask(mask: mask).prefix(text.family) {
          text.glue("/\(prefix)")
        } else {
          text.glue("/\(IPAddress(family: text.family, bits: mask))")
        }
      })
  }
}

/// Maps one IPv6 network onto another, address by address. Kernel: `xt_NETMAP`, revision 0.
public enum IPv6NetmapTarget: TargetExtension {
  public typealias Info = BaselessTranslationRange

  public static let name = NetmapTarget.name
  public static let families: Families = .ipv6
  public static let ending = TargetEnding.always
  public static let summary = NetmapTarget.summary
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { NetmapTarget.scope(family) }

  public static let options: [Option<Info>] = [NetmapTarget.network()]
  public static let layouts: [Layout<Info>] = [Layout(revision: 0, abiSize: MemoryLayout<nf_nat_range>.size)]
  public static let examples: [Example] = [
    .acts(
      "--to fd01:0:0:0:1::/80", on: "eth0 udp [fd00::9]:1000 > [fd01::9]:53", result: "packet: {dst: 'fd01::1:0:0:9'}",
      saved: "--to fd01::1:0:0:0/80", family: .ipv6, table: .nat),
    .accepts("--to 2001:db8::/64", family: .ipv6, table: .nat),
    .accepts("--to 2001:db8::1", saved: "--to 2001:db8::1/128", family: .ipv6, table: .nat),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    var saved = RuleText(names: text.names, family: family)
    save(info, family: family, to: &saved)
    text.word("to:\(saved.string.dropFirst("--to ".utf8.count))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) { try info.checkAddresses(name) }

  public static func services(_ info: Info) -> KernelServices { Translation.services }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] { info.range.mappingEffects(site) }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    Translation.map(info.range, &packet)
  }
}
