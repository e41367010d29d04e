/// A packet described by its fields, built with `packet()`. Every field has a default:
/// `PacketFields(source, destination)` describes an empty UDP datagram from port 0 to port 0.
public struct PacketFields: Sendable, Equatable {
  /// A fragment of the datagram to build instead of the whole.
  public struct Fragment: Sendable, Equatable {
    /// The fragment offset in bytes; rounded down to a multiple of 8.
    public var offset: Int
    /// The payload length in bytes; nil for the rest of the datagram.
    public var length: Int?
    /// MF, or M in IPv6: the fragment is not the last.
    public var moreFragments: Bool

    /// Creates a fragment; parameters as the properties of the same names.
    public init(offset: Int, length: Int? = nil, moreFragments: Bool = false) {
      self.offset = offset
      self.length = length
      self.moreFragments = moreFragments
    }
  }

  /// An IPv6 extension header. The builder adds the two leading octets and pads to a multiple of 8 bytes.
  public struct Extension: Sendable, Equatable {
    /// The protocol number of the extension header.
    public var proto: IPProtocol
    /// The bytes after the next-header and length octets.
    public var body: [UInt8]

    /// Creates an extension header.
    public init(_ proto: IPProtocol, body: [UInt8] = []) {
      self.proto = proto
      self.body = body
    }
  }

  /// Why no packet can be built.
  public enum BuildError: Error, Sendable, Equatable {
    /// Source and destination are of different families.
    case mixedFamilies
    /// The datagram is longer than its 16-bit length field allows.
    case tooLong(Int)
    /// IPv4 options or TCP options longer than 40 bytes.
    case optionsTooLong(Int)
  }

  /// The source address.
  public var source: IPAddress
  /// The destination address, of the same family as `source`.
  public var destination: IPAddress
  /// The transport protocol.
  public var proto: IPProtocol
  /// TTL or hop limit.
  public var ttl: UInt8 = 64
  /// TOS or traffic class.
  public var tos: UInt8 = 0
  /// The IPv4 identification, or that of an IPv6 Fragment header.
  public var identification: UInt32 = 1
  /// DF; ignored for IPv6.
  public var dontFragment = false
  /// The fragment to build of the datagram; nil for the whole datagram.
  public var fragment: Fragment?
  /// IPv4 options, padded with end-of-list to a whole number of words.
  public var ipOptions: [UInt8] = []
  /// IPv6 extension headers, in order; ignored for IPv4.
  public var extensions: [Extension] = []
  /// IPv6 flow label, 20 bits; ignored for IPv4.
  public var flowLabel: UInt32 = 0

  /// Source port of TCP, UDP, UDP-Lite, SCTP and DCCP.
  public var sourcePort: UInt16 = 0
  /// Destination port, likewise.
  public var destinationPort: UInt16 = 0
  /// The bytes after the transport header.
  public var payload: [UInt8] = []
  /// The bytes of the transport header and payload; if not nil, the fields below are ignored.
  public var transportBytes: [UInt8]?
  /// If true, the stored transport checksum has every second bit inverted.
  public var hasBadChecksum = false
  /// If true, the stored transport checksum is 0.
  public var hasNoChecksum = false

  /// TCP flags.
  public var tcpFlags: TCPFlags = .syn
  /// TCP sequence number.
  public var sequence: UInt32 = 0
  /// TCP acknowledgment number.
  public var acknowledgment: UInt32 = 0
  /// TCP window, unscaled.
  public var window: UInt16 = 65535
  /// TCP options, padded with end-of-list to a whole number of words.
  public var tcpOptions: [UInt8] = []
  /// The TCP data offset in 32-bit words; nil for the correct one.
  public var dataOffset: UInt8?

  /// ICMP type; echo request (8, or 128 for ICMPv6) when nil. For SCTP the type of the one chunk (INIT, 1, when nil).
  public var icmpType: UInt8?
  /// ICMP code.
  public var icmpCode: UInt8 = 0
  /// ICMP identifier of echo and other query messages.
  public var icmpIdentifier: UInt16 = 1
  /// ICMP sequence number, likewise.
  public var icmpSequence: UInt16 = 1
  /// Next-hop MTU of a fragmentation-needed or packet-too-big error.
  public var mtu: UInt32 = 0
  /// The packet that an ICMP error quotes.
  public var quoted: [UInt8]?

  /// Creates a packet's fields with the defaults that the properties show.
  public init(_ source: IPAddress, _ destination: IPAddress, proto: IPProtocol = .udp) {
    self.source = source
    self.destination = destination
    self.proto = proto
  }

  /// Builds the datagram, checksums included.
  public func packet() throws(BuildError) -> Packet {
    guard source.family == destination.family else { throw .mixedFamilies }
    guard ipOptions.count <= 40 else { throw .optionsTooLong(ipOptions.count) }
    guard tcpOptions.count <= 40 else { throw .optionsTooLong(tcpOptions.count) }
    var body = transportBytes ?? transport()
    if let fragment {
      let start = max(fragment.offset, 0) & ~7
      body = Array(body.slice(at: start, length: fragment.length ?? .max))
    }
    return Packet(bytes: source.family == .ipv4 ? try ipv4(body) : try ipv6(body))
  }

  private func ipv4(_ body: [UInt8]) throws(BuildError) -> [UInt8] {
    let options = padded(ipOptions, to: 4)
    let total = IPv4Header.minimumLength + options.count + body.count
    guard total <= 0xFFFF else { throw .tooLong(total) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(total)
    bytes.append(0x40 | UInt8(5 + options.count / 4))
    bytes.append(tos)
    bytes.appendUInt16(UInt16(total))
    bytes.appendUInt16(UInt16(truncatingIfNeeded: identification))
    var flags = UInt16(truncatingIfNeeded: max(fragment?.offset ?? 0, 0) / 8) & 0x1FFF
    if dontFragment { flags |= 0x4000 }
    if fragment?.moreFragments == true { flags |= 0x2000 }
    bytes.appendUInt16(flags)
    bytes.append(ttl)
    bytes.append(proto.rawValue)
    bytes.appendUInt16(0)
    bytes.appendUInt32(UInt32(truncatingIfNeeded: source.bits))
    bytes.appendUInt32(UInt32(truncatingIfNeeded: destination.bits))
    bytes += options
    bytes.setUInt16(Checksum.compute(bytes, in: 0..<bytes.count), at: IPv4Header.Offset.checksum)
    return bytes + body
  }

  private func ipv6(_ body: [UInt8]) throws(BuildError) -> [UInt8] {
    var chain = extensions.map { ($0.proto, $0.body) }
    if let fragment {
      var header: [UInt8] = []
      header.appendUInt16(UInt16(truncatingIfNeeded: max(fragment.offset, 0)) & 0xFFF8 | (fragment.moreFragments ? 1 : 0))
      header.appendUInt32(identification)
      chain.append((.fragment, header))
    }
    var headers: [UInt8] = []
    for (index, item) in chain.enumerated() {
      let next = index + 1 < chain.count ? chain[index + 1].0 : proto
      let data = item.0 == .fragment ? item.1 : padded(item.1, to: 8, after: 2)
      // The length octet: for AH in words minus two, for all others in 8 bytes minus one; reserved in the Fragment header.
      let length = item.0 == .fragment ? 0 : item.0 == .ah ? (data.count + 2) / 4 - 2 : (data.count + 2) / 8 - 1
      headers += [next.rawValue, UInt8(truncatingIfNeeded: length)] + data
    }
    guard headers.count + body.count <= 0xFFFF else { throw .tooLong(headers.count + body.count) }
    var bytes: [UInt8] = []
    bytes.appendUInt32(6 << 28 | UInt32(tos) << 20 | flowLabel & 0xF_FFFF)
    bytes.appendUInt16(UInt16(headers.count + body.count))
    bytes.append(chain.first?.0.rawValue ?? proto.rawValue)
    bytes.append(ttl)
    bytes.appendUInt128(source.bits)
    bytes.appendUInt128(destination.bits)
    return bytes + headers + body
  }

  private func padded(_ bytes: [UInt8], to unit: Int, after lead: Int = 0) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (unit - (bytes.count + lead) % unit) % unit)
  }

  /// The transport header and payload, checksum filled in.
  private func transport() -> [UInt8] {
    var bytes: [UInt8] = []
    switch proto {
    case .tcp:
      let options = padded(tcpOptions, to: 4)
      bytes.appendUInt16(sourcePort)
      bytes.appendUInt16(destinationPort)
      bytes.appendUInt32(sequence)
      bytes.appendUInt32(acknowledgment)
      bytes.append((dataOffset ?? UInt8(5 + options.count / 4)) << 4)
      bytes.append(tcpFlags.rawValue)
      bytes.appendUInt16(window)
      bytes.appendUInt32(0)
      bytes += options
    case .udp, .udplite:
      bytes.appendUInt16(sourcePort)
      bytes.appendUInt16(destinationPort)
      bytes.appendUInt16(UInt16(truncatingIfNeeded: UDPHeader.length + payload.count))
      bytes.appendUInt16(0)
    case .icmp, .icmpv6:
      bytes = icmp()
    case .sctp:
      bytes.appendUInt16(sourcePort)
      bytes.appendUInt16(destinationPort)
      bytes.appendUInt32(sequence)
      bytes.appendUInt32(0)
      bytes += [icmpType ?? 1, icmpCode]
      bytes.appendUInt16(UInt16(truncatingIfNeeded: SCTPChunk.headerLength + payload.count))
    default:
      break
    }
    bytes += payload
    fillChecksum(&bytes)
    return bytes
  }

  private func icmp() -> [UInt8] {
    let type = icmpType ?? (proto == .icmp ? 8 : 128)
    let isError = proto == .icmp ? ICMPHeader.isError(type: type) : ICMPHeader.isErrorV6(type: type)
    var bytes: [UInt8] = [type, icmpCode, 0, 0]
    if isError {
      bytes.appendUInt32(mtu)
      return bytes + (quoted ?? [])
    }
    bytes.appendUInt16(icmpIdentifier)
    bytes.appendUInt16(icmpSequence)
    return bytes
  }

  private func fillChecksum(_ bytes: inout [UInt8]) {
    guard !hasNoChecksum else { return }
    if proto == .sctp {
      let crc = Checksum.crc32c(bytes, in: 0..<bytes.count).byteSwapped
      bytes.setUInt32(hasBadChecksum ? crc ^ 0x5555_5555 : crc, at: SCTPHeader.Offset.checksum)
      return
    }
    guard let field = Packet.checksumOffset(of: proto), bytes.holds(2, at: field) else { return }
    let pseudo =
      proto == .icmp
      ? 0 : Checksum.pseudoHeader(source: source, destination: destination, protocol: proto, length: bytes.count)
    var checksum = Checksum.compute(bytes, in: 0..<bytes.count, initial: pseudo)
    if checksum == 0, proto == .udp || proto == .udplite { checksum = .max }
    if hasBadChecksum { checksum ^= 0x5555 }
    bytes.setUInt16(checksum, at: field)
  }
}
