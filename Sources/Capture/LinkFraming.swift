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

  /// Where a packet is in a frame.
  struct Place {
    /// The offset of the network header.
    let offset: Int
    var link: LinkHeader?
    var type = PacketType.host
  }

  /// The packet inside a frame; nil if the frame ends before the network header or is not IP.
  public func packet(_ frame: consuming [UInt8]) -> Packet? {
    guard let place = locate(frame, 0..<frame.count) else { return nil }
    frame.removeFirst(place.offset)
    return Packet(bytes: frame, link: place.link, type: place.type)
  }

  /// The place of the packet in the frame whose bytes are those of a range.
  func locate(_ bytes: borrowing [UInt8], _ frame: Range<Int>) -> Place? {
    guard
      let place =
        switch self {
        case .raw, .ipv4, .ipv6: Place(offset: frame.lowerBound)
        case .null, .loop: Place(offset: frame.lowerBound + 4)
        case .ethernet: ethernet(bytes, frame)
        case .linuxCooked: cooked(bytes, frame, etherTypeAt: 14, header: 16, address: 6)
        case .linuxCooked2: cooked(bytes, frame, etherTypeAt: 0, header: 20, address: 12)
        },
      place.offset < frame.upperBound, bytes[place.offset] >> 4 == 4 || bytes[place.offset] >> 4 == 6
    else { return nil }
    return place
  }

  /// The packet type in a cooked header; nil for other framings. The number is that of `skb->pkt_type`.
  func packetType(_ bytes: borrowing [UInt8], _ frame: Range<Int>) -> PacketType? {
    switch self {
    case .linuxCooked:
      frame.count >= 2 ? bytes.uint16(at: frame.lowerBound).flatMap { PacketType(rawValue: UInt8(clamping: $0)) } : nil
    case .linuxCooked2: frame.count > 10 ? bytes.uint8(at: frame.lowerBound + 10).flatMap { PacketType(rawValue: $0) } : nil
    default: nil
    }
  }

  /// The interface index in a cooked header of version 2; version 1 has none.
  func interfaceIndex(_ bytes: borrowing [UInt8], _ frame: Range<Int>) -> UInt32? {
    guard self == .linuxCooked2, frame.count >= 8, let index = bytes.uint32(at: frame.lowerBound + 4), index != 0 else { return nil }
    return index
  }

  private func ethernet(_ bytes: borrowing [UInt8], _ frame: Range<Int>) -> Place? {
    let start = frame.lowerBound
    guard frame.count >= 14, let destination = MACAddress(bytes, at: start), let source = MACAddress(bytes, at: start + 6),
      var etherType = bytes.uint16(at: start + 12)
    else { return nil }
    var offset = start + 14
    // Up to two VLAN tags precede the ethertype.
    for _ in 0..<2 where etherType == 0x8100 || etherType == 0x88A8 {
      guard offset + 4 <= frame.upperBound, let inner = bytes.uint16(at: offset + 2) else { return nil }
      etherType = inner
      offset += 4
    }
    guard etherType == 0x0800 || etherType == 0x86DD else { return nil }
    let type: PacketType = destination == .broadcast ? .broadcast : destination.isMulticast ? .multicast : .host
    return Place(offset: offset, link: LinkHeader(source: source, destination: destination, etherType: etherType), type: type)
  }

  /// A cooked header has no destination address; the packet type says for whom the frame was. The link header's destination is 0.
  private func cooked(_ bytes: borrowing [UInt8], _ frame: Range<Int>, etherTypeAt: Int, header: Int, address: Int) -> Place? {
    let start = frame.lowerBound
    guard frame.count >= header, let etherType = bytes.uint16(at: start + etherTypeAt), etherType == 0x0800 || etherType == 0x86DD else {
      return nil
    }
    let link = MACAddress(bytes, at: start + address).map {
      LinkHeader(source: $0, destination: MACAddress(rawValue: 0), etherType: etherType)
    }
    return Place(offset: start + header, link: link, type: packetType(bytes, frame) ?? .host)
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
    note(bytes, 0..<bytes.count)
  }

  /// Reads interface and direction from the cooked header of the frame in a range.
  private mutating func note(_ bytes: borrowing [UInt8], _ frame: Range<Int>) {
    interfaceIndex = framing.interfaceIndex(bytes, frame)
    direction = framing.packetType(bytes, frame).map { $0 == .outgoing ? .outgoing : .incoming }
  }

  /// Becomes a record without its bytes.
  mutating func become(_ record: PcapFile.Record, _ framing: LinkFraming, _ file: borrowing [UInt8]) {
    (timestamp, originalLength, self.framing) = (record.timestamp, record.originalLength, framing)
    if !bytes.isEmpty { bytes = [] }
    if interfaceName != nil { interfaceName = nil }
    if framing == .ethernet { (interfaceIndex, direction) = (nil, nil) } else { note(file, record.range) }
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
