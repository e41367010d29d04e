import CNetfilter
public import Wire
public import XTables

/// Matches ports of UDP. Kernel: `xt_tcpudp`, revision 0.
public enum UDPMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_udp`.
  public struct Info: BitwiseCopyable, Sendable {
    var sourcePorts = PortRange.all
    var destinationPorts = PortRange.all
    var inverted: UInt8 = 0
    var padding: UInt8 = 0

    var nativePorts: NativePorts {
      get {
        NativePorts(
          source: sourcePorts, destination: destinationPorts, isSourceInverted: inverted & Inverted.sourcePorts != 0,
          isDestinationInverted: inverted & Inverted.destinationPorts != 0)
      }
      set {
        (sourcePorts, destinationPorts) = (newValue.source, newValue.destination)
        inverted = (newValue.isSourceInverted ? Inverted.sourcePorts : 0) | (newValue.isDestinationInverted ? Inverted.destinationPorts : 0)
      }
    }
  }

  /// The bits of `invflags`: `XT_UDP_INV_*`.
  private enum Inverted {
    static let sourcePorts: UInt8 = 0x01
    static let destinationPorts: UInt8 = 0x02
  }

  public static let name = "udp"
  public static let families: Families = .both
  public static let summary = "matches ports of UDP"
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(protocols: [17]) }

  public static let options: [Option<Info>] = [
    Option(
      "--sport", .portComponents, \.sourcePorts, invert: .bits(\.inverted, Inverted.sourcePorts),
      present: .when { $0.sourcePorts != .all }, OptionUse(aliases: ["--source-port"], independent: true), "source port or range"),
    Option(
      "--dport", .portComponents, \.destinationPorts, invert: .bits(\.inverted, Inverted.destinationPorts),
      present: .when { $0.destinationPorts != .all }, OptionUse(aliases: ["--destination-port"], independent: true),
      "destination port or range"),
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_udp>.size)]
  public static let examples: [Example] = [
    .matches("--dport 53", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", before: "-p udp"),
    .misses("--dport 53", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:54", before: "-p udp"),
    .accepts("! --sport 1024:65535", before: "-p udp"),
    .accepts("--sport 5:4", before: "-p udp"), .accepts("! --dport 0:65535", saved: "", before: "-p udp"),
    .rejects("--dport -1", before: "-p udp"), .rejects("--dport 53"),
  ]

  /// The corresponding C functions are `add_nft_udp` and `nft_parse_udp`.
  public static let native: NativeForm<Info>? = NativeForm(
    accumulates: true,
    encode: { info in
      let areAllPorts = info.sourcePorts == .all && info.destinationPorts == .all
      return info.inverted & ~0x03 != 0 || areAllPorts && info.inverted == 0 ? nil : info.nativePorts.steps
    },
    decode: { step, site, info in
      guard case .test(let test) = step, site.protocolNumber == 17 else { return nil }
      var (info, ports) = (info, info.nativePorts)
      guard ports.take(test) else { return nil }
      info.nativePorts = ports
      return info
    })

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("udp")
    let protocolName = numeric ? nil : "udp"
    text.ports("spt", info.sourcePorts, inverted: info.inverted & Inverted.sourcePorts != 0, protocolName: protocolName)
    text.ports(
      "dpt", info.destinationPorts, inverted: info.inverted & Inverted.destinationPorts != 0, protocolName: protocolName)
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.inverted & ~0x03 != 0 { throw .kernel("udp: unknown inversion bits") }
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .all([
      .has(.udpHeader),
      .ports(.sourcePort, info.sourcePorts, inverted: info.inverted & Inverted.sourcePorts != 0),
      .ports(.destinationPort, info.destinationPorts, inverted: info.inverted & Inverted.destinationPorts != 0),
    ])
  }
}
