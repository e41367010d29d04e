/// The flags of a TCP header; the four bits between the data offset and CWR are not among them.
public struct TCPFlags: OptionSet, Sendable, Hashable {
  /// The flags octet.
  public var rawValue: UInt8
  /// Creates flags from the flags octet.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// FIN: the sender sends no more data.
  @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
  /// SYN: opens a connection.
  @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
  /// RST: resets the connection.
  @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
  /// PSH: deliver without waiting for more.
  @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
  /// ACK: the acknowledgment number is valid.
  @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
  /// URG: the urgent pointer is valid.
  @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
  /// ECE: congestion was experienced, RFC 3168.
  @inlinable public static var ece: TCPFlags { TCPFlags(rawValue: 0x40) }
  /// CWR: the congestion window was reduced, RFC 3168.
  @inlinable public static var cwr: TCPFlags { TCPFlags(rawValue: 0x80) }

  /// The letter of each flag, lowest bit first.
  private static let letters: InlineArray<8, UInt8> = [
    UInt8(ascii: "F"), UInt8(ascii: "S"), UInt8(ascii: "R"), UInt8(ascii: "P"), UInt8(ascii: "A"), UInt8(ascii: "U"), UInt8(ascii: "E"),
    UInt8(ascii: "C"),
  ]

  /// Parses one letter per flag, in any order and case: F S R P A U E C.
  public init?(_ text: some StringProtocol) {
    self = []
    for unit in text.utf8 {
      guard let bit = Self.letters.indices.first(where: { Self.letters[$0] == unit & 0xDF }) else { return nil }
      rawValue |= 1 << UInt8(bit)
    }
  }
}

extension TCPFlags: CustomStringConvertible {
  /// One letter per flag in the order of the bits from FIN up: "S", "SA", "FA", "RA", "PA".
  public var description: String {
    var text: [UInt8] = []
    append(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the letters of ``description``.
  func append(to text: inout [UInt8]) {
    for bit in 0..<8 where rawValue >> UInt8(bit) & 1 == 1 { text.append(Self.letters[bit]) }
  }
}

/// A TCP header (RFC 9293), decoded without its options.
///
///     |          source port          |       destination port        |
///     |                        sequence number                        |
///     |                     acknowledgment number                     |
///     | offset| rsvd  |C|E|U|A|P|R|S|F|            window             |
///     |           checksum            |        urgent pointer         |
public struct TCPHeader: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset {
    public static let sourcePort = 0, destinationPort = 2, sequence = 4, acknowledgment = 8
    public static let dataOffset = 12, flags = 13, window = 14, checksum = 16, urgent = 18
  }
  /// Bytes of a header without options.
  public static let minimumLength = 20

  /// The source port.
  public var sourcePort: UInt16
  /// The destination port.
  public var destinationPort: UInt16
  /// The sequence number of the first byte of data, or of the SYN.
  public var sequence: UInt32
  /// The next sequence number expected from the other side; valid with ACK.
  public var acknowledgment: UInt32
  /// The header length in bytes, options included, as the header says: 0 to 60.
  public var dataOffset: Int
  /// The four bits after the data offset.
  public var reserved: UInt8
  /// The flags octet.
  public var flags: TCPFlags
  /// The window, unscaled.
  public var window: UInt16
  /// The checksum in the packet; not verified.
  public var checksum: UInt16
  /// The urgent pointer; valid with URG.
  public var urgentPointer: UInt16

  /// Decodes the header at `offset`; nil if there are fewer than 20 bytes. The data offset is not verified.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let ports = bytes.uint32(at: offset), let sequence = bytes.uint32(at: offset &+ 4),
      let acknowledgment = bytes.uint32(at: offset &+ 8), let fourth = bytes.uint32(at: offset &+ 12),
      let fifth = bytes.uint32(at: offset &+ 16)
    else { return nil }
    sourcePort = UInt16(ports >> 16)
    destinationPort = UInt16(truncatingIfNeeded: ports)
    self.sequence = sequence
    self.acknowledgment = acknowledgment
    dataOffset = Int(fourth >> 28) &* 4
    reserved = UInt8(fourth >> 24 & 15)
    flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: fourth >> 16))
    window = UInt16(truncatingIfNeeded: fourth)
    checksum = UInt16(fifth >> 16)
    urgentPointer = UInt16(truncatingIfNeeded: fifth)
  }

  /// The header's options (RFC 9293). `offset` is the position of the TCP header.
  public func options(in bytes: [UInt8], at offset: Int) -> HeaderOptions {
    HeaderOptions(bytes: bytes, from: offset &+ TCPHeader.minimumLength, to: offset &+ dataOffset)
  }
}

/// The kinds of TCP options that the kernel's netfilter code names.
public enum TCPOptionKind {
  public static let end: UInt8 = 0, noOperation: UInt8 = 1, maximumSegmentSize: UInt8 = 2, windowScale: UInt8 = 3
  public static let sackPermitted: UInt8 = 4, sack: UInt8 = 5, timestamps: UInt8 = 8, md5: UInt8 = 19
  /// The authentication option of RFC 5925.
  public static let authentication: UInt8 = 29
}
