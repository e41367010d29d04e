import Conntrack
public import Wire

extension Packet {
  /// Replaces a part of the payload that starts at `payload` and updates length fields and checksums. False, and nothing changes, if
  /// the range lies outside the payload or the packet would become too long. The corresponding kernel functions are `mangle_contents`
  /// and `nf_nat_csum_recalc`.
  mutating func replacePayload(at payload: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Bool {
    guard range.lowerBound >= 0, bytes.holds(range.upperBound, at: payload),
      bytes.count - range.count + replacement.count <= 0xFFFF
    else { return false }
    bytes.replaceSubrange((payload + range.lowerBound)..<(payload + range.upperBound), with: replacement)
    updateLengthField()
    updateHeaderChecksum()
    // The lengths of the original fragments no longer apply.
    fragmentLengths = []
    return true
  }

  /// Replaces a part of a TCP segment's payload. The corresponding kernel function is `__nf_nat_mangle_tcp_packet`.
  /// - Returns: the growth in bytes; nil if nothing was changed.
  public mutating func replaceTCPPayload(at offset: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Int? {
    guard let header = TCPHeader(bytes, at: offset), replacePayload(at: offset + header.dataOffset, range, with: replacement)
    else { return nil }
    updateTransportChecksum()
    return replacement.count - range.count
  }

  /// Replaces a part of a UDP datagram's payload. A datagram without checksum stays without. The corresponding kernel function is
  /// `nf_nat_mangle_udp_packet`.
  public mutating func replaceUDPPayload(at offset: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Bool {
    guard let header = UDPHeader(bytes, at: offset), replacePayload(at: offset + UDPHeader.length, range, with: replacement)
    else { return false }
    bytes.setUInt16(UInt16(clamping: bytes.count - offset), at: offset + UDPHeader.Offset.length)
    if header.checksum != 0 || family == .ipv6 { updateTransportChecksum() }
    return true
  }
}
