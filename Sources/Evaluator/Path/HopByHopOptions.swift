import Wire

/// The hop-by-hop options of IPv6, which the kernel parses before the first hook.
enum HopByHopOptions {
  enum Fault: Equatable {
    /// The packet is dropped silently.
    case silent
    /// The packet is dropped and a parameter problem with this code and pointer is sent.
    case problem(code: UInt8, offset: Int)
  }

  /// `net.ipv6.max_hbh_opts_number`, the limit for options other than padding.
  private static let maximumCount = 8
  /// The limit for consecutive padding; more is never needed for alignment.
  private static let maximumPadding = 7

  /// The fault in a packet's options; nil if there is none. The corresponding kernel functions are `ipv6_parse_hopopts` and `ip6_parse_tlv`.
  static func fault(of packet: Packet) -> Fault? {
    let bytes = packet.bytes
    guard packet.family == .ipv6, bytes.uint8(at: IPv6Header.Offset.nextHeader) == IPProtocol.hopByHop.rawValue else { return nil }
    guard bytes.holds(8, at: IPv6Header.length) else { return .silent }
    let length = (Int(bytes[IPv6Header.length + 1]) + 1) * 8
    guard bytes.holds(length, at: IPv6Header.length) else { return .silent }
    let end = IPv6Header.length + length
    var place = IPv6Header.length + 2
    var count = 0
    var padding = 0
    while place < end {
      if bytes[place] == 0 {
        padding += 1
        guard padding <= maximumPadding else { return .silent }
        place += 1
        continue
      }
      guard place + 1 < end, case let size = Int(bytes[place + 1]) + 2, place + size <= end else { return .silent }
      if bytes[place] == 1 {
        padding += size
        guard padding <= maximumPadding, bytes[(place + 2)..<(place + size)].allSatisfy({ $0 == 0 }) else { return .silent }
      } else {
        padding = 0
        count += 1
        guard count <= maximumCount else { return .silent }
        if let fault = fault(ofOption: bytes[place], size, at: place, packet) { return fault }
      }
      place += size
    }
    return nil
  }

  private static func fault(ofOption kind: UInt8, _ size: Int, at place: Int, _ packet: Packet) -> Fault? {
    switch kind {
    case 0x05: return size == 4 ? nil : .silent
    case 0xC2: return jumboFault(size, at: place, packet)
    // IOAM is ignored unless it is enabled. CALIPSO is always accepted here.
    case 0x31, 0x07: return nil
    default: break
    }
    // The two highest bits give the action for an unknown option (RFC 8200, section 4.2).
    switch kind >> 6 {
    case 0: return nil
    case 1: return .silent
    case 3 where packet.destination?.isMulticast == true: return .silent
    default: return .problem(code: 2, offset: place)
    }
  }

  /// Checks a jumbo payload option. The corresponding kernel function is `ipv6_hop_jumbo`.
  private static func jumboFault(_ size: Int, at place: Int, _ packet: Packet) -> Fault? {
    guard size == 6, place & 3 == 2, let length = packet.bytes.uint32(at: place + 2) else { return .silent }
    if length <= 0xFFFF { return .problem(code: 0, offset: place + 2) }
    if packet.ipv6?.payloadLength != 0 { return .problem(code: 0, offset: place) }
    return Int(length) > packet.count - IPv6Header.length ? .silent : nil
  }
}
