public import Wire

/// One direction of a flow: source, destination and protocol. Kernel: `nf_conntrack_tuple`.
public struct Tuple: Sendable, Hashable {
  /// The address bits, right-aligned for IPv4.
  public var sourceBits: UInt128
  /// The destination address; IPv4 in the low 32 bits.
  public var destinationBits: UInt128
  /// The port, the ICMP identifier, or the GRE key.
  public var sourceID: UInt16
  /// The port, the ICMP type (high byte) and code (low byte), or the GRE key.
  public var destinationID: UInt16
  /// The transport protocol.
  public var proto: IPProtocol
  /// The family of both addresses.
  public var family: Family

  /// Creates a tuple; parameters as the properties of the same names.
  @inlinable
  public init(
    family: Family, proto: IPProtocol, sourceBits: UInt128, sourceID: UInt16, destinationBits: UInt128,
    destinationID: UInt16
  ) {
    self.family = family
    self.proto = proto
    self.sourceBits = sourceBits
    self.sourceID = sourceID
    self.destinationBits = destinationBits
    self.destinationID = destinationID
  }

  /// Creates a tuple from two addresses; nil if their families differ.
  public init?(
    proto: IPProtocol, source: IPAddress, sourceID: UInt16 = 0, destination: IPAddress, destinationID: UInt16 = 0
  ) {
    guard source.family == destination.family else { return nil }
    self.init(
      family: source.family, proto: proto, sourceBits: source.bits, sourceID: sourceID,
      destinationBits: destination.bits, destinationID: destinationID)
  }

  /// The source address.
  @inlinable public var source: IPAddress {
    get { IPAddress(family: family, bits: sourceBits) }
    set { sourceBits = newValue.bits }
  }
  /// The destination address.
  @inlinable public var destination: IPAddress {
    get { IPAddress(family: family, bits: destinationBits) }
    set { destinationBits = newValue.bits }
  }

  /// True for ICMP and ICMPv6.
  @inlinable public var isICMP: Bool { proto == .icmp || proto == .icmpv6 }
  /// The ICMP identifier, for an ICMP tuple.
  @inlinable public var icmpIdentifier: UInt16 { sourceID }
  /// The ICMP type, for an ICMP tuple.
  @inlinable public var icmpType: UInt8 { UInt8(truncatingIfNeeded: destinationID >> 8) }
  /// The ICMP code, for an ICMP tuple.
  @inlinable public var icmpCode: UInt8 { UInt8(truncatingIfNeeded: destinationID) }

  /// The tuple of the replies; nil for an ICMP type without reply.
  /// The corresponding kernel function is `nf_ct_invert_tuple`.
  public func inverted() -> Tuple? {
    var inverse = Tuple(
      family: family, proto: proto, sourceBits: destinationBits, sourceID: destinationID, destinationBits: sourceBits,
      destinationID: sourceID)
    if isICMP {
      guard let type = Tuple.answer(to: icmpType, proto: proto) else { return nil }
      inverse.sourceID = sourceID
      inverse.destinationID = UInt16(type) << 8 | UInt16(icmpCode)
    }
    return inverse
  }

  /// The reply type of an ICMP request type and vice versa: echo, timestamp, information and address mask; nil for other types.
  static func answer(to type: UInt8, proto: IPProtocol) -> UInt8? {
    if proto == .icmp {
      return switch type {
      case 8: 0
      case 0: 8
      case 13, 15, 17: type + 1
      case 14, 16, 18: type - 1
      default: nil
      }
    }
    return switch type {
    case 128, 139: type + 1
    case 129, 140: type - 1
    default: nil
    }
  }

  /// The hash of a tuple in a zone under a table's seed: 64-bit multiply and fold.
  @inlinable
  func hash(zone: UInt16, seed: HashSeed) -> UInt64 {
    @inline(__always) func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
      let product = a.multipliedFullWidth(by: b)
      return product.high ^ product.low
    }
    var hash = mix(
      UInt64(truncatingIfNeeded: sourceBits) ^ seed.a, UInt64(truncatingIfNeeded: destinationBits) ^ seed.b)
    if family == .ipv6 {
      hash ^= mix(
        UInt64(truncatingIfNeeded: sourceBits >> 64) ^ seed.c, UInt64(truncatingIfNeeded: destinationBits >> 64) ^ seed.a)
    }
    let rest =
      UInt64(sourceID) << 48 | UInt64(destinationID) << 32 | UInt64(zone) << 16
      | UInt64(proto.rawValue) << 8 | UInt64(family.rawValue)
    return mix(hash ^ seed.c, rest ^ seed.b)
  }
}

/// The seed of a table's hashes.
@usableFromInline
struct HashSeed: Sendable {
  @usableFromInline let a: UInt64, b: UInt64, c: UInt64

  init(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    a = random.next() | 1
    b = random.next() | 1
    c = random.next() | 1
  }
}

extension Tuple: CustomStringConvertible {
  /// `tcp 10.0.0.9:1000>10.0.1.9:80`, `icmp 10.0.0.9>8.8.8.8 8/0 id 7`.
  public var description: String {
    if isICMP { return "\(proto) \(source)>\(destination) \(icmpType)/\(icmpCode) id \(icmpIdentifier)" }
    return family == .ipv4
      ? "\(proto) \(source):\(sourceID)>\(destination):\(destinationID)"
      : "\(proto) [\(source)]:\(sourceID)>[\(destination)]:\(destinationID)"
  }
}
