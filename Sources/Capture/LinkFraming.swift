import CPcap
public import Wire

/// The supported link types of captures, with libpcap's `DLT_*` numbers.
public enum LinkFraming: Int32, Sendable, Hashable, CaseIterable {
  /// BSD loopback: an address family word in the byte order of the writing machine.
  case null = 0
  case ethernet = 1
  /// IP packets without a frame.
  case raw = 12
  /// OpenBSD loopback: an address family word in network byte order.
  case loop = 108
  /// Linux cooked, versions 1 and 2.
  case linuxCooked = 113
  case ipv4 = 228
  case ipv6 = 229
  case linuxCooked2 = 276

  /// The packet inside a frame; nil if the frame ends before the network header or is not IP.
  public func packet(_ frame: consuming [UInt8]) -> Packet? {
    switch self {
    case .raw, .ipv4, .ipv6: ip(frame, after: 0)
    case .null, .loop: ip(frame, after: 4)
    case .ethernet: ethernet(frame)
    case .linuxCooked:
      cooked(frame, etherTypeAt: 14, header: 16, address: 6)
    case .linuxCooked2:
      cooked(frame, etherTypeAt: 0, header: 20, address: 12)
    }
  }

  /// The packet type in a cooked header; nil for other framings. The number is that of `skb->pkt_type`.
  func packetType(_ frame: [UInt8]) -> PacketType? {
    switch self {
    case .linuxCooked: frame.uint16(at: 0).flatMap { PacketType(rawValue: UInt8(clamping: $0)) }
    case .linuxCooked2: frame.uint8(at: 10).flatMap { PacketType(rawValue: $0) }
    default: nil
    }
  }

  /// The interface index in a cooked header of version 2; version 1 has none.
  func interfaceIndex(_ frame: [UInt8]) -> UInt32? {
    guard self == .linuxCooked2, let index = frame.uint32(at: 4), index != 0 else { return nil }
    return index
  }

  /// The packet after a header of `length` bytes.
  private func ip(_ frame: consuming [UInt8], after length: Int, link: LinkHeader? = nil, type: PacketType = .host) -> Packet? {
    guard length < frame.count else { return nil }
    frame.removeFirst(length)
    let packet = Packet(bytes: frame, link: link, type: type)
    return packet.family == nil ? nil : packet
  }

  private func ethernet(_ frame: consuming [UInt8]) -> Packet? {
    guard let destination = MACAddress(frame, at: 0), let source = MACAddress(frame, at: 6),
      var etherType = frame.uint16(at: 12)
    else { return nil }
    var offset = 14
    // Up to two VLAN tags precede the ethertype.
    for _ in 0..<2 where etherType == 0x8100 || etherType == 0x88A8 {
      guard let inner = frame.uint16(at: offset + 2) else { return nil }
      etherType = inner
      offset += 4
    }
    guard etherType == 0x0800 || etherType == 0x86DD else { return nil }
    let type: PacketType = destination == .broadcast ? .broadcast : destination.isMulticast ? .multicast : .host
    let link = LinkHeader(source: source, destination: destination, etherType: etherType)
    return ip(frame, after: offset, link: link, type: type)
  }

  /// A cooked header has no destination address; the packet type says for whom the frame was. The link header's destination is 0.
  private func cooked(_ frame: consuming [UInt8], etherTypeAt: Int, header: Int, address: Int) -> Packet? {
    guard let etherType = frame.uint16(at: etherTypeAt), etherType == 0x0800 || etherType == 0x86DD else { return nil }
    let type = packetType(frame) ?? .host
    let link = MACAddress(frame, at: address).map { LinkHeader(source: $0, destination: MACAddress(rawValue: 0), etherType: etherType) }
    return ip(frame, after: header, link: link, type: type)
  }
}

/// The direction of a captured frame.
public enum CaptureDirection: Sendable, Hashable {
  /// The capturing machine received it.
  case incoming
  /// The capturing machine sent it.
  case outgoing
}

/// One record of a capture file.
public struct CapturedFrame: Sendable, Equatable {
  /// Nanoseconds since 1970.
  public var timestamp: UInt64
  /// The bytes that were captured, the link header first.
  public var bytes: [UInt8]
  /// The packet's length on the wire, in bytes; `bytes` may be shorter.
  public var originalLength: Int
  /// The framing of `bytes`.
  public var framing: LinkFraming
  /// The interface's index on the capturing machine (Linux cooked, version 2), or its number in a pcapng file; nil if not recorded.
  public var interfaceIndex: UInt32?
  /// The interface's name in a pcapng file (`if_name`); nil if not recorded.
  public var interfaceName: String?
  /// The direction; nil if not recorded.
  public var direction: CaptureDirection?

  /// Creates a record. Interface and direction are read from a cooked header.
  ///
  /// - Parameter originalLength: the length on the wire in bytes; if nil, the captured length.
  public init(timestamp: UInt64, bytes: [UInt8], originalLength: Int? = nil, framing: LinkFraming = .raw) {
    self.timestamp = timestamp
    self.bytes = bytes
    self.originalLength = originalLength ?? bytes.count
    self.framing = framing
    interfaceIndex = framing.interfaceIndex(bytes)
    direction = framing.packetType(bytes).map { $0 == .outgoing ? .outgoing : .incoming }
  }

  /// The IP packet inside; nil for other protocols and for a frame that ends before it.
  public var packet: Packet? { framing.packet(bytes) }

  /// Moves the IP packet out, so that its bytes are not copied; nil as for ``packet``. The record has no bytes afterwards.
  public mutating func takePacket() -> Packet? {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return framing.packet(taken)
  }
}
