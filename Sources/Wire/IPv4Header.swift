/// An IPv4 header (RFC 791), decoded.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     |version|  ihl  |      tos      |         total length          |
///     |        identification         |r|D|M|     fragment offset     |
///     |      ttl      |   protocol    |            checksum           |
///     |                        source address                         |
///     |                      destination address                      |
public struct IPv4Header: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset {
    public static let tos = 1, totalLength = 2, identification = 4, fragment = 6
    public static let ttl = 8, proto = 9, checksum = 10, source = 12, destination = 16
  }
  /// Bytes of a header without options.
  public static let minimumLength = 20

  /// 4 in a valid header; not checked.
  public var version: UInt8
  /// The header length in bytes, options included: 20 to 60.
  public var headerLength: Int
  /// Type of service: DSCP in the upper six bits, ECN in the lower two.
  public var tos: UInt8
  /// The total length in bytes, as the header says; not verified.
  public var totalLength: Int
  /// The identification that all fragments of a datagram share.
  public var identification: UInt16
  /// The reserved bit before DF; 0 in a valid header.
  public var reservedFlag: Bool
  /// DF: routers must not fragment the datagram.
  public var dontFragment: Bool
  /// MF: the fragment is not the last.
  public var moreFragments: Bool
  /// The fragment offset in bytes.
  public var fragmentOffset: Int
  /// Time to live, in hops.
  public var ttl: UInt8
  /// The protocol of the payload.
  public var proto: IPProtocol
  /// The header checksum in the packet; not verified.
  public var checksum: UInt16
  /// The source address.
  public var source: IPv4Address
  /// The destination address.
  public var destination: IPv4Address

  /// Decodes the header at `offset`. Nil if there are fewer than 20 bytes or the header length is below 20.
  /// The version and the lengths are not verified.
  public init?(_ bytes: borrowing [UInt8], at offset: Int = 0) {
    guard bytes.holds(IPv4Header.minimumLength, at: offset),
      let first = bytes.uint32(at: offset), let second = bytes.uint32(at: offset &+ 4),
      let third = bytes.uint32(at: offset &+ 8), let source = bytes.uint32(at: offset &+ 12),
      let destination = bytes.uint32(at: offset &+ 16)
    else { return nil }
    version = UInt8(first >> 28)
    headerLength = Int(first >> 24 & 15) &* 4
    guard headerLength >= IPv4Header.minimumLength else { return nil }
    tos = UInt8(truncatingIfNeeded: first >> 16)
    totalLength = Int(first & 0xFFFF)
    identification = UInt16(second >> 16)
    reservedFlag = second >> 15 & 1 == 1
    dontFragment = second >> 14 & 1 == 1
    moreFragments = second >> 13 & 1 == 1
    fragmentOffset = Int(second & 0x1FFF) &* 8
    ttl = UInt8(third >> 24)
    proto = IPProtocol(rawValue: UInt8(truncatingIfNeeded: third >> 16))
    checksum = UInt16(truncatingIfNeeded: third)
    self.source = IPv4Address(rawValue: source)
    self.destination = IPv4Address(rawValue: destination)
  }

  /// True for every fragment, the first one included. The corresponding kernel function is `ip_is_fragment`.
  public var isFragment: Bool { moreFragments || fragmentOffset != 0 }

  /// The header's options (RFC 791).
  public func options(in bytes: [UInt8], at offset: Int = 0) -> HeaderOptions {
    HeaderOptions(bytes: bytes, from: offset &+ IPv4Header.minimumLength, to: offset &+ headerLength)
  }
}
