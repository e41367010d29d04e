/// Validation and computation of a packet's checksums.
extension Packet {
  /// True if the IPv4 header's checksum is correct. True for IPv6, which has none. Nil if the header is truncated.
  public var isHeaderChecksumValid: Bool? {
    guard let family else { return nil }
    guard family == .ipv4 else { return bytes.count >= IPv6Header.length ? true : nil }
    guard let header = ipv4, bytes.holds(header.headerLength, at: 0) else { return nil }
    return isChecksumValid(of: header)
  }

  /// True if the checksum of the packet's decoded IPv4 header is correct; false if its options are truncated.
  public func isChecksumValid(of header: IPv4Header) -> Bool {
    bytes.holds(header.headerLength, at: 0) && Checksum.compute(bytes, in: 0..<header.headerLength) == 0
  }

  /// The sum of the pseudo header for a transport header and payload of `length` bytes, not folded; nil if the addresses are truncated.
  public func pseudoHeaderSum(protocol proto: IPProtocol, length: Int) -> UInt64? {
    let addresses = family == .ipv6 ? IPv6Header.Offset.source..<IPv6Header.length : IPv4Header.Offset.source..<IPv4Header.minimumLength
    guard family != nil, bytes.holds(addresses.upperBound, at: 0) else { return nil }
    return Checksum.sum(bytes, in: addresses, initial: Checksum.pseudoHeaderStart(protocol: proto, length: length))
  }

  /// True if the transport checksum is correct over all bytes from the transport header on: TCP, UDP (0 means none over IPv4),
  /// UDP-Lite over its coverage, ICMP, ICMPv6 and SCTP. Nil for other protocols, fragments and truncated headers.
  /// The corresponding kernel functions are `nf_ip_checksum`, `nf_ip6_checksum` and `nf_checksum_partial`.
  public var isTransportChecksumValid: Bool? {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments, at.offset < bytes.count else { return nil }
    let length = bytes.count - at.offset
    let range = at.offset..<bytes.count
    switch at.proto {
    case .icmp where at.family == .ipv4:
      guard length >= ICMPHeader.length else { return nil }
      return Checksum.compute(bytes, in: range) == 0
    case .udp:
      guard let udp else { return nil }
      if udp.checksum == 0, at.family == .ipv4 { return true }
      fallthrough
    case .tcp, .icmpv6:
      guard let pseudo = pseudoHeaderSum(protocol: at.proto, length: length) else { return nil }
      return Checksum.compute(bytes, in: range, initial: pseudo) == 0
    case .udplite:
      guard let udplite, let pseudo = pseudoHeaderSum(protocol: .udplite, length: length) else { return nil }
      let coverage = udplite.length == 0 ? length : udplite.length
      guard coverage >= UDPHeader.length, coverage <= length, udplite.checksum != 0 else { return false }
      return Checksum.compute(bytes, in: at.offset..<(at.offset + coverage), initial: pseudo) == 0
    case .sctp:
      guard let sctp else { return nil }
      return sctp.checksum == Checksum.crc32c(bytes, in: range, ignoring: at.offset + SCTPHeader.Offset.checksum).byteSwapped
    default:
      return nil
    }
  }

  /// Recomputes the IPv4 header checksum. Does nothing if the header is truncated.
  public mutating func updateHeaderChecksum() {
    guard let header = ipv4, bytes.holds(header.headerLength, at: 0) else { return }
    bytes.setUInt16(0, at: IPv4Header.Offset.checksum)
    bytes.setUInt16(Checksum.compute(bytes, in: 0..<header.headerLength), at: IPv4Header.Offset.checksum)
  }

  /// The offset of the 16-bit checksum in a protocol's header; nil for protocols without one.
  public static func checksumOffset(of proto: IPProtocol) -> Int? {
    switch proto {
    case .tcp: TCPHeader.Offset.checksum
    case .udp, .udplite, .dccp: UDPHeader.Offset.checksum
    case .icmp, .icmpv6: ICMPHeader.Offset.checksum
    default: nil
    }
  }

  /// Recomputes the transport checksum over all bytes from the transport header on. A UDP checksum of 0 is stored as 0xFFFF.
  /// Does nothing for fragments, other protocols and truncated headers.
  public mutating func updateTransportChecksum() {
    guard let at = transport, at.fragmentOffset == 0, !at.moreFragments, at.offset < bytes.count else { return }
    if at.proto == .sctp {
      let field = at.offset + SCTPHeader.Offset.checksum
      bytes.setUInt32(Checksum.crc32c(bytes, in: at.offset..<bytes.count, ignoring: field).byteSwapped, at: field)
      return
    }
    guard let field = Packet.checksumOffset(of: at.proto), at.proto != .dccp else { return }
    let length = bytes.count - at.offset
    var pseudo: UInt64 = 0
    if at.proto != .icmp {
      guard let sum = pseudoHeaderSum(protocol: at.proto, length: length) else { return }
      pseudo = sum
    }
    var covered = length
    if at.proto == .udplite, let coverage = udplite?.length, coverage >= UDPHeader.length { covered = min(coverage, length) }
    guard bytes.setUInt16(0, at: at.offset + field) else { return }
    var checksum = Checksum.compute(bytes, in: at.offset..<(at.offset + covered), initial: pseudo)
    if checksum == 0, at.proto == .udp || at.proto == .udplite { checksum = .max }
    bytes.setUInt16(checksum, at: at.offset + field)
  }
}
