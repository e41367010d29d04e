import CNetfilter
import Netfilter
public import Wire
public import XTables

/// Assigns the packet, unchanged, to a transparent socket of this host. Kernel: `xt_TPROXY`, revision 1.
public enum TProxyTarget: TargetExtension {
  /// The corresponding kernel structure is `xt_tproxy_target_info_v1`.
  public struct Info: BitwiseCopyable, Sendable {
    var markMask: UInt32 = 0
    var markValue: UInt32 = 0
    var address = InetAddress()
    var port = NetworkOrder<UInt16>()
    var padding: UInt16 = 0

    var mark: Masked<UInt32> {
      get { Masked(markValue, mask: markMask) }
      set { (markValue, markMask) = (newValue.value, newValue.mask) }
    }
  }

  /// The corresponding kernel structure is `xt_tproxy_target_info`.
  private struct IPv4Only: BitwiseCopyable, Sendable {
    var markMask: UInt32
    var markValue: UInt32
    var address: NetworkOrder<UInt32>
    var port: NetworkOrder<UInt16>
    var padding: UInt16 = 0
  }

  public static let name = "TPROXY"
  public static let families: Families = .both
  public static let ending = TargetEnding.always
  public static let summary = "delivers the packet to a transparent socket of this host"
  public static let needs: [HostFact] = [.addresses, .sockets]
  public static let initial = Info()
  public static func scope(_ family: Family) -> Scope { Scope(tables: [.mangle], hooks: .prerouting) }

  public static let options: [Option<Info>] = [
    Option(
      "--on-port", arity: 1, placeholder: "port", grammar: "port", samples: ["80", "0", "65535"], nearMisses: ["65536", "nosuch"],
      .mandatory, "the port of the socket, 0 for the packet's own",
      read: { info, arguments throws(OptionError) in info.port.value = try arguments.token.resolvedPort(arguments) },
      write: { info, text in
        text.option("--on-port")
        text.word(String(info.port.value))
      }),
    Option("--on-ip", .host, \.address, .plain, "the address of the socket; default: the address of the incoming interface"),
    Option(
      "--tproxy-mark", arity: 1, placeholder: "value[/mask]", grammar: ValueSyntax.mark.grammar,
      samples: ["0x23/0xff", "1"], nearMisses: ["-1", "1/x"], .plain, "clear the bits of mask and XOR value into the mark",
      read: { info, arguments throws(OptionError) in info.mark = try ValueSyntax.mark.parse(arguments.token, arguments) },
      write: { info, text in
        text.option("--tproxy-mark")
        text.word("0x\(String(info.markValue, radix: 16))/0x\(String(info.markMask, radix: 16))")
      }),
  ]
  public static let layouts: [Layout<Info>] = [
    Layout(
      revision: 0, IPv4Only.self, abiSize: MemoryLayout<xt_tproxy_target_info>.size,
      upgrade: {
        Info(
          markMask: $0.markMask, markValue: $0.markValue, address: InetAddress(UInt128($0.address.value), .ipv4), port: $0.port)
      },
      downgrade: {
        IPv4Only(
          markMask: $0.markMask, markValue: $0.markValue,
          address: NetworkOrder(UInt32(truncatingIfNeeded: $0.address.bits(.ipv4))), port: $0.port)
      }),
    Layout(revision: 1, abiSize: MemoryLayout<xt_tproxy_target_info_v1>.size),
  ]
  public static let examples: [Example] = [
    .acts(
      "--on-port 5300 --on-ip 10.0.0.1 --tproxy-mark 0x1/0xffffffff", on: "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53",
      result: "verdict: local, mark: 1",
      given: .init(host: [
        "mode: stack",
        "host: {sockets: [{proto: udp, port: 5300, address: 10.0.0.1, transparent: true}], policy: [fwmark 1 lookup 100], "
          + "routes: [local default dev lo table 100]}",
      ]),
      before: "-p udp", family: .ipv4, table: .mangle),
    .accepts("--on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xff", before: "-p udp", family: .ipv4, table: .mangle),
    .accepts("--on-port 80", saved: "--on-port 80 --on-ip :: --tproxy-mark 0x0/0x0", before: "-p tcp", family: .ipv6, table: .mangle),
    .rejects("--on-port 80", table: .mangle), .rejects("", before: "-p tcp", table: .mangle),
  ]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("TPROXY redirect \(info.address.address(family)):\(info.port.value)")
    text.word("mark 0x\(String(info.markValue, radix: 16))/0x\(String(info.markMask, radix: 16))")
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    let number = IPProtocol(rawValue: site.protocolNumber)
    if site.protocolInverted || number != .tcp && number != .udp {
      throw .kernel("TPROXY: works with TCP and UDP only", hint: "put -p tcp or -p udp before it")
    }
  }

  public static func services(_ info: Info) -> KernelServices { .defragmentation }

  /// A socket of the packet's own connection takes precedence over a listening socket at the rule's address. The corresponding kernel
  /// functions are `tproxy_tg4` and `tproxy_tg6_v1`.
  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    FieldEffect.unknown(.mark) + Field.ofOwner.map { .change($0, .unknown) }
  }

  public static func act(_ info: Info, on packet: inout PacketContext) -> TargetOutcome {
    guard let transport = packet.packet.transport, transport.fragmentOffset == 0, !transport.isTruncated,
      packet.packet.bytes.holds(UDPHeader.length, at: transport.offset)
    else { return .verdict(.drop) }
    var redirected = packet.packet
    let given = info.address.address(packet.family)
    let isGiven = info.address.bits(packet.family) != 0
    var address = given
    if !isGiven, let input = packet.input, let destination = packet.packet.destination {
      guard let own = packet.world.host.addresses(of: input, packet.family) else {
        return .unknown(UnknownReason("-j TPROXY", lacking: .addresses))
      }
      // Without an address of the interface the destination stays. Kernel: `nf_tproxy_laddr4`, `nf_tproxy_laddr6`.
      address = own.first ?? destination
    }
    redirected.setNetworkAddress(address, of: .destination)
    if info.port.value != 0 { redirected.bytes.setUInt16(info.port.value, at: transport.offset + 2) }
    for candidate in [packet.packet, redirected] {
      switch packet.world.host.socket(for: candidate, packet.input) {
      case .socket(let socket) where socket.isTransparent:
        packet.mark = (packet.mark & ~info.markMask) ^ info.markValue
        packet.owner = socket
        packet.receiver = Receiver(address: candidate.destination ?? address, port: candidate.bytes.uint16(at: transport.offset + 2) ?? 0)
        return .verdict(.accept)
      case .unknown: return .unknown(UnknownReason("-j TPROXY", lacking: .sockets))
      case .socket, .none: continue
      }
    }
    return .verdict(.drop)
  }
}
