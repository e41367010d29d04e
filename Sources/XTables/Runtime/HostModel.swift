public import Wire

/// What matches and targets ask about the host: routes, addresses, sockets, sysctls.
///
/// The evaluator's host model implements it. If the user's host description is not sufficient, the answer is nil and the caller's
/// result is *unknown*.
public protocol HostModel: AnyObject {
  /// The facts that the description of the host leaves out.
  var missing: HostFacts { get }
  /// Whether the rules are in nf_tables, where some matches are counted otherwise.
  var usesNfTables: Bool { get }
  /// The type of an address as `inet_addr_type` gives it (`ipv6_addr_type` with a route look-up), optionally on one interface only.
  func addressType(_ address: IPAddress, on interface: Interface?) -> AddressType?
  /// Whether an IPv6 address may stand for several hosts, so that no ICMPv6 error is sent to it: an anycast address, or the network address of a
  /// route without a gateway. Kernel: `ipv6_anycast_destination`.
  func isAnycast(_ address: IPAddress) -> Bool
  /// True if an interface of the host has the address.
  func holds(_ address: IPAddress) -> Bool
  /// The route of a packet; nil if unknown.
  func route(to destination: IPAddress, from source: IPAddress?, mark: UInt32, input: Interface?, output: Interface?) -> RouteAnswer?
  /// The route back to the source of a packet, as rules look for it: also over a link that is down; nil if unknown.
  ///
  /// The corresponding kernel functions are `rpfilter_lookup_reverse` and `rpfilter_lookup_reverse6`.
  func routeBack(to source: IPAddress, from destination: IPAddress?, mark: UInt32, output: Interface?) -> RouteAnswer?
  /// The interface with a name; nil if there is none.
  func interface(named name: String) -> Interface?
  /// The group of an interface, as set by `ip link set group`; nil if unknown.
  func group(of interface: Interface) -> UInt32?
  /// Whether the host has IPsec policies or associations; nil if unknown.
  var usesIPsec: Bool? { get }
  /// The kernel's time zone in minutes west of Greenwich; nil if unknown. The corresponding kernel variable is `sys_tz`.
  var minutesWest: Int? { get }
  /// The addresses of an interface in the kernel's order; nil if they are unknown. Kernel: `in_device.ifa_list`, `inet6_dev.addr_list`.
  func addresses(of interface: Interface, _ family: Family) -> [IPAddress]?
  /// The source address for packets to `near` through an interface. Kernel: `inet_select_addr`, `ipv6_dev_get_saddr`.
  ///
  /// - Parameter onLink: true if an IPv4 address that is valid on its link only suffices (`RT_SCOPE_LINK`).
  func sourceAddress(through interface: Interface, to near: IPAddress, onLink: Bool) -> SourceAddress
  /// The socket that would receive a packet, as `nf_sk_lookup_slow_v4` finds it.
  func socket(for packet: Packet, _ input: Interface?) -> SocketAnswer
  /// The value of a sysctl by its dotted name; nil if unknown.
  func sysctl(_ name: String) -> Int?
  /// The limits for an ICMP message to an address; nil if its type is not limited.
  ///
  /// The corresponding kernel functions are `icmpv4_mask_allow` and `icmpv6_mask_allow`.
  func icmpRateLimit(type: UInt8, code: UInt8, to destination: IPAddress) -> ICMPRateLimit.Policy?
}

extension HostModel {
  /// The default: by the type of the address.
  public func isAnycast(_ address: IPAddress) -> Bool { addressType(address, on: nil) == .anycast }
  /// The default: the route of a packet to the source.
  public func routeBack(to source: IPAddress, from destination: IPAddress?, mark: UInt32, output: Interface?) -> RouteAnswer? {
    route(to: source, from: destination, mark: mark, input: nil, output: output)
  }
  /// The default: none.
  public var missing: HostFacts { [] }
  /// The default: they are in ip_tables and ip6_tables.
  public var usesNfTables: Bool { false }
  /// The default: unknown.
  public func group(of interface: Interface) -> UInt32? { nil }
  /// The default: unknown.
  public var usesIPsec: Bool? { nil }
  /// The default: unknown.
  public var minutesWest: Int? { nil }
  /// The default: no limit.
  public func icmpRateLimit(type: UInt8, code: UInt8, to destination: IPAddress) -> ICMPRateLimit.Policy? { nil }
}

/// The result of the selection of a source address.
public enum SourceAddress: Sendable, Hashable {
  /// The host uses this address.
  case address(IPAddress)
  /// The host has no address that fits.
  case none
  /// The host description does not say.
  case unknown
}

/// A network interface. It has no references to count, so that copies are cheap.
public struct Interface: Sendable, Hashable, BitwiseCopyable {
  /// The interface index (`ifindex`).
  public let index: Int32
  /// The name in the form that rules compare: 16 bytes, the first byte most significant.
  public let key: UInt128

  /// Creates an interface.
  ///
  /// - Parameter name: the name; at most 15 bytes of it are used (`IFNAMSIZ` less the NUL).
  public init(index: Int32, name: String) {
    self.index = index
    key = InterfacePattern(ArraySlice(name.utf8.prefix(15))).name
  }

  /// The name as a string.
  public var name: String { String(decoding: InterfacePattern(name: key, mask: .max).text, as: UTF8.self) }
}

/// The address types of `-m addrtype`. Raw values are the kernel's `RTN_*`.
public enum AddressType: Int, Sendable, CaseIterable {
  case unspecified = 0
  case unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, `throw`, nat, xresolve
}

/// The result of a route look-up.
public struct RouteAnswer: Sendable, Hashable {
  /// The type of the route (`RTN_*`).
  public let type: AddressType
  /// The outgoing interface; nil if the route has none.
  public let output: Interface?
  /// The next hop; nil if the destination is on the link.
  public let gateway: IPAddress?
  /// The source address that the host would use; nil if it has none.
  public let preferredSource: IPAddress?
  /// The MTU of the route in bytes.
  public let mtu: Int

  /// Creates a route.
  public init(type: AddressType, output: Interface?, gateway: IPAddress?, preferredSource: IPAddress?, mtu: Int = 1500) {
    self.type = type
    self.output = output
    self.gateway = gateway
    self.preferredSource = preferredSource
    self.mtu = mtu
  }
}

/// The result of a socket look-up.
public enum SocketAnswer: Sendable, Hashable {
  /// No socket would receive the packet.
  case none
  /// A socket would receive the packet.
  case socket(SocketFacts)
  /// The host description does not say.
  case unknown
}

/// What matches can read from a socket.
public struct SocketFacts: Sendable, Hashable {
  /// The user id of the socket's file.
  public var uid: UInt32
  /// The group id of the socket's file.
  public var gid: UInt32
  /// The supplementary groups of the socket's file.
  public var supplementaryGroups: [UInt32]
  /// The mark (`SO_MARK`).
  public var mark: UInt32
  /// Whether the socket is transparent (`IP_TRANSPARENT`).
  public var isTransparent: Bool
  /// Whether the socket is bound to the wildcard address.
  public var isWildcard: Bool
  /// The class id of the net_cls control group; nil if unknown.
  public var cgroupClass: UInt32?
  /// The path of the control group in the unified hierarchy; nil if unknown.
  public var cgroupPath: String?
  /// Whether the socket has a file, and so an owner. A socket of the kernel has none.
  public var hasFile: Bool
  /// True for a socket of the kernel's own, which sends errors and resets.
  public private(set) var isOfKernel = false
  /// Whether the socket is one of a process or of the kernel: not a connection that no process has accepted yet, or that its process has closed.
  /// Kernel: `sk_socket`.
  public var hasSocket: Bool { hasFile || isOfKernel }
  /// True for a connection before its handshake is complete or after its end. Kernel: `request_sock`, `inet_timewait_sock`, for which
  /// `sk_fullsock` is false.
  public var isRequest = false
  /// The facts of the sending process that are not known, although they have a value here.
  public var missing: HostFacts = []

  /// Creates the facts of a socket; by default one of root.
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

  /// The user id, or nil if it is not known.
  public var knownUser: UInt32? { missing.contains(.user) ? nil : uid }

  /// A socket of the kernel, which sends errors and resets. It has no owner and is in the root control group.
  public static let kernel = {
    var facts = SocketFacts(cgroupClass: 0, cgroupPath: "/", hasFile: false)
    facts.isOfKernel = true
    return facts
  }()
}
