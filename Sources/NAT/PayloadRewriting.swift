import Conntrack
public import Wire

extension Packet {
  /// Replaces a part of the payload that starts at `payload`, and brings the length fields and checksums up to date. False, with nothing changed, when
  /// the part is not there or the packet would grow too long. The corresponding kernel functions are `mangle_contents` and `nf_nat_csum_recalc`.
  mutating func replacePayload(at payload: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Bool {
    guard range.lowerBound >= 0, bytes.holds(range.upperBound, at: payload),
      bytes.count - range.count + replacement.count <= 0xFFFF
    else { return false }
    bytes.replaceSubrange((payload + range.lowerBound)..<(payload + range.upperBound), with: replacement)
    updateLengthField()
    updateHeaderChecksum()
    // The pieces it came in are no longer what it consists of.
    fragmentLengths = []
    return true
  }

  /// Replaces a part of a TCP segment's payload. The corresponding kernel function is `__nf_nat_mangle_tcp_packet`.
  /// - Returns: by how many bytes it grew; nil when nothing was changed.
  public mutating func replaceTCPPayload(at offset: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Int? {
    guard let header = TCPHeader(bytes, at: offset), replacePayload(at: offset + header.dataOffset, range, with: replacement)
    else { return nil }
    updateTransportChecksum()
    return replacement.count - range.count
  }

  /// Replaces a part of a UDP datagram's payload; a datagram without checksum stays so. The corresponding kernel function is
  /// `nf_nat_mangle_udp_packet`.
  public mutating func replaceUDPPayload(at offset: Int, _ range: Range<Int>, with replacement: [UInt8]) -> Bool {
    guard let header = UDPHeader(bytes, at: offset), replacePayload(at: offset + UDPHeader.length, range, with: replacement)
    else { return false }
    bytes.setUInt16(UInt16(clamping: bytes.count - offset), at: offset + UDPHeader.Offset.length)
    if header.checksum != 0 || family == .ipv6 { updateTransportChecksum() }
    return true
  }
}
