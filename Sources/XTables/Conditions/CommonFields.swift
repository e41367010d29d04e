import Netfilter
public import Wire

/// The fields that the rule header or more than one extension reads. A field that only one extension reads is declared in its file.
///
/// The kernel drops a packet with a truncated network header before any hook. So no field of that header is ever absent.
extension Field {
  /// The packet mark. Kernel: `sk_buff.mark`.
  public static let mark = Field(
    "meta.mark", bits: 32, .mark,
    FieldTraits(.context, .value, form: .hexadecimal) { value, draft in
      draft.mark = UInt32(truncatingIfNeeded: value)
      return true
    })

  /// The incoming interface as ``Interface/key``; 0 if there is none. A forwarded packet still has it after POSTROUTING. The
  /// corresponding kernel field is `nf_hook_state.in`.
  public static let inputInterface = Field(
    "meta.iifname", bits: 128,
    FieldTraits(
      .context, .value, form: .interface,
      values: .byHook { hook in
        switch hook {
        case .prerouting, .input, .forward: [1...UInt128.max]
        case .output: [0...0]
        case .postrouting: [0...UInt128.max]
        }
      },
      write: { value, draft in
        draft.input = value == 0 ? nil : String(decoding: InterfacePattern(name: value, mask: .max).text, as: UTF8.self)
        return true
      })
  ) { .value($0.input?.key ?? 0) }

  /// The outgoing interface as ``Interface/key``; 0 if there is none. The corresponding kernel field is `nf_hook_state.out`.
  public static let outputInterface = Field(
    "meta.oifname", bits: 128,
    FieldTraits(
      .context, .value, form: .interface,
      values: .byHook { hook in
        switch hook {
        case .prerouting, .input: [0...0]
        case .forward, .output, .postrouting: [1...UInt128.max]
        }
      },
      write: { value, draft in
        draft.output = value == 0 ? nil : String(decoding: InterfacePattern(name: value, mask: .max).text, as: UTF8.self)
        return true
      })
  ) { .value($0.output?.key ?? 0) }

  /// The priority that `-j CLASSIFY` sets. No match tests it. Kernel: `sk_buff.priority`.
  public static let priority = Field("meta.priority", bits: 32, FieldTraits(.context, .value, form: .hexadecimal)) { .of($0.priority) }
  /// The security mark that `-j SECMARK` sets. No match tests it. Kernel: `sk_buff.secmark`.
  public static let securityMark = Field("meta.secmark", bits: 32, FieldTraits(.context, .value, form: .hexadecimal)) {
    .of($0.securityMark)
  }
  /// Whether `-j TRACE` has acted on the packet. Kernel: `sk_buff.nf_trace`.
  public static let isTraced = Field("meta.nftrace", bits: 1, FieldTraits(.context, .value)) { .of($0.isTraced) }

  /// The source address; IPv4 addresses are in the low 32 bits.
  public static let sourceAddress = Field("ip.src", bits: 128, .source, address(\.source))
  /// The destination address; IPv4 addresses are in the low 32 bits.
  public static let destinationAddress = Field("ip.dst", bits: 128, .destination, address(\.destination))

  private static func address(_ path: any WritableKeyPath<PacketFields, IPAddress> & Sendable) -> FieldTraits {
    FieldTraits(.packet, .value, form: .address) { value, draft in
      guard draft.family == .ipv6 || value <= UInt128(UInt32.max) else { return false }
      draft.fields[keyPath: path] = IPAddress(family: draft.family, bits: value)
      return true
    }
  }

  /// The protocol in the IPv4 header, or the first IPv6 header that is no extension header.
  ///
  /// In a later IPv6 fragment it is the header after the Fragment header. The corresponding kernel function is `ipv6_find_hdr`.
  public static let protocolNumber = Field(
    "ip.protocol", bits: 8,
    FieldTraits(.packet, .value, form: .names(protocolNames)) { value, draft in
      draft.fields.proto = IPProtocol(rawValue: UInt8(truncatingIfNeeded: value))
      return true
    }
  ) { context in
    if context.family == .ipv4 { return context.packet.bytes.uint8(at: IPv4Header.Offset.proto).map { .of($0) } ?? .absent }
    return context.packet.transport.map { .of($0.proto.rawValue) } ?? .absent
  }

  private static let protocolNames: KeyValuePairs<UInt128, String> = [
    1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp", 136: "udplite",
  ]

  /// Whether the packet is a second or further fragment.
  public static let isLaterFragment = Field(
    "ip.fragment", bits: 1,
    FieldTraits(.packet, .value, form: .names([0: "no later fragment", 1: "a later fragment"])) { value, draft in
      draft.fields.fragment = value == 0 ? nil : PacketFields.Fragment(offset: 24)
      return true
    }
  ) { context in
    if context.family == .ipv4 {
      return context.packet.bytes.uint16(at: IPv4Header.Offset.fragment).map { .of($0 & 0x1FFF != 0) } ?? .absent
    }
    return context.packet.transport.map { .of($0.fragmentOffset != 0) } ?? .absent
  }

  /// Whether the chain of IPv6 headers can be followed to its end. If not, the field is malformed, and a rule with `-p` drops the
  /// packet.
  ///
  /// The corresponding kernel function is `ip6_packet_match`.
  public static let headerChain = Field("ip6.chain", bits: 1, FieldTraits(.packet, [.value, .malformed], values: .range(1...1))) {
    context in
    guard let transport = context.packet.transport else { return .absent }
    return transport.isChainBroken ? .malformed : .value(1)
  }

  /// The TTL or hop limit.
  public static let hopLimit = Field(
    "ip.ttl", bits: 8, .hopLimit,
    FieldTraits(.packet, .value) { value, draft in
      draft.fields.ttl = UInt8(truncatingIfNeeded: value)
      return true
    })
  /// The TOS or traffic class.
  public static let typeOfService = Field(
    "ip.tos", bits: 8, .typeOfService,
    FieldTraits(.packet, .value, form: .hexadecimal) { value, draft in
      draft.fields.tos = UInt8(truncatingIfNeeded: value)
      return true
    })
  /// The length of the datagram in bytes, from its header.
  public static let datagramLength = Field(
    "ip.length", bits: 17, .datagramLength,
    FieldTraits(.packet, .value) { value, draft in draft.setLength(Int(truncatingIfNeeded: value)) })
}

extension TransportLocator {
  /// Whether the kernel's walk over the extension headers fails: a header is truncated, or another extension header follows in a
  /// later fragment.
  public var isChainBroken: Bool {
    isTruncated || family == .ipv6 && fragmentOffset != 0 && proto.isExtensionHeader && proto != .none
  }
}

extension Condition {
  /// A condition on a port. The complete range is always met; inverted, it is never met.
  public static func ports(_ field: Field, _ range: PortRange, inverted: Bool) -> Condition {
    range == .all ? Condition.always.inverted(inverted) : .inRange(field, range.low, range.high).inverted(inverted)
  }
}
