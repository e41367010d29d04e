import Wire
import XTables

/// Cutting packets to size.
extension Simulator {
  /// The pieces a packet leaves in; none when it must not be cut.
  ///
  /// A packet that came in pieces leaves in the same ones. The corresponding kernel functions are `ip_do_fragment` and
  /// `ip6_fragment`.
  func pieces(_ journey: Journey, _ device: Host.Device) -> [Packet] {
    let packet = journey.context.packet
    let mtu = journey.route?.mtu ?? device.mtu
    let largest = Int(packet.fragmentMaximumSize)
    guard packet.count > mtu || largest > 0 else { return [packet] }
    guard journey.context.family == .ipv4, let header = packet.ipv4 else { return [packet] }
    if header.dontFragment, largest == 0 || largest > mtu { return [] }
    let limit = largest > 0 ? min(largest, mtu) : mtu
    let room = max((limit - header.headerLength) & ~7, 8)
    var sizes = journey.fragments
    // Pieces are kept as they came where they still fit.
    if sizes.reduce(0, +) != packet.count - header.headerLength || sizes.contains(where: { $0 + header.headerLength > mtu }) {
      sizes = []
    }
    return cut(packet, header, sizes, room: room)
  }

  private func cut(_ packet: Packet, _ header: IPv4Header, _ sizes: [Int], room: Int) -> [Packet] {
    let body = packet.count - header.headerLength
    var pieces: [Packet] = []
    var start = 0
    while start < body {
      let wanted = pieces.count < sizes.count ? sizes[pieces.count] : room
      let length = min(max(wanted, 1), body - start)
      var piece = packet
      piece.fragmentMaximumSize = 0
      let from = header.headerLength + start
      piece.bytes = Array(packet.bytes[..<header.headerLength]) + packet.bytes[from..<(from + length)]
      var field = UInt16(truncatingIfNeeded: (header.fragmentOffset + start) / 8) & 0x1FFF
      if start + length < body || header.moreFragments { field |= 0x2000 }
      if header.dontFragment { field |= 0x4000 }
      piece.bytes.setUInt16(field, at: IPv4Header.Offset.fragment)
      piece.bytes.setUInt16(UInt16(clamping: piece.bytes.count), at: IPv4Header.Offset.totalLength)
      piece.updateHeaderChecksum()
      pieces.append(piece)
      start += length
    }
    return pieces
  }
}
