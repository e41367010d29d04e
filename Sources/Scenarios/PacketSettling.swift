import Wire

/// Masks the bytes in which two kernels may differ, for comparisons.
extension Packet {
  /// Sets a transport checksum to 0 if it is valid or covers only the pseudo-header (`CHECKSUM_PARTIAL`), and to 1 if it is valid for the source
  /// `::`: a socket that is bound to `::` begins its checksums with that address, whatever source its packets then have.
  package mutating func settleChecksum() {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments, let field = Packet.checksumOffset(of: at.proto),
      let stored = bytes.uint16(at: at.offset &+ field), stored != 0
    else { return }
    var right = self
    right.updateTransportChecksum()
    if stored == right.bytes.uint16(at: at.offset &+ field) || stored == pseudoChecksum(at) {
      bytes.setUInt16(0, at: at.offset &+ field)
    } else if at.family == .ipv6 {
      right.setNetworkAddress(.v6(.any), of: .source)
      right.updateTransportChecksum()
      if stored == right.bytes.uint16(at: at.offset &+ field) { bytes.setUInt16(1, at: at.offset &+ field) }
    }
  }

  /// Completes a transport checksum that covers only the pseudo-header (`CHECKSUM_PARTIAL`): the packet was captured before the network
  /// card, or on a link that computes none. The kernel takes such a packet as valid.
  package mutating func completeChecksum() {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments, let field = Packet.checksumOffset(of: at.proto),
      let stored = bytes.uint16(at: at.offset &+ field), stored == pseudoChecksum(at)
    else { return }
    updateTransportChecksum()
  }

  /// The sum of the pseudo-header alone; nil for ICMP, which has none in IPv4.
  private func pseudoChecksum(_ at: TransportLocator) -> UInt16? {
    guard let source, let destination, at.proto != .icmp else { return nil }
    return Checksum.fold(
      Checksum.pseudoHeader(source: source, destination: destination, protocol: at.proto, length: bytes.count &- at.offset))
  }

  /// Sets the receive and transmit times of an ICMP timestamp reply (RFC 792) to 0 if its checksum was masked.
  package mutating func settleTimestamps() {
    guard let icmp, icmp.type == 14, icmp.checksum == 0, let at = transport, bytes.count == at.offset + 20 else { return }
    for place in [12, 16] { bytes.setUInt32(0, at: at.offset + place) }
  }

  /// Masks the checksum of the packet quoted whole by an ICMP error, if the error's own checksum was masked.
  package mutating func settleQuote() {
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
