import Wire

/// What two kernels may write differently into the same packet, set aside for a comparison.
extension Packet {
  /// Writes a transport checksum that is right, or that covers the pseudo-header alone (`CHECKSUM_PARTIAL`), as 0.
  mutating func settleChecksum() {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments, let field = Packet.checksumOffset(of: at.proto),
      let stored = bytes.uint16(at: at.offset &+ field), stored != 0
    else { return }
    var right = self
    right.updateTransportChecksum()
    var pseudo: UInt16?
    if let source, let destination, at.proto != .icmp {
      pseudo = Checksum.fold(
        Checksum.pseudoHeader(source: source, destination: destination, protocol: at.proto, length: bytes.count &- at.offset))
    }
    if stored == right.bytes.uint16(at: at.offset &+ field) || stored == pseudo { bytes.setUInt16(0, at: at.offset &+ field) }
  }

  /// Writes the receive and transmit times of an ICMP timestamp reply (RFC 792) as 0 where its checksum was settled.
  mutating func settleTimestamps() {
    guard let icmp, icmp.type == 14, icmp.checksum == 0, let at = transport, bytes.count == at.offset + 20 else { return }
    for place in [12, 16] { bytes.setUInt32(0, at: at.offset + place) }
  }

  /// Settles the checksum of the packet that an ICMP error quotes whole, where the error's own checksum was settled.
  mutating func settleQuote() {
    guard let at = transport, at.proto == .icmp || at.proto == .icmpv6, bytes.uint16(at: at.offset &+ 2) == 0,
      let type = bytes.uint8(at: at.offset), at.proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
    else { return }
    let start = at.offset &+ ICMPHeader.length
    guard start < bytes.count else { return }
    var quoted = Packet(bytes: Array(bytes[start...]))
    quoted.settleChecksum()
    bytes.replaceSubrange(start..., with: quoted.bytes)
  }
}
