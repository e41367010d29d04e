public import Wire

/// What the host is asked by matches and targets: routes, addresses, sockets, switches.
///
/// The evaluator's host model answers; where the user gave too little to know, the answer is nil and the asker says *unknown*.
public protocol HostModel: AnyObject {
  /// The type of an address as `inet_addr_type` (`ipv6_addr_type` with a route look-up) gives it, optionally on one interface only.
  func addressType(_ address: IPAddress, on interface: Interface?) -> AddressType?
  /// The route a packet would take.
  func route(to destination: IPAddress, from source: IPAddress?, mark: UInt32, input: Interface?, output: Interface?) -> RouteAnswer?
  func interface(named name: String) -> Interface?
  /// The group an interface is in, as `ip link set group` puts it there.
  func group(of interface: Interface) -> UInt32?
  /// Whether the host has IPsec policies or associations.
  var usesIPsec: Bool? { get }
  /// The primary address of an interface, as `REDIRECT` chooses it; `near` is the address to be reached.
  func primaryAddress(of interface: Interface, _ family: AddressFamily, near: IPAddress?) -> IPAddress?
  /// The address to speak with to one near it through an interface, as `MASQUERADE` chooses it. Kernel: `inet_select_addr`,
  /// `ipv6_dev_get_saddr`.
  func sourceAddress(through interface: Interface, to near: IPAddress) -> IPAddress?
  /// The socket that would receive a packet, as `nf_sk_lookup_slow_v4` finds it: nil in the outer sense means unknown.
  func socket(for packet: Packet, _ input: Interface?) -> SocketAnswer
  /// A sysctl by its dotted name.
  func sysctl(_ name: String) -> Int?
  /// The limits that an ICMP message to an address is under; nil for a type that is sent without limit.
  ///
  /// The corresponding kernel functions are `icmpv4_mask_allow` and `icmpv6_mask_allow`.
  func icmpRateLimit(type: UInt8, code: UInt8, to destination: IPAddress) -> ICMPRateLimit.Policy?
}

extension HostModel {
  public func group(of interface: Interface) -> UInt32? { nil }
  public var usesIPsec: Bool? { nil }
  public func icmpRateLimit(type: UInt8, code: UInt8, to destination: IPAddress) -> ICMPRateLimit.Policy? { nil }
  public func sourceAddress(through interface: Interface, to near: IPAddress) -> IPAddress? {
    primaryAddress(of: interface, near.family, near: near)
  }
}

/// A network interface. It counts no reference, so that packets can carry it about.
public struct Interface: Sendable, Hashable, BitwiseCopyable {
  public let index: Int32
  /// The name as a rule compares it, first byte most significant.
  public let key: UInt128

  /// - Parameter name: cut to 15 bytes, as the kernel's `IFNAMSIZ` leaves room for.
  public init(index: Int32, name: String) {
    self.index = index
    key = InterfacePattern(ArraySlice(name.utf8.prefix(15))).name
  }

  public var name: String { String(decoding: InterfacePattern(name: key, mask: .max).text, as: UTF8.self) }
}

/// The kinds of address `-m addrtype` tells apart; raw values are the kernel's `RTN_*`.
public enum AddressType: Int, Sendable, CaseIterable {
  case unspecified = 0, unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, `throw`, nat, xresolve
}

/// Where a packet would go.
public struct RouteAnswer: Sendable, Hashable {
  public let type: AddressType
  public let output: Interface?
  public let gateway: IPAddress?
  /// The source address the host would use.
  public let preferredSource: IPAddress?
  public let mtu: Int

  public init(type: AddressType, output: Interface?, gateway: IPAddress?, preferredSource: IPAddress?, mtu: Int = 1500) {
    self.type = type
    self.output = output
    self.gateway = gateway
    self.preferredSource = preferredSource
    self.mtu = mtu
  }
}

/// What a socket look-up finds.
public enum SocketAnswer: Sendable, Hashable {
  case none
  case socket(SocketFacts)
  case unknown
}

/// What matches can ask of a socket.
public struct SocketFacts: Sendable, Hashable {
  public var uid: UInt32
  public var gid: UInt32
  public var supplementaryGroups: [UInt32]
  public var mark: UInt32
  public var isTransparent: Bool
  /// Bound to the wildcard address.
  public var isWildcard: Bool
  public var cgroupClass: UInt32?
  public var cgroupPath: String?
  /// A socket of the kernel itself (REJECT's reset has none at all) has no file, hence no owner.
  public var hasFile: Bool

  public init(
    uid: UInt32 = 0, gid: UInt32 = 0, supplementaryGroups: [UInt32] = [], mark: UInt32 = 0, isTransparent: Bool = false,
    isWildcard: Bool = false, cgroupClass: UInt32? = nil, cgroupPath: String? = nil, hasFile: Bool = true
  ) {
    self.uid = uid
    self.gid = gid
    self.supplementaryGroups = supplementaryGroups
    self.mark = mark
    self.isTransparent = isTransparent
    self.isWildcard = isWildcard
    self.cgroupClass = cgroupClass
    self.cgroupPath = cgroupPath
    self.hasFile = hasFile
  }

  /// A socket of the kernel itself, by which it sends errors and resets: in no control group but the root.
  public static let kernel = SocketFacts(cgroupClass: 0, cgroupPath: "/", hasFile: false)
}
