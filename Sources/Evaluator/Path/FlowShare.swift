public import Wire

/// The packets between certain pairs of hosts: one of several shares into which packets are divided.
///
/// Both directions of a connection are in one share, and so is an ICMP error about it.
public struct FlowShare: Sendable, Hashable {
  /// The number of this share, from 0.
  public let number: Int
  /// The number of shares.
  public let count: Int

  /// The share that has all packets.
  public static let all = FlowShare(number: 0, of: 1)

  /// Creates a share.
  public init(number: Int, of count: Int) {
    precondition(number >= 0 && number < count, "there is no such share")
    (self.number, self.count) = (number, count)
  }

  /// All shares.
  public static func shares(_ count: Int) -> [FlowShare] { (0..<count).map { FlowShare(number: $0, of: count) } }

  /// The number of the share that a packet belongs to; nil for a fragment, which waits for others, an ICMPv6
  /// redirect, and a packet without a whole IP header.
  @inline(__always)
  public static func number(of packet: borrowing Packet, among count: Int) -> Int? {
    guard let pair = packet.pair else { return nil }
    let mixed = (pair &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return Int(truncatingIfNeeded: (mixed.high ^ mixed.low).multipliedFullWidth(by: UInt64(count)).high)
  }
}

extension Packet {
  /// A number that the packets between two hosts have in common, ICMP errors about them included.
  @inline(__always)
  fileprivate var pair: UInt64? {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments else { return nil }
    switch (at.family, at.proto) {
    case (.ipv4, .icmp): if let type = bytes.uint8(at: at.offset), ICMPHeader.isError(type: type) { return quotedPair(at) }
    case (.ipv6, .icmpv6):
      if let type = bytes.uint8(at: at.offset), type < 128 { return quotedPair(at) }
      // A redirect quotes a packet behind options.
      if bytes.uint8(at: at.offset) == 137 { return nil }
    default: break
    }
    return pair(at.family, at: 0)
  }

  /// The addresses of the packet that an ICMP error quotes; those of the error if it quotes none.
  private func quotedPair(_ at: TransportLocator) -> UInt64? {
    pair(at.family, at: at.offset &+ ICMPHeader.length) ?? pair(at.family, at: 0)
  }

  /// The addresses of the IP header at an offset, whichever of them is the source.
  @inline(__always)
  private func pair(_ family: Family, at start: Int) -> UInt64? {
    if family == .ipv4 {
      guard let source = bytes.uint32(at: start &+ IPv4Header.Offset.source),
        let destination = bytes.uint32(at: start &+ IPv4Header.Offset.destination)
      else { return nil }
      return UInt64(min(source, destination)) << 32 | UInt64(max(source, destination))
    }
    guard let source = bytes.uint128(at: start &+ IPv6Header.Offset.source),
      let destination = bytes.uint128(at: start &+ IPv6Header.Offset.destination)
    else { return nil }
    let sum = min(source, destination) &* 3 &+ max(source, destination)
    return UInt64(truncatingIfNeeded: sum) ^ UInt64(truncatingIfNeeded: sum >> 64) &* 5
  }
}
