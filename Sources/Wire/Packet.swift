/// The link-layer header of a packet; `Packet.bytes` starts after it.
public struct LinkHeader: Sendable, Hashable {
  /// The hardware address of the sender.
  public var source: MACAddress
  /// The hardware address of the receiver.
  public var destination: MACAddress
  /// The ethertype: 0x0800 for IPv4, 0x86DD for IPv6.
  public var etherType: UInt16
  /// False if the sender's address was not given; ``source`` is then arbitrary.
  public var isSourceStated = true
  /// False if the receiver's address was not given; ``destination`` is then arbitrary.
  public var isDestinationStated = true

  /// Creates an Ethernet header.
  public init(source: MACAddress, destination: MACAddress, etherType: UInt16) {
    self.source = source
    self.destination = destination
    self.etherType = etherType
  }
}

/// The receiver of a packet, as the link layer saw it; the raw values are the kernel's `PACKET_*`.
public enum PacketType: UInt8, Sendable, Hashable, CaseIterable {
  case host = 0
  case broadcast = 1
  case multicast = 2
  case otherHost = 3
  case outgoing = 4
  case loopback = 5
}

/// A packet from its network header on, IPv4 or IPv6, with its link-layer data.
///
/// The bytes are untrusted: every reading function returns nil if a header is truncated.
public struct Packet: Sendable, Equatable {
  /// The datagram from the IP header on. `trimmed()` removes trailing link-layer padding.
  public var bytes: [UInt8]
  /// The link-layer header; nil if there is none (sent by this host, or read from a raw capture).
  public var link: LinkHeader?
  /// The packet type, as `skb->pkt_type` has it.
  public var type: PacketType
  /// The size of the largest fragment of a reassembled packet, IP header included, in bytes; 0 if it was not fragmented.
  /// The corresponding kernel field is `IPCB(skb)->frag_max_size`.
  public var fragmentMaximumSize: UInt16 = 0
  /// The payload lengths of the fragments of a reassembled packet, in order; empty if it was not fragmented.
  public var fragmentLengths: [Int] = []
  /// True if it may be longer than the MTU of an interface without being cut or refused: several segments that the network card joined or will
  /// cut (GRO, GSO), as captures have them. Kernel: `skb_is_gso`.
  public var joinsSegments = false

  /// Creates a packet.
  ///
  /// - Parameter bytes: from the network header on.
  @inlinable public init(bytes: [UInt8], link: LinkHeader? = nil, type: PacketType = .host) {
    self.bytes = bytes
    self.link = link
    self.type = type
  }

  /// The packet's length in bytes, from the network header on.
  @inlinable public var count: Int { bytes.count }

  /// The family named by the version nibble; nil for an empty packet and other versions.
  @inlinable public var family: Family? {
    guard let first = bytes.first else { return nil }
    return switch first >> 4 {
    case 4: .ipv4
    case 6: .ipv6
    default: nil
    }
  }

  /// The IPv4 header; nil for another version or a truncated header.
  public var ipv4: IPv4Header? { family == .ipv4 ? IPv4Header(bytes) : nil }
  /// The IPv6 header; nil for another version or a truncated header.
  public var ipv6: IPv6Header? { family == .ipv6 ? IPv6Header(bytes) : nil }

  /// The source address; nil if the header is truncated.
  @inlinable public var source: IPAddress? {
    switch family {
    case .ipv4: bytes.uint32(at: IPv4Header.Offset.source).map { .v4(IPv4Address(rawValue: $0)) }
    case .ipv6: bytes.uint128(at: IPv6Header.Offset.source).map { .v6(IPv6Address(rawValue: $0)) }
    case nil: nil
    }
  }

  /// The destination address; nil if the header is truncated.
  @inlinable public var destination: IPAddress? {
    switch family {
    case .ipv4: bytes.uint32(at: IPv4Header.Offset.destination).map { .v4(IPv4Address(rawValue: $0)) }
    case .ipv6: bytes.uint128(at: IPv6Header.Offset.destination).map { .v6(IPv6Address(rawValue: $0)) }
    case nil: nil
    }
  }

  /// The TTL or hop limit; nil if the header is truncated.
  @inlinable public var ttl: UInt8? {
    switch family {
    case .ipv4: bytes.uint8(at: IPv4Header.Offset.ttl)
    case .ipv6: bytes.uint8(at: IPv6Header.Offset.hopLimit)
    case nil: nil
    }
  }

  /// The TOS or traffic class; nil if the header is truncated.
  @inlinable public var tos: UInt8? {
    switch family {
    case .ipv4: bytes.uint8(at: IPv4Header.Offset.tos)
    case .ipv6: bytes.uint16(at: 0).map { UInt8(truncatingIfNeeded: $0 >> 4) }
    case nil: nil
    }
  }

  /// True for an IPv4 packet that is no fragment.
  @inlinable public var isWholeIPv4: Bool {
    guard let version = bytes.first, version >> 4 == 4, let fragment = bytes.uint16(at: IPv4Header.Offset.fragment) else { return false }
    return fragment & 0x3FFF == 0
  }

  /// The location of the transport header; nil if the network header is truncated or malformed.
  @inlinable public var transport: TransportLocator? { TransportLocator(bytes) }

  /// The TCP header; nil as for `udp`.
  public var tcp: TCPHeader? { transportHeader(.tcp).flatMap { TCPHeader(bytes, at: $0) } }
  /// The UDP header; nil for another protocol, a later fragment, or a truncated header.
  public var udp: UDPHeader? { transportHeader(.udp).flatMap { UDPHeader(bytes, at: $0) } }
  /// The UDP-Lite header; nil as for `udp`.
  public var udplite: UDPHeader? { transportHeader(.udplite).flatMap { UDPHeader(bytes, at: $0) } }
  /// The ICMP header; nil as for `udp`.
  public var icmp: ICMPHeader? { transportHeader(.icmp).flatMap { ICMPHeader(bytes, at: $0) } }
  /// The ICMPv6 header; nil as for `udp`.
  public var icmpv6: ICMPHeader? { transportHeader(.icmpv6).flatMap { ICMPHeader(bytes, at: $0) } }
  /// The SCTP common header; nil as for `udp`.
  public var sctp: SCTPHeader? { transportHeader(.sctp).flatMap { SCTPHeader(bytes, at: $0) } }
  /// The DCCP header; nil as for `udp`.
  public var dccp: DCCPHeader? { transportHeader(.dccp).flatMap { DCCPHeader(bytes, at: $0) } }
  /// The GRE header; nil as for `udp`.
  public var gre: GREHeader? { transportHeader(.gre).flatMap { GREHeader(bytes, at: $0) } }
  /// The ESP header; nil as for `udp`.
  public var esp: ESPHeader? { transportHeader(.esp).flatMap { ESPHeader(bytes, at: $0) } }
  /// The AH header; nil as for `udp`.
  public var ah: AHHeader? { transportHeader(.ah).flatMap { AHHeader(bytes, at: $0) } }

  private func transportHeader(_ proto: IPProtocol) -> Int? {
    guard let transport, transport.proto == proto, transport.fragmentOffset == 0 else { return nil }
    return transport.offset
  }
}

/// The location of the transport header as matches get it: the kernel's `xt_action_param.thoff` and `fragoff`, and the protocol.
public struct TransportLocator: Sendable, Equatable {
  /// The family of the packet.
  public var family: Family
  /// The protocol number; for IPv6 the one after the extension headers.
  public var proto: IPProtocol
  /// Bytes from the start of the packet to the transport header; may exceed the packet. In a later IPv6 fragment it is the position of
  /// the Fragment header, as in the kernel.
  public var offset: Int
  /// The fragment offset in bytes; 0 in whole packets and first fragments.
  public var fragmentOffset: Int
  /// True if more fragments follow.
  public var moreFragments: Bool
  /// True if an extension header is truncated; `proto` is then that header's own number.
  public var isTruncated: Bool

  /// Creates a locator; parameters as the properties of the same names.
  @inlinable
  public init(
    family: Family, proto: IPProtocol, offset: Int, fragmentOffset: Int = 0, moreFragments: Bool = false,
    isTruncated: Bool = false
  ) {
    self.family = family
    self.proto = proto
    self.offset = offset
    self.fragmentOffset = fragmentOffset
    self.moreFragments = moreFragments
    self.isTruncated = isTruncated
  }

  /// Finds the transport header after the IP header at `start`. Nil if that header is truncated, of another version, or shorter
  /// than the minimum. The corresponding kernel functions are `ip_hdrlen` and `ipv6_find_hdr`.
  @inlinable
  public init?(_ bytes: borrowing [UInt8], at start: Int = 0) {
    guard let version = bytes.uint8(at: start) else { return nil }
    if version >> 4 == 4 {
      guard bytes.holds(20, at: start), let fragment = bytes.uint16(at: start &+ 6),
        let proto = bytes.uint8(at: start &+ 9), version & 15 >= 5
      else { return nil }
      self.init(
        family: .ipv4, proto: IPProtocol(rawValue: proto), offset: start &+ Int(version & 15) &* 4,
        fragmentOffset: Int(fragment & 0x1FFF) &* 8, moreFragments: fragment & 0x2000 != 0)
    } else if version >> 4 == 6 {
      self.init(ipv6: bytes, at: start)
    } else {
      return nil
    }
  }

  @usableFromInline
  init?(ipv6 bytes: borrowing [UInt8], at start: Int) {
    guard var walk = IPv6ExtensionHeaders(bytes, at: start) else { return nil }
    var moreFragments = false
    var last: IPv6ExtensionHeader?
    while let header = walk.next() {
      last = header
      if header.proto == .fragment, let fragment = IPv6FragmentHeader(bytes, at: header.offset) {
        moreFragments = fragment.moreFragments
      }
    }
    let isLaterFragment = walk.fragmentOffset != 0
    self.init(
      family: .ipv6, proto: isLaterFragment ? (last?.nextHeader ?? .none) : walk.nextHeader, offset: walk.offset,
      fragmentOffset: walk.fragmentOffset, moreFragments: moreFragments, isTruncated: walk.isTruncated)
  }
}
