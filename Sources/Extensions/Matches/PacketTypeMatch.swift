import CNetfilter
public import Wire
public import XTables

/// Matches the link-layer packet type. Kernel: `xt_pkttype`, revision 0.
public enum PacketTypeMatch: MatchExtension {
  /// The corresponding kernel structure is `xt_pkttype_info`.
  public struct Info: BitwiseCopyable, Sendable {
    var type: Int32 = 0
    var inverted: Int32 = 0
  }

  public static let name = "pkttype"
  public static let families: Families = .both
  public static let summary = "matches the link-layer type of the packet: unicast, broadcast or multicast"
  public static let initial = Info()

  private static let names: [(name: String, type: Int32)] = [
    ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("otherhost", 3), ("bcast", 1), ("mcast", 2), ("host", 0),
  ]

  private static let syntax = ValueSyntax<Int32>(
    placeholder: "packettype", grammar: names.map { "\"\($0.name)\"" }.joined(separator: " | "), samples: names.map(\.name),
    nearMisses: ["", "unicas", "6"],
    parse: { token, arguments throws(OptionError) in
      guard let found = names.first(where: { $0.name.equalsIgnoringCase(token) }) else {
        throw OptionError(
          "bad-value", "Bad packet type '\(token.string)'", at: token.range,
          hint: "the types are unicast, broadcast, multicast and otherhost")
      }
      return found.type
    },
    print: { type, text in text.word(names.first { $0.type == type }?.name ?? String(type)) })

  public static let options: [Option<Info>] = [
    Option("--pkt-type", syntax, \.type, invert: .flag(\.inverted), .mandatory, "the link-layer type")
  ]
  public static let layouts = [Layout<Info>(revision: 0, abiSize: MemoryLayout<xt_pkttype_info>.size)]
  public static let examples: [Example] = [
    .matches("--pkt-type broadcast", "eth0 dmac=ff:ff:ff:ff:ff:ff udp 10.0.0.9:1000 > 10.0.1.9:53", table: .raw),
    .misses("--pkt-type broadcast", "eth0 udp 10.0.0.9:1000 > 10.0.1.9:53", table: .raw),
    .accepts("--pkt-type broadcast"), .accepts("! --pkt-type HOST", saved: "! --pkt-type unicast"),
    .rejects("--pkt-type uni"), .rejects(""),
  ]

  /// `NFT_META_PKTTYPE`. iptables-nft reads this test, and writes the structure. The corresponding C function is `parse_meta_pkttype`.
  public static let native: NativeForm<Info>? = NativeForm { step, _, _ in
    guard case .test(let test) = step, test.subject == .meta(19), test.mask == nil, test.isEquality, let type = test.number(UInt8.self)
    else {
      return nil
    }
    return Info(type: Int32(type), inverted: test.comparison == .unequal ? 1 : 0)
  }

  /// `NFT_META_PKTTYPE`.
  public static let nativeFields: [NativeTest.Subject: Field] = [.meta(19): .packetType]

  public static func list(_ info: Info, family: Family, numeric: Bool, to text: inout RuleText) {
    text.word("PKTTYPE \(info.inverted != 0 ? "!" : "")= ")
    text.glue(syntax, info.type)
  }

  public static func condition(_ info: Info, family: Family) -> Condition {
    .equals(.packetType, UInt32(bitPattern: info.type)).inverted(info.inverted != 0)
  }
}

extension Field {
  private static let names: KeyValuePairs<UInt128, String> = [0: "unicast", 1: "broadcast", 2: "multicast", 3: "otherhost"]

  /// The packet type as the kernel's match evaluates it. A packet looped back to this host counts as multicast or broadcast, by its
  /// destination address. A packet sent by this host counts as unicast, because its type is set after the last hook.
  static let packetType = Field(
    "meta.pkttype", bits: 32,
    FieldTraits(
      .fields([.destinationAddress]), [.value, .unknown], form: .names(names), values: .range(0...3),
      needs: FieldNeeds("-m pkttype", .linkDestination, isPartial: true))
  ) { context in
    // A frame for this host alone carries a packet for one host. A packet for many hosts may come in either kind of frame.
    if context.packet.type == .host, context.lacks(.linkDestination), let destination = context.packet.destination,
      destination.isMulticast || [nil, .broadcast].contains(context.world.host.addressType(destination, on: nil))
    {
      return .unknown(UnknownReason("-m pkttype", lacking: .linkDestination))
    }
    guard context.packet.type == .loopback else {
      return .of((context.packet.type == .outgoing ? PacketType.host : context.packet.type).rawValue)
    }
    switch context.packet.destination {
    case .v4(let address) where address.isMulticast: return .of(PacketType.multicast.rawValue)
    case .v6(let address) where address.isMulticast: return .of(PacketType.multicast.rawValue)
    case .v4: return .of(PacketType.broadcast.rawValue)
    default: return .of(PacketType.multicast.rawValue)
    }
  }
}
