import Wire

/// Parts of TCP segments that differ between two runs of one kernel.
extension Packet {
  /// Replaces sequence numbers by their distance from the initial sequence number that they follow.
  mutating func countSequences(at offset: Int, from known: ArraySlice<UInt32>) {
    for field in [TCPHeader.Offset.sequence, TCPHeader.Offset.acknowledgment] {
      guard let number = bytes.uint32(at: offset &+ field) else { continue }
      guard let start = known.last(where: { number &- $0 < 0x1_0000 }) else { continue }
      bytes.setUInt32(number &- start, at: offset &+ field)
    }
  }

  /// A whole segment without what NAT changes, and without its checksum, which the kernel leaves to the network card: a quote may have it
  /// unfinished. Nil for other packets.
  var segmentBehindPorts: [UInt8]? {
    guard let at = transport, tcp != nil else { return nil }
    var copy = bytes
    copy.setUInt16(0, at: at.offset + TCPHeader.Offset.checksum)
    return Array(copy[(at.offset + 4)...])
  }
}
