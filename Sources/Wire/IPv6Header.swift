/// An IPv6 header (RFC 8200), decoded.
///
///     |version| traffic class |              flow label               |
///     |        payload length         |  next header  |   hop limit   |
///     |                    source address (16 bytes)                  |
///     |                  destination address (16 bytes)               |
public struct IPv6Header: Sendable, Equatable {
  /// Byte offsets of the fields from the start of the header.
  public enum Offset {
    public static let payloadLength = 4, nextHeader = 6, hopLimit = 7, source = 8, destination = 24
  }
  /// Bytes of the header.
  public static let length = 40

  /// 6 in a valid header; not checked.
  public var version: UInt8
  /// Traffic class: DSCP in the upper six bits, ECN in the lower two.
  public var trafficClass: UInt8
  /// The flow label, 20 bits.
  public var flowLabel: UInt32
  /// The payload length in bytes, as the header says; 0 in a jumbogram.
  public var payloadLength: Int
  /// The first extension header, or the transport protocol.
  public var nextHeader: IPProtocol
  /// The hop limit.
  public var hopLimit: UInt8
  /// The source address.
  public var source: IPv6Address
  /// The destination address.
  public var destination: IPv6Address

  /// Decodes the header at `offset`; nil if there are fewer than 40 bytes. The version and the length are not verified.
  public init?(_ bytes: borrowing [UInt8], at offset: Int = 0) {
    guard bytes.holds(IPv6Header.length, at: offset), let first = bytes.uint32(at: offset),
      let second = bytes.uint32(at: offset &+ 4), let source = bytes.uint128(at: offset &+ 8),
      let destination = bytes.uint128(at: offset &+ 24)
    else { return nil }
    version = UInt8(first >> 28)
    trafficClass = UInt8(truncatingIfNeeded: first >> 20)
    flowLabel = first & 0xF_FFFF
    payloadLength = Int(second >> 16)
    nextHeader = IPProtocol(rawValue: UInt8(truncatingIfNeeded: second >> 8))
    hopLimit = UInt8(truncatingIfNeeded: second)
    self.source = IPv6Address(rawValue: source)
    self.destination = IPv6Address(rawValue: destination)
  }
}

/// A Fragment header (RFC 8200 §4.5).
public struct IPv6FragmentHeader: Sendable, Equatable {
  /// Bytes of the header.
  public static let length = 8
  /// The protocol of the first header of the fragmentable part.
  public var nextHeader: IPProtocol
  /// The fragment offset in bytes.
  public var fragmentOffset: Int
  /// M: the fragment is not the last.
  public var moreFragments: Bool
  /// The two bits between the offset and the M flag.
  public var reservedBits: UInt8
  /// The reserved octet behind the next-header number.
  public var reserved: UInt8
  /// The identification that all fragments of a packet share.
  public var identification: UInt32

  /// Decodes the header at `offset`; nil if there are fewer than 8 bytes.
  public init?(_ bytes: borrowing [UInt8], at offset: Int) {
    guard let first = bytes.uint32(at: offset), let identification = bytes.uint32(at: offset &+ 4) else { return nil }
    nextHeader = IPProtocol(rawValue: UInt8(first >> 24))
    reserved = UInt8(truncatingIfNeeded: first >> 16)
    fragmentOffset = Int(first & 0xFFF8)
    reservedBits = UInt8(first >> 1 & 3)
    moreFragments = first & 1 == 1
    self.identification = identification
  }
}

/// One extension header.
public struct IPv6ExtensionHeader: Sendable, Equatable {
  /// The protocol number of this header.
  public var proto: IPProtocol
  /// Its position in the packet.
  public var offset: Int
  /// Its length in bytes, as it says; it may exceed the packet.
  public var length: Int
  /// The protocol number of the next header.
  public var nextHeader: IPProtocol
}

/// The extension headers after an IPv6 header, in order. Iteration ends at a header that is no extension header, at the
/// no-next-header number, at the Fragment header of a later fragment, or at the end of the bytes.
public struct IPv6ExtensionHeaders: Sendable, Sequence, IteratorProtocol {
  private let bytes: [UInt8]
  /// The protocol number of the header at `offset`; after iteration, the transport protocol.
  public private(set) var nextHeader: IPProtocol
  /// The position of that header, in bytes from the start of the packet.
  public private(set) var offset: Int
  /// The fragment offset in bytes, once a Fragment header was met; else 0.
  public private(set) var fragmentOffset = 0
  /// True once iteration stopped at a truncated header.
  public private(set) var isTruncated = false
  private var finished = false

  /// Starts after the IPv6 header at `start`; nil if that is truncated.
  public init?(_ bytes: borrowing [UInt8], at start: Int = 0) {
    guard bytes.holds(IPv6Header.length, at: start), let next = bytes.uint8(at: start &+ IPv6Header.Offset.nextHeader) else {
      return nil
    }
    self.bytes = copy bytes
    nextHeader = IPProtocol(rawValue: next)
    offset = start &+ IPv6Header.length
  }

  /// The next extension header; nil at the end, see the type.
  public mutating func next() -> IPv6ExtensionHeader? {
    guard !finished, nextHeader.isExtensionHeader, nextHeader != .none else { return nil }
    // The kernel reads two bytes of each extension header and fails if they are missing.
    guard let number = bytes.uint8(at: offset), let words = bytes.uint8(at: offset &+ 1) else {
      isTruncated = true
      finished = true
      return nil
    }
    let length: Int
    switch nextHeader {
    case .fragment:
      guard let fragment = IPv6FragmentHeader(bytes, at: offset) else {
        isTruncated = true
        finished = true
        return nil
      }
      fragmentOffset = fragment.fragmentOffset
      length = IPv6FragmentHeader.length
    case .ah: length = (Int(words) &+ 2) &* 4
    default: length = (Int(words) &+ 1) &* 8
    }
    let header = IPv6ExtensionHeader(
      proto: nextHeader, offset: offset, length: length, nextHeader: IPProtocol(rawValue: number))
    if fragmentOffset != 0 {
      finished = true
    } else {
      nextHeader = header.nextHeader
      offset &+= length
    }
    return header
  }
}
