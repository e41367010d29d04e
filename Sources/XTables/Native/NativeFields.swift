public import Wire

/// What rules of nf_tables can test of a packet and its metadata.
public struct NativeFields: Sendable {
  /// Those that extensions declare, by family.
  private let declared: [Family: [NativeTest.Subject: Field]]

  /// - Parameter registry: its extensions know the fields of connections, sockets and routes.
  public init(_ registry: Registry) {
    var declared: [Family: [NativeTest.Subject: Field]] = [:]
    for family in Family.allCases {
      for descriptor in registry.all where descriptor.families.contains(family) {
        declared[family, default: [:]].merge(descriptor.nativeFields) { first, _ in first }
      }
    }
    self.declared = declared
  }

  /// The field of a subject; nil if it is not known.
  public func field(_ subject: NativeTest.Subject, _ family: Family) -> Field? {
    switch subject {
    case .payload(NativeTest.networkHeader, let offset, let length) where (1...16).contains(length) && offset < 256:
      return .networkBytes(at: Int(offset), count: Int(length))
    case .payload(NativeTest.transportHeader, let offset, let length) where (1...16).contains(length) && offset < 256:
      return .transportBytes(at: Int(offset), count: Int(length))
    case .payload: return nil
    case .meta(Meta.length): return .datagramLength
    case .meta(Meta.protocol): return .constant("meta.protocol", family == .ipv4 ? 0x0800 : 0x86dd)
    case .meta(Meta.family): return .constant("meta.nfproto", family == .ipv4 ? 2 : 10)
    case .meta(Meta.mark): return .mark
    case .meta(Meta.inputName): return .inputInterface
    case .meta(Meta.outputName): return .outputInterface
    case .meta(Meta.transportProtocol): return .transportProtocol
    case .meta, .connection, .addressType: return declared[family]?[subject]
    }
  }

  /// Whether a value can be compared with a field as nf_tables does. The types of IPv6 addresses other than local are not known.
  public func canCompare(_ match: NativeMatch, sets: [String: NativeSet]) -> Bool {
    guard case .addressType? = match.operands.first?.subject, match.operands.count == 1 else { return true }
    let elements: [NativeElement]
    switch match.values {
    case .elements(let own): elements = own
    case .set(let name): elements = sets[name]?.elements ?? []
    }
    return elements == [NativeElement([Self.local...Self.local])]
  }

  /// `RTN_LOCAL`.
  private static let local: UInt128 = 2

  /// `NFT_META_*`.
  public enum Meta {
    /// The length of the packet.
    public static let length: UInt32 = 0
    /// The protocol of the link layer.
    public static let `protocol`: UInt32 = 1
    /// The packet mark.
    public static let mark: UInt32 = 3
    /// The index of an interface.
    public static let inputIndex: UInt32 = 4, outputIndex: UInt32 = 5
    /// The name of an interface.
    public static let inputName: UInt32 = 6, outputName: UInt32 = 7
    /// The user and the group of the socket.
    public static let user: UInt32 = 10, group: UInt32 = 11
    /// Whether the packet is traced.
    public static let trace: UInt32 = 12
    /// The family of the hook.
    public static let family: UInt32 = 15
    /// The protocol of the transport header.
    public static let transportProtocol: UInt32 = 16
    /// The type of the packet on its link.
    public static let packetType: UInt32 = 19
  }
}

extension NativeTest.Subject {
  /// The number of bytes in a register; nil if the kernel has no such subject.
  public var length: Int? {
    switch self {
    case .payload(_, _, let length): (1...16).contains(length) ? Int(length) : nil
    case .meta(let key):
      switch key {
      case NativeFields.Meta.inputName, NativeFields.Meta.outputName: 16
      case NativeFields.Meta.protocol: 2
      case NativeFields.Meta.family, NativeFields.Meta.transportProtocol, NativeFields.Meta.packetType: 1
      default: 4
      }
    case .connection(let key): key == 1 ? 1 : 4
    case .addressType: 4
    }
  }

  /// Whether the register has the number in the byte order of the machine.
  public var isHostOrder: Bool {
    switch self {
    case .payload: false
    case .meta(let key): length == 4 && key != NativeFields.Meta.protocol
    case .connection, .addressType: true
    }
  }
}

extension Field {
  fileprivate static func constant(_ name: String, _ value: UInt128) -> Field {
    Field(name, bits: 16, FieldTraits(.context, .value)) { _ in .value(value) }
  }

  /// Bytes of the network header, or behind it, as one number; absent if the packet ends before.
  ///
  /// The corresponding kernel function is `nft_payload_eval`.
  fileprivate static func networkBytes(at offset: Int, count: Int) -> Field {
    Field("network.\(offset).\(count)", bits: 8 * count, FieldTraits(.packet, [.value, .absent, .unknown])) { context in
      guard offset + count <= context.packet.bytes.count else { return .absent }
      return context.number(offset..<offset + count)
    }
  }

  /// The protocol of the transport header; absent if the chain of IPv6 headers is broken. An Authentication header is a transport header.
  ///
  /// The corresponding kernel functions are `nft_set_pktinfo_ipv4` and `nft_set_pktinfo_ipv6`.
  fileprivate static let transportProtocol = Field("meta.l4proto", bits: 8, FieldTraits(.packet, [.value, .absent])) { context in
    guard let transport = context.packet.transport else { return .absent }
    if context.family == .ipv4 { return .of(transport.proto.rawValue) }
    if context.packet.bytes.hasAuthenticationHeader { return .of(IPProtocol.ah.rawValue) }
    return transport.isChainBroken ? .absent : .of(transport.proto.rawValue)
  }
}

extension [UInt8] {
  /// Whether an IPv6 packet has an Authentication header, where nf_tables ends the chain of headers. Kernel: `IP6_FH_F_AUTH`.
  public var hasAuthenticationHeader: Bool {
    guard var headers = IPv6ExtensionHeaders(self) else { return false }
    while let header = headers.next() { if header.proto == .ah { return true } }
    return false
  }
}
