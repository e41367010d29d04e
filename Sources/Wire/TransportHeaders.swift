/// A UDP or UDPLITE header (RFC 768, RFC 3828): for UDPLITE `length` is the checksum coverage.
public struct UDPHeader: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset { public static let sourcePort = 0, destinationPort = 2, length = 4, checksum = 6 }
  /// Bytes of the header.
  public static let length = 8
  /// The source port.
  public var sourcePort: UInt16
  /// The destination port.
  public var destinationPort: UInt16
  /// The length of header and data in bytes, as the header says; for UDP-Lite the checksum coverage.
  public var length: Int
  /// The checksum in the packet; not verified.
  public var checksum: UInt16

  /// Decodes the header at `offset`; nil if there are fewer than 8 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let ports = bytes.uint32(at: offset), let rest = bytes.uint32(at: offset &+ 4) else { return nil }
    sourcePort = UInt16(ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    length = Int(rest >> 16)
    checksum = UInt16(truncatingIfNeeded: rest)
  }
}

/// An ICMP or ICMPv6 header (RFC 792, RFC 4443).
public struct ICMPHeader: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset { public static let type = 0, code = 1, checksum = 2, identifier = 4, sequence = 6 }
  /// Bytes of the header.
  public static let length = 8
  /// The type.
  public var type: UInt8
  /// The code.
  public var code: UInt8
  /// The checksum in the packet; not verified.
  public var checksum: UInt16
  /// The second word: identifier and sequence, gateway, pointer or MTU, by type.
  public var rest: UInt32

  /// Decodes the header at `offset`; nil if there are fewer than 8 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let first = bytes.uint32(at: offset), let rest = bytes.uint32(at: offset &+ 4) else { return nil }
    type = UInt8(first >> 24)
    code = UInt8(truncatingIfNeeded: first >> 16)
    checksum = UInt16(truncatingIfNeeded: first)
    self.rest = rest
  }

  /// The identifier of a query message such as echo: the upper half of `rest`.
  public var identifier: UInt16 { UInt16(rest >> 16) }
  /// The sequence number of a query message such as echo: the lower half of `rest`.
  public var sequence: UInt16 { UInt16(truncatingIfNeeded: rest) }

  /// True for the ICMP error types, which quote a packet: 3, 4, 5, 11, 12. The corresponding kernel function is `icmp_is_err`.
  public static func isError(type: UInt8) -> Bool {
    switch type {
    case 3, 4, 5, 11, 12: true
    default: false
    }
  }

  /// True for the ICMPv6 error types, 0 to 127.
  public static func isErrorV6(type: UInt8) -> Bool { type < 128 }
}

/// An SCTP common header (RFC 9260 §3.1).
public struct SCTPHeader: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset { public static let sourcePort = 0, destinationPort = 2, verificationTag = 4, checksum = 8 }
  /// Bytes of the common header.
  public static let length = 12
  /// The source port.
  public var sourcePort: UInt16
  /// The destination port.
  public var destinationPort: UInt16
  /// The verification tag of the association.
  public var verificationTag: UInt32
  /// The CRC-32C in the packet, first byte highest; not verified.
  public var checksum: UInt32

  /// Decodes the header at `offset`; nil if there are fewer than 12 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let ports = bytes.uint32(at: offset), let tag = bytes.uint32(at: offset &+ 4),
      let checksum = bytes.uint32(at: offset &+ 8)
    else { return nil }
    sourcePort = UInt16(ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    verificationTag = tag
    self.checksum = checksum
  }

  /// The chunks after the header at `offset`.
  public static func chunks(_ bytes: [UInt8], at offset: Int) -> SCTPChunks {
    SCTPChunks(bytes: bytes, position: offset &+ SCTPHeader.length)
  }
}

/// One SCTP chunk: the fields of its header and its position.
public struct SCTPChunk: Sendable, Equatable {
  /// Bytes of a chunk's header.
  public static let headerLength = 4
  /// The chunk type.
  public var type: UInt8
  /// The chunk flags.
  public var flags: UInt8
  /// The chunk length in bytes without padding, as the chunk says; 0 is possible and ends the iteration.
  public var length: Int
  /// The position of the chunk in the packet.
  public var offset: Int
}

/// The chunks of an SCTP packet in order. Iteration ends after a chunk of length 0 and at the end of the bytes.
public struct SCTPChunks: Sendable, Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  private var position: Int
  private var finished = false

  init(bytes: [UInt8], position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// The next chunk; nil at the end, see the type.
  public mutating func next() -> SCTPChunk? {
    guard !finished, position < bytes.count, let word = bytes.uint32(at: position) else { return nil }
    let length = Int(word & 0xFFFF)
    defer { position &+= (length &+ 3) & ~3 }
    finished = length == 0
    return SCTPChunk(
      type: UInt8(word >> 24), flags: UInt8(truncatingIfNeeded: word >> 16), length: length, offset: position)
  }
}

/// A DCCP generic header (RFC 4340 §5.1).
public struct DCCPHeader: Sendable, Equatable {
  /// Bytes of the shortest header.
  public static let minimumLength = 12
  /// The source port.
  public var sourcePort: UInt16
  /// The destination port.
  public var destinationPort: UInt16
  /// Bytes of header and options.
  public var dataOffset: Int
  /// 0 request, 1 response, 2 data, 3 ack, 4 dataack, 5 closereq, 6 close, 7 reset, 8 sync, 9 syncack.
  public var type: UInt8
  /// X: sequence numbers are 48 bits wide.
  public var isExtended: Bool
  /// The checksum in the packet; not verified.
  public var checksum: UInt16
  /// CsCov: the part of the data that the checksum covers, four bits.
  public var checksumCoverage: UInt8
  /// 48 bits when extended, else 24.
  public var sequence: UInt64

  /// Decodes the header at `offset`; nil if it is truncated.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let ports = bytes.uint32(at: offset), let second = bytes.uint32(at: offset &+ 4),
      let third = bytes.uint32(at: offset &+ 8)
    else { return nil }
    sourcePort = UInt16(ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    dataOffset = Int(second >> 24) &* 4
    checksumCoverage = UInt8(second >> 16 & 15)
    checksum = UInt16(truncatingIfNeeded: second)
    type = UInt8(third >> 25 & 15)
    isExtended = third >> 24 & 1 == 1
    if isExtended {
      guard let low = bytes.uint32(at: offset &+ 12) else { return nil }
      sequence = UInt64(third & 0xFFFF) << 32 | UInt64(low)
    } else {
      sequence = UInt64(third & 0xFF_FFFF)
    }
  }
}

/// A GRE header (RFC 2784, RFC 2890) or the enhanced one of PPTP (RFC 2637).
public struct GREHeader: Sendable, Equatable {
  /// Bytes of the shortest header.
  public static let minimumLength = 4
  /// The first word's high half: C, R, K, S flags and the version.
  public var flags: UInt16
  /// The ethertype of the payload; 0x880B for PPTP.
  public var payloadProtocol: UInt16
  /// The key field if the K flag is set; for version 1 the payload length and call id.
  public var key: UInt32?

  /// Decodes the header at `offset`; nil if there are fewer than 4 bytes. A truncated key is nil.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let first = bytes.uint32(at: offset) else { return nil }
    flags = UInt16(first >> 16)
    payloadProtocol = UInt16(truncatingIfNeeded: first)
    key = nil
    if flags & 0x2000 != 0 {
      // A checksum or routing field adds one word before the key.
      key = bytes.uint32(at: offset &+ (flags & 0xC000 != 0 ? 8 : 4))
    }
  }

  /// The version: 0, or 1 for PPTP.
  public var version: UInt8 { UInt8(flags & 7) }
  /// The call id of a version 1 header.
  public var callID: UInt16? { version == 1 ? key.map { UInt16(truncatingIfNeeded: $0) } : nil }
}

/// An ESP header (RFC 4303).
public struct ESPHeader: Sendable, Equatable {
  /// Bytes of the header.
  public static let length = 8
  /// The security parameters index.
  public var spi: UInt32
  /// The sequence number.
  public var sequence: UInt32

  /// Decodes the header at `offset`; nil if there are fewer than 8 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let spi = bytes.uint32(at: offset), let sequence = bytes.uint32(at: offset &+ 4) else { return nil }
    self.spi = spi
    self.sequence = sequence
  }
}

/// An AH header (RFC 4302).
public struct AHHeader: Sendable, Equatable {
  /// Bytes of the header without an integrity check value.
  public static let minimumLength = 12
  /// The protocol after the header.
  public var nextHeader: IPProtocol
  /// The length octet: 32-bit words minus two.
  public var lengthField: UInt8
  /// The reserved field; 0 in a valid header.
  public var reserved: UInt16
  /// The security parameters index.
  public var spi: UInt32
  /// The sequence number.
  public var sequence: UInt32

  /// Decodes the header at `offset`; nil if there are fewer than 12 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let first = bytes.uint32(at: offset), let spi = bytes.uint32(at: offset &+ 4),
      let sequence = bytes.uint32(at: offset &+ 8)
    else { return nil }
    nextHeader = IPProtocol(rawValue: UInt8(first >> 24))
    lengthField = UInt8(truncatingIfNeeded: first >> 16)
    reserved = UInt16(truncatingIfNeeded: first)
    self.spi = spi
    self.sequence = sequence
  }

  /// Bytes of the header.
  public var length: Int { (Int(lengthField) &+ 2) &* 4 }
}
