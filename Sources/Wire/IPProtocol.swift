/// The protocol number of an IPv4 header, or the next-header number of an IPv6 one.
public struct IPProtocol: Sendable, Hashable, RawRepresentable, ExpressibleByIntegerLiteral {
  /// The number assigned by IANA.
  public var rawValue: UInt8
  /// Creates a protocol from its number.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Creates a protocol from its number.
  @inlinable public init(integerLiteral value: UInt8) { rawValue = value }

  /// IPv6 hop-by-hop options, RFC 8200.
  public static let hopByHop: IPProtocol = 0
  /// ICMP for IPv4, RFC 792.
  public static let icmp: IPProtocol = 1
  /// IGMP, RFC 3376.
  public static let igmp: IPProtocol = 2
  /// IPv4 in IP, RFC 2003.
  public static let ipip: IPProtocol = 4
  /// TCP, RFC 9293.
  public static let tcp: IPProtocol = 6
  /// UDP, RFC 768.
  public static let udp: IPProtocol = 17
  /// DCCP, RFC 4340.
  public static let dccp: IPProtocol = 33
  /// IPv6 in IP, RFC 2473.
  public static let ipv6: IPProtocol = 41
  /// IPv6 routing header, RFC 8200.
  public static let routing: IPProtocol = 43
  /// IPv6 fragment header, RFC 8200.
  public static let fragment: IPProtocol = 44
  /// GRE, RFC 2784.
  public static let gre: IPProtocol = 47
  /// ESP, RFC 4303.
  public static let esp: IPProtocol = 50
  /// AH, RFC 4302.
  public static let ah: IPProtocol = 51
  /// ICMPv6, RFC 4443.
  public static let icmpv6: IPProtocol = 58
  /// IPv6 "no next header", RFC 8200.
  public static let none: IPProtocol = 59
  /// IPv6 destination options, RFC 8200.
  public static let destinationOptions: IPProtocol = 60
  /// SCTP, RFC 9260.
  public static let sctp: IPProtocol = 132
  /// IPv6 mobility header, RFC 6275.
  public static let mobility: IPProtocol = 135
  /// UDP-Lite, RFC 3828.
  public static let udplite: IPProtocol = 136

  /// True for the extension headers that the kernel skips; ESP and mobility are not skipped.
  /// The corresponding kernel function is `ipv6_ext_hdr`.
  @inlinable public var isExtensionHeader: Bool {
    switch rawValue {
    case 0, 43, 44, 51, 59, 60: true
    default: false
    }
  }

  /// True for TCP, UDP, UDP-Lite, SCTP and DCCP, whose first four bytes are the source and destination ports.
  @inlinable public var hasPorts: Bool {
    switch rawValue {
    case 6, 17, 33, 132, 136: true
    default: false
    }
  }
}

extension IPProtocol: CustomStringConvertible {
  /// The usual lower-case name, or the number.
  public var description: String {
    switch self {
    case .icmp: "icmp"
    case .igmp: "igmp"
    case .tcp: "tcp"
    case .udp: "udp"
    case .dccp: "dccp"
    case .gre: "gre"
    case .esp: "esp"
    case .ah: "ah"
    case .icmpv6: "icmpv6"
    case .sctp: "sctp"
    case .udplite: "udplite"
    default: "\(rawValue)"
    }
  }
}
