/// The protocol number of an IPv4 header, or the next-header number of an IPv6 one.
public struct IPProtocol: Sendable, Hashable, RawRepresentable, ExpressibleByIntegerLiteral {
  public var rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  @inlinable public init(integerLiteral value: UInt8) { rawValue = value }

  public static let hopByHop: IPProtocol = 0
  public static let icmp: IPProtocol = 1
  public static let igmp: IPProtocol = 2
  public static let ipip: IPProtocol = 4
  public static let tcp: IPProtocol = 6
  public static let udp: IPProtocol = 17
  public static let dccp: IPProtocol = 33
  public static let ipv6: IPProtocol = 41
  public static let routing: IPProtocol = 43
  public static let fragment: IPProtocol = 44
  public static let gre: IPProtocol = 47
  public static let esp: IPProtocol = 50
  public static let ah: IPProtocol = 51
  public static let icmpv6: IPProtocol = 58
  public static let none: IPProtocol = 59
  public static let destinationOptions: IPProtocol = 60
  public static let sctp: IPProtocol = 132
  public static let mobility: IPProtocol = 135
  public static let udplite: IPProtocol = 136

  /// The extension headers that the kernel's header walk steps over; ESP and mobility end the walk.
  /// The corresponding kernel function is `ipv6_ext_hdr`.
  @inlinable public var isExtensionHeader: Bool {
    switch rawValue {
    case 0, 43, 44, 51, 59, 60: true
    default: false
    }
  }

  /// TCP, UDP, UDPLITE, SCTP and DCCP: a source and a destination port stand in the first four bytes.
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
