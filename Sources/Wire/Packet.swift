/// The link-layer facts that came with a packet; the bytes of `Packet` start behind them.
public struct LinkHeader: Sendable, Hashable {
  /// The hardware address of the sender.
  public var source: MACAddress
  /// The hardware address of the receiver.
  public var destination: MACAddress
  /// The ethertype: 0x0800 for IPv4, 0x86DD for IPv6.
  public var etherType: UInt16

  /// Creates an Ethernet header.
  public init(source: MACAddress, destination: MACAddress, etherType: UInt16) {
    self.source = source
    self.destination = destination
    self.etherType = etherType
  }
}

/// For whom the link layer received a packet; the raw values are the kernel's `PACKET_*`.
public enum PacketType: UInt8, Sendable, Hashable, CaseIterable {
  case host = 0
  case broadcast = 1
  case multicast = 2
  case otherHost = 3
  case outgoing = 4
  case loopback = 5
}

/// A packet from its network header on, IPv4 or IPv6, with what the link layer knew of it.
///
/// The bytes come from anywhere and are trusted by nobody: every reading function returns nil where a header is cut off.
public struct Packet: Sendable, Equatable {
  /// The datagram, first byte of the IP header first. Trailing bytes of the link layer are cut by `trimmed()`.
  public var bytes: [UInt8]
  /// Nil when no link layer brought the packet (sent by this host, or read from a raw capture).
  public var link: LinkHeader?
  /// The packet type, as `skb->pkt_type` has it.
  public var type: PacketType
  /// The largest fragment that a reassembled packet came in, in bytes of datagram; 0 when it came whole.
  /// The corresponding kernel field is `IPCB(skb)->frag_max_size`.
  public var fragmentMaximumSize: UInt16 = 0
  /// The payload bytes of the fragments a reassembled packet came in, in order; empty when it came whole.
  public var fragmentLengths: [Int] = []

  /// Creates a packet.
  ///
  /// - Parameter bytes: from the network header on.
  @inlinable public init(bytes: [UInt8], link: LinkHeader? = nil, type: PacketType = .host) {
    self.bytes = bytes
    self.link = link
    self.type = type
  }

  /// Bytes of the packet, from the network header on.
  @inlinable public var count: Int { bytes.count }

  /// The family named by the version nibble; nil for an empty packet and other versions.
  @inlinable public var family: AddressFamily? {
    guard let first = bytes.first else { return nil }
    return switch first >> 4 {
    case 4: .ipv4
    case 6: .ipv6
    default: nil
    }
  }

  /// The IPv4 header, when the packet says it has one.
  public var ipv4: IPv4Header? { family == .ipv4 ? IPv4Header(bytes) : nil }
  /// The IPv6 header, when the packet says it has one.
  public var ipv6: IPv6Header? { family == .ipv6 ? IPv6Header(bytes) : nil }

  /// The source address; nil where the header is cut off.
  @inlinable public var source: IPAddress? {
    switch family {
    case .ipv4: bytes.uint32(at: IPv4Header.Offset.source).map { .v4(IPv4Address(rawValue: $0)) }
    case .ipv6: bytes.uint128(at: IPv6Header.Offset.source).map { .v6(IPv6Address(rawValue: $0)) }
    case nil: nil
    }
  }

  /// The destination address; nil where the header is cut off.
  @inlinable public var destination: IPAddress? {
    switch family {
    case .ipv4: bytes.uint32(at: IPv4Header.Offset.destination).map { .v4(IPv4Address(rawValue: $0)) }
    case .ipv6: bytes.uint128(at: IPv6Header.Offset.destination).map { .v6(IPv6Address(rawValue: $0)) }
    case nil: nil
    }
  }

  /// TTL, or hop limit.
  @inlinable public var ttl: UInt8? {
    switch family {
    case .ipv4: bytes.uint8(at: IPv4Header.Offset.ttl)
    case .ipv6: bytes.uint8(at: IPv6Header.Offset.hopLimit)
    case nil: nil
    }
  }

  /// TOS, or traffic class.
  @inlinable public var tos: UInt8? {
    switch family {
    case .ipv4: bytes.uint8(at: IPv4Header.Offset.tos)
    case .ipv6: bytes.uint16(at: 0).map { UInt8(truncatingIfNeeded: $0 >> 4) }
    case nil: nil
    }
  }

  /// Whether it is an IPv4 packet that is no fragment, as far as its header can be read.
  @inlinable public var isWholeIPv4: Bool {
    guard let version = bytes.first, version >> 4 == 4, let fragment = bytes.uint16(at: IPv4Header.Offset.fragment) else { return false }
    return fragment & 0x3FFF == 0
  }

  /// Where the transport header starts; nil when the network header is cut off or malformed.
  @inlinable public var transport: TransportLocator? { TransportLocator(bytes) }

  /// The TCP header of a packet that carries its first bytes and says it is TCP.
  public var tcp: TCPHeader? { transportHeader(.tcp).flatMap { TCPHeader(bytes, at: $0) } }
  /// The UDP header; nil for another protocol, a later fragment, or a header that is cut off.
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

/// What a match is told of the transport header: the kernel's `xt_action_param.thoff` and `fragoff`, and the protocol.
public struct TransportLocator: Sendable, Equatable {
  /// The family of the packet.
  public var family: AddressFamily
  /// The protocol number; for IPv6 the one behind the extension headers.
  public var proto: IPProtocol
  /// Bytes from the start of the packet to the transport header. It may stand past the packet's end. In an IPv6 fragment that is
  /// not the first, it is where the Fragment header stands, as the kernel leaves it.
  public var offset: Int
  /// Bytes of the datagram before this fragment's payload; 0 in whole packets and first fragments.
  public var fragmentOffset: Int
  /// More fragments follow.
  public var moreFragments: Bool
  /// The walk over the extension headers met a header that was cut off: the protocol is then that header's own number.
  public var isTruncated: Bool

  /// Creates a locator; parameters as the properties of the same names.
  @inlinable
  public init(
    family: AddressFamily, proto: IPProtocol, offset: Int, fragmentOffset: Int = 0, moreFragments: Bool = false,
    isTruncated: Bool = false
  ) {
    self.family = family
    self.proto = proto
    self.offset = offset
    self.fragmentOffset = fragmentOffset
    self.moreFragments = moreFragments
    self.isTruncated = isTruncated
  }

  /// Finds the transport header behind the IP header at `start`. Nil when that header is cut off, is of another version, or is
  /// shorter than the minimum. The corresponding kernel functions are `ip_hdrlen` and `ipv6_find_hdr`.
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
