/// Changes single fields of a packet and updates checksums incrementally, as the kernel's targets do: a wrong checksum
/// stays wrong.
extension Packet {
  /// Replaces a 16-bit word of the IPv4 header and adjusts the header checksum.
  private mutating func setIPv4Word(_ value: UInt16, at offset: Int) {
    guard let old = bytes.uint16(at: offset), let checksum = bytes.uint16(at: IPv4Header.Offset.checksum) else { return }
    bytes.setUInt16(value, at: offset)
    bytes.setUInt16(Checksum.updated(checksum, from: old, to: value), at: IPv4Header.Offset.checksum)
  }

  /// Sets the TTL or hop limit.
  public mutating func setTTL(_ value: UInt8) {
    if family == .ipv4 {
      // TTL, protocol and checksum are one word, which is written at once.
      guard let word = bytes.uint32(at: IPv4Header.Offset.ttl) else { return }
      let old = UInt16(truncatingIfNeeded: word >> 16)
      let new = UInt16(value) << 8 | old & 0xFF
      let checksum = Checksum.updated(UInt16(truncatingIfNeeded: word), from: old, to: new)
      bytes.setUInt32(UInt32(new) << 16 | UInt32(checksum), at: IPv4Header.Offset.ttl)
    } else if family == .ipv6 {
      bytes.setUInt8(value, at: IPv6Header.Offset.hopLimit)
    }
  }

  /// Sets the TOS or traffic class.
  public mutating func setTOS(_ value: UInt8) {
    guard let word = bytes.uint16(at: 0) else { return }
    if family == .ipv4 {
      setIPv4Word(word & 0xFF00 | UInt16(value), at: 0)
    } else if family == .ipv6 {
      bytes.setUInt16(word & 0xF00F | UInt16(value) << 4, at: 0)
    }
  }

  /// The end of a packet that a change concerns.
  public enum End: Sendable, Hashable { case source, destination }

  /// Replaces an address in the network header at `start` and adjusts that header's checksum, but no transport checksum.
  /// Returns false and changes nothing if the header is truncated or of the other family.
  @discardableResult
  public mutating func setNetworkAddress(_ address: IPAddress, of end: End, at start: Int = 0) -> Bool {
    switch address {
    case .v4(let address):
      let offset = start &+ (end == .source ? IPv4Header.Offset.source : IPv4Header.Offset.destination)
      guard let version = bytes.uint8(at: start), version >> 4 == 4, let old = bytes.uint32(at: offset),
        let checksum = bytes.uint16(at: start &+ IPv4Header.Offset.checksum)
      else { return false }
      bytes.setUInt32(address.rawValue, at: offset)
      bytes.setUInt16(
        Checksum.updated(checksum, from: old, to: address.rawValue), at: start &+ IPv4Header.Offset.checksum)
    case .v6(let address):
      let offset = start &+ (end == .source ? IPv6Header.Offset.source : IPv6Header.Offset.destination)
      guard let version = bytes.uint8(at: start), version >> 4 == 6, bytes.holds(16, at: offset) else { return false }
      bytes.setUInt128(address.rawValue, at: offset)
    }
    return true
  }

  /// Sets the total length (IPv4, with its checksum) or the payload length (IPv6) to the number of bytes.
  public mutating func updateLengthField() {
    if family == .ipv4 {
      setIPv4Word(UInt16(clamping: bytes.count), at: IPv4Header.Offset.totalLength)
    } else if family == .ipv6, bytes.count >= IPv6Header.length {
      bytes.setUInt16(UInt16(clamping: bytes.count - IPv6Header.length), at: IPv6Header.Offset.payloadLength)
    }
  }

  /// The packet cut to its length field. Nil if there are fewer bytes than it says, or it is shorter than the header.
  public func trimmed() -> Packet? {
    var packet = self
    return packet.trim() ? packet : nil
  }

  /// Cuts the bytes to the length field. Returns false and changes nothing if there are fewer bytes than it says, or it is shorter
  /// than the header.
  public mutating func trim() -> Bool {
    switch family {
    case .ipv4:
      guard let header = ipv4 else { return false }
      return trim(to: header)
    case .ipv6:
      guard let header = ipv6 else { return false }
      // A jumbogram has payload length 0 and a hop-by-hop header; it is not cut.
      let isJumbo = header.payloadLength == 0 && header.nextHeader == .hopByHop
      return trim(to: isJumbo ? bytes.count : IPv6Header.length + header.payloadLength)
    case nil: return false
    }
  }

  /// As `trim()`, for a packet whose IPv4 header is decoded already.
  public mutating func trim(to header: IPv4Header) -> Bool {
    header.totalLength >= header.headerLength && trim(to: header.totalLength)
  }

  private mutating func trim(to claimed: Int) -> Bool {
    guard claimed <= bytes.count else { return false }
    // Removing zero bytes would still copy a shared buffer.
    if claimed < bytes.count { bytes.removeLast(bytes.count - claimed) }
    return true
  }
}
