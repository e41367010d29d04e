public import Conntrack
public import Wire

extension Packet {
  /// Writes one end of a tuple into the headers at `start`, the transport header first, and updates the checksums.
  /// False if a header is truncated. The corresponding kernel functions are `nf_nat_ipv4_manip_pkt` and `nf_nat_ipv6_manip_pkt`.
  public mutating func translate(_ manip: Manip, to target: Tuple, at start: Int = 0) -> Bool {
    guard let at = TransportLocator(bytes, at: start), at.family == target.family else { return false }
    let address = manip == .source ? target.source : target.destination
    if at.fragmentOffset == 0, !at.isTruncated {
      guard translateTransport(at, manip, to: target, networkHeader: start, address: address) else { return false }
    }
    return setNetworkAddress(address, of: manip.end, at: start)
  }

  /// The corresponding kernel function is `l4proto_manip_pkt`.
  private mutating func translateTransport(
    _ at: TransportLocator, _ manip: Manip, to target: Tuple, networkHeader: Int, address: IPAddress
  ) -> Bool {
    let port = manip == .source ? target.sourceID : target.destinationID
    let place = at.offset + (manip == .source ? 0 : 2)
    switch at.proto {
    case .tcp:
      return translatePort(port, at: place, header: at.offset, length: TCPHeader.minimumLength, checksum: 16, networkHeader, manip, address)
    case .udp:
      // A checksum of 0 means no checksum and stays 0.
      let hasSum = bytes.uint16(at: at.offset + UDPHeader.Offset.checksum) ?? 0 != 0
      guard bytes.holds(UDPHeader.length, at: at.offset) else { return false }
      guard hasSum else { return bytes.setUInt16(port, at: place) }
      return translateDatagram(port, at: place, header: at.offset, networkHeader, manip, address)
    case .udplite:
      guard bytes.holds(UDPHeader.length, at: at.offset) else { return false }
      return translateDatagram(port, at: place, header: at.offset, networkHeader, manip, address)
    case .sctp:
      guard bytes.holds(8, at: at.offset) else { return false }
      bytes.setUInt16(port, at: place)
      if bytes.holds(SCTPHeader.length, at: at.offset) {
        bytes.setUInt32(0, at: at.offset + SCTPHeader.Offset.checksum)
        bytes.setUInt32(Checksum.crc32c(bytes, in: at.offset..<bytes.count).byteSwapped, at: at.offset + SCTPHeader.Offset.checksum)
      }
      return true
    case .icmp, .icmpv6:
      return translateICMP(at, target, networkHeader, manip, address)
    case .gre:
      return translateGRE(at, manip, target)
    default:
      return true
    }
  }

  /// Sets a port. A header quoted by an ICMP error may end before its checksum, which is then not adjusted.
  private mutating func translatePort(
    _ port: UInt16, at place: Int, header: Int, length: Int, checksum field: Int, _ networkHeader: Int, _ manip: Manip,
    _ address: IPAddress
  ) -> Bool {
    guard bytes.holds(8, at: header), let old = bytes.uint16(at: place) else { return false }
    bytes.setUInt16(port, at: place)
    guard bytes.holds(length, at: header), let sum = bytes.uint16(at: header + field) else { return true }
    var updated = addressUpdated(sum, networkHeader, manip, address)
    updated = Checksum.updated(updated, from: old, to: port)
    return bytes.setUInt16(updated, at: header + field)
  }

  private mutating func translateDatagram(
    _ port: UInt16, at place: Int, header: Int, _ networkHeader: Int, _ manip: Manip, _ address: IPAddress
  ) -> Bool {
    let field = UDPHeader.Offset.checksum
    guard translatePort(port, at: place, header: header, length: UDPHeader.length, checksum: field, networkHeader, manip, address)
    else { return false }
    // A computed checksum of 0 is stored as 0xFFFF, because 0 means no checksum.
    if bytes.uint16(at: header + field) == 0 { bytes.setUInt16(.max, at: header + field) }
    return true
  }

  /// The checksum after the address in the pseudo header changed. The corresponding kernel function is `nf_csum_update`.
  private func addressUpdated(_ sum: UInt16, _ networkHeader: Int, _ manip: Manip, _ address: IPAddress) -> UInt16 {
    let old: IPAddress?
    switch address {
    case .v4:
      let offset = manip == .source ? IPv4Header.Offset.source : IPv4Header.Offset.destination
      old = bytes.uint32(at: networkHeader + offset).map { .v4(IPv4Address(rawValue: $0)) }
    case .v6:
      let offset = manip == .source ? IPv6Header.Offset.source : IPv6Header.Offset.destination
      old = bytes.uint128(at: networkHeader + offset).map { .v6(IPv6Address(rawValue: $0)) }
    }
    return old.map { Checksum.updated(sum, from: $0, to: address) } ?? sum
  }

  /// Sets the identifier of a query or reply. ICMPv6's checksum covers the addresses too.
  private mutating func translateICMP(
    _ at: TransportLocator, _ target: Tuple, _ networkHeader: Int, _ manip: Manip, _ address: IPAddress
  ) -> Bool {
    guard let header = ICMPHeader(bytes, at: at.offset) else { return false }
    var sum = header.checksum
    if at.proto == .icmpv6 { sum = addressUpdated(sum, networkHeader, manip, address) }
    let hasIdentifier =
      switch (at.proto, header.type) {
      case (.icmp, 0), (.icmp, 8), (.icmp, 13...18), (.icmpv6, 128), (.icmpv6, 129): true
      default: false
      }
    if hasIdentifier {
      sum = Checksum.updated(sum, from: header.identifier, to: target.sourceID)
      bytes.setUInt16(target.sourceID, at: at.offset + ICMPHeader.Offset.identifier)
    }
    return bytes.setUInt16(sum, at: at.offset + ICMPHeader.Offset.checksum)
  }

  /// Sets the call id of a PPTP packet; it identifies the receiver's end.
  private mutating func translateGRE(_ at: TransportLocator, _ manip: Manip, _ target: Tuple) -> Bool {
    // As the kernel: requires eight bytes even for plain GRE.
    guard let header = GREHeader(bytes, at: at.offset), bytes.holds(8, at: at.offset) else { return false }
    guard manip == .destination else { return true }
    // An unknown GRE version cannot be translated: the packet is dropped.
    guard header.version < 2 else { return false }
    guard header.version == 1 else { return true }
    return bytes.setUInt16(target.destinationID, at: at.offset + 6)
  }
}
