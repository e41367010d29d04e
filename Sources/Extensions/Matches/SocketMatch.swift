import CNetfilter
import Conntrack
public import Wire
public import XTables

/// Matches packets for which there is an open socket. Kernel: `xt_socket`, revision 3.
public enum SocketMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_socket_mtinfo3`.
  public struct Info: BitwiseCopyable, Sendable {
    var flags: UInt8 = 0
  }

  /// The bits of `flags`: `XT_SOCKET_*`.
  private enum Flag {
    static let transparent: UInt8 = 0x01
    static let anyAddress: UInt8 = 0x02
    static let restoreMark: UInt8 = 0x04
  }

  public static let name = "socket"
  public static let families: Families = .both
  public static let summary = "matches packets for which this host has an open socket"
  public static let initial = Info()
  public static let needs: [HostFact] = [.sockets]
  public static func scope(_ family: Family) -> Scope { Scope(hooks: [.prerouting, .input]) }

  public static let options: [Option<Info>] = [
    Option(flag: "--transparent", present: .bits(\.flags, Flag.transparent), .plain, "only transparent sockets"),
    Option(flag: "--nowildcard", present: .bits(\.flags, Flag.anyAddress), .plain, "also sockets bound to the any-address"),
    Option(flag: "--restore-skmark", present: .bits(\.flags, Flag.restoreMark), .plain, "set the packet's mark to that of the socket"),
  ]
  public static let layouts = [
    Layout<Info>(revision: 0, size: 0, decode: { _ in Info() }, encode: { $0.flags == 0 ? [] : nil }), older(1, 0x01), older(2, 0x03),
    Layout<Info>(revision: 3, abiSize: MemoryLayout<xt_socket_mtinfo3>.size),
  ]
  public static let examples: [Example] = [
    .matches("", "eth0 udp 10.0.0.9:1000 > 10.0.0.1:53", given: listener, table: .mangle),
    .misses("", "eth0 udp 10.0.0.9:1000 > 10.0.0.1:54", given: listener, table: .mangle),
    .accepts("--transparent --nowildcard --restore-skmark", table: .mangle), .rejects("! --transparent"),
  ]

  /// A host with a process that listens on port 53.
  private static let listener = Example.Given(host: ["mode: stack", "host: {sockets: [{proto: udp, port: 53, address: 10.0.0.1}]}"])

  /// The same structure in an older revision with fewer flags.
  private static func older(_ revision: UInt8, _ known: UInt8) -> Layout<Info> {
    Layout(
      revision: revision, Info.self, abiSize: MemoryLayout<xt_socket_mtinfo1>.size, upgrade: { $0 },
      downgrade: { $0.flags & ~known == 0 ? $0 : nil })
  }

  public static func check(_ info: Info, _ site: RuleSite) throws(OptionError) {
    if info.flags & ~0x07 != 0 { throw .kernel("socket: unknown flags") }
  }

  public static func services(_ info: Info) -> KernelServices { .defragmentation }

  public static func condition(_ info: Info, family: Family) -> Condition {
    // The match also copies the socket's mark, so its condition is opaque.
    if info.flags & Flag.restoreMark != 0 { return .opaque }
    var tests: [Condition] = [.equals(.socket("open") { _ in true }, 1)]
    if info.flags & Flag.anyAddress == 0 { tests.append(.equals(.socket("wildcard") { $0.isWildcard }, 0)) }
    if info.flags & Flag.transparent != 0 { tests.append(.equals(.socket("transparent") { $0.isTransparent }, 1)) }
    return .all(tests)
  }

  public static func effects(_ info: Info, _ site: EffectSite) -> [FieldEffect] {
    info.flags & Flag.restoreMark != 0 ? FieldEffect.unknown(.mark) : []
  }

  public static func evaluate(_ info: Info, _ packet: inout PacketContext) -> MatchOutcome {
    if packet.hasDrawnPort { return .unknown(PacketContext.drawnPort) }
    switch packet.socket {
    case .none: return .mismatched
    case .unknown: return .unknown(SocketMatch.unknown)
    case .socket(let socket):
      if socket.isWildcard, info.flags & Flag.anyAddress == 0 { return .mismatched }
      if !socket.isTransparent, info.flags & Flag.transparent != 0 { return .mismatched }
      // Requests and what is left of a closed connection have no mark. Kernel: `sk_fullsock`.
      if !socket.isRequest { packet.mark = socket.mark }
      return .matched
    }
  }

  fileprivate static let unknown = UnknownReason("-m socket", lacking: .sockets)
}

extension Field {
  private static let basis = FieldBasis.fields(
    [
      .sourceAddress, .destinationAddress, .sourcePort, .destinationPort, .protocolNumber, .inputInterface, quotesSegment,
      .connectionExists, .connectionDirection, .originalSource, .originalSourcePort,
    ] + Field.ofOwner)

  /// Whether the packet is an ICMP error that quotes a TCP or UDP packet.
  private static let quotesSegment = Field("socket.quoted", bits: 1, FieldTraits(.bytes, .value)) { .of($0.quotedEnds != nil) }

  /// A value of the socket that would receive the packet; absent if there is none.
  fileprivate static func socket(_ name: String, _ read: @escaping @Sendable (SocketFacts) -> Bool) -> Field {
    Field(
      "socket.\(name)", bits: 1,
      FieldTraits(basis, [.value, .absent, .unknown], needs: FieldNeeds("-m socket", .sockets, isPartial: true))
    ) { context in
      switch context.socket {
      case .none: .absent
      case .unknown: .unknown(SocketMatch.unknown)
      case .socket(let facts): .of(read(facts))
      }
    }
  }
}

extension PacketContext {
  /// The socket that would receive the packet, or that has sent the packet which an ICMP error quotes.
  ///
  /// The corresponding kernel functions are `nf_sk_lookup_slow_v4` and `nf_sk_lookup_slow_v6`.
  fileprivate var socket: SocketAnswer {
    // Kernel: `sk_buff.sk`, from `nf_tproxy_assign_sock`.
    if receiver != nil, let owner { return .socket(owner) }
    guard var ends = ownEnds ?? quotedEnds?.exchanged else { return .none }
    // The socket of a connection with a translated source has the address from before. The kernel's look-up for ICMPv6 errors lacks this.
    let isReply = attachment.info == .establishedReply || attachment.info == .relatedReply && family == .ipv4
    if isReply, let connection = attachment.connection.flatMap({ world.conntrack?[$0] }) {
      ends.destination = IPAddress(family: family, bits: connection.original.sourceBits)
      ends.destinationPort = connection.original.sourceID
    }
    return ends.packet.map { world.host.socket(for: $0, input) } ?? .none
  }

  /// The ends of a TCP or UDP packet; nil for other packets and truncated headers.
  private var ownEnds: SocketEnds? {
    guard let at = packet.transport, at.fragmentOffset == 0, at.proto == .tcp || at.proto == .udp,
      packet.bytes.holds(at.proto == .tcp ? TCPHeader.minimumLength : UDPHeader.length, at: at.offset)
    else { return nil }
    return SocketEnds(packet.bytes, at: 0, family)
  }

  /// The ends of the packet that an ICMP error quotes; nil for other packets.
  fileprivate var quotedEnds: SocketEnds? {
    guard let at = packet.transport, at.fragmentOffset == 0, at.proto == (family == .ipv4 ? .icmp : .icmpv6),
      let error = ICMPHeader(packet.bytes, at: at.offset),
      family == .ipv4 ? ICMPHeader.isError(type: error.type) : ICMPHeader.isErrorV6(type: error.type)
    else { return nil }
    return SocketEnds(packet.bytes, at: at.offset + ICMPHeader.length, family)
  }
}

/// The ends of a TCP or UDP packet, as far as a look-up of its socket needs them.
private struct SocketEnds {
  var proto: IPProtocol
  var source: IPAddress
  var destination: IPAddress
  var sourcePort: UInt16
  var destinationPort: UInt16

  /// Reads the packet at `start`, of which there may be no more than the ports; nil if it has none.
  ///
  /// The corresponding kernel functions are `extract_icmp4_fields` and `extract_icmp6_fields`.
  init?(_ bytes: [UInt8], at start: Int, _ family: Family) {
    let packet = Packet(bytes: Array(bytes.slice(at: start)))
    // As the kernel: quoted fragments of IPv4 are not told from whole packets.
    guard let at = packet.transport, at.family == family, !at.isTruncated, family == .ipv4 || at.fragmentOffset == 0,
      at.proto == .tcp || at.proto == .udp, let source = packet.source,
      let destination = packet.destination, let sourcePort = packet.bytes.uint16(at: at.offset),
      let destinationPort = packet.bytes.uint16(at: at.offset + 2)
    else { return nil }
    (proto, self.source, self.destination) = (at.proto, source, destination)
    (self.sourcePort, self.destinationPort) = (sourcePort, destinationPort)
  }

  /// The ends of a packet in the other direction.
  var exchanged: SocketEnds {
    var result = self
    (result.source, result.destination) = (destination, source)
    (result.sourcePort, result.destinationPort) = (destinationPort, sourcePort)
    return result
  }

  /// A packet with these ends.
  var packet: Packet? {
    var fields = PacketFields(source, destination, proto: proto)
    (fields.sourcePort, fields.destinationPort) = (sourcePort, destinationPort)
    return try? fields.packet()
  }
}
