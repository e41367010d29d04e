public import Wire

/// Name look-ups of the system, passed in as values so that parsing depends on no global state.
///
/// The corresponding C functions are `getprotobyname(3)`, `getservbyname(3)` and the like. Each look-up returns nil if the name or
/// number is unknown.
public final class NameDatabase: Sendable {
  /// The number of a protocol.
  public let protocolNumber: @Sendable (String) -> UInt8?
  /// The name of a protocol.
  public let protocolName: @Sendable (UInt8) -> String?
  /// The port of a service of a protocol (`tcp`, `udp`, …; nil for any).
  public let port: @Sendable (_ service: String, _ protocol: String?) -> UInt16?
  /// The id of a user.
  public let userID: @Sendable (String) -> UInt32?
  /// The id of a group.
  public let groupID: @Sendable (String) -> UInt32?
  /// The name of a service, for listings that are not numeric.
  public let serviceName: @Sendable (_ port: UInt16, _ protocol: String?) -> String?
  /// The name of a user.
  public let userName: @Sendable (UInt32) -> String?
  /// The name of a group.
  public let groupName: @Sendable (UInt32) -> String?
  /// The addresses of a host or network; empty if it has none or names are not resolved.
  public let hostAddresses: @Sendable (String, Family) -> [UInt128]
  /// The name of an address.
  public let hostName: @Sendable (UInt128, Family) -> String?
  /// The name of a number in a table of iproute2: `rt_realms` or `group`.
  public let routeName: @Sendable (_ number: UInt32, _ table: String) -> String?
  /// The number of a name in a table of iproute2.
  public let routeNumber: @Sendable (_ name: String, _ table: String) -> UInt32?
  /// The bit of a connection label in `connlabel.conf`.
  public let connectionLabel: @Sendable (String) -> UInt16?
  /// The connection label of a bit in `connlabel.conf`.
  public let connectionLabelName: @Sendable (UInt16) -> String?
  /// The index and family of an ipset by its name.
  public let addressSet: @Sendable (String) -> AddressSetAnswer
  /// The name of an ipset by its index.
  public let addressSetName: @Sendable (UInt16) -> String?
  /// Whether an object is pinned at a path of the BPF file system; nil if no kernel was asked.
  public let isPinned: @Sendable (_ path: String) -> Bool?

  /// The result of looking up an ipset.
  public enum AddressSetAnswer: Sendable, Hashable {
    /// No kernel was asked.
    case unknown
    /// The set does not exist.
    case missing
    /// The index of the set, and its family if it has one.
    case found(UInt16, Family?)
  }

  /// Creates a database. Look-ups that are not given return nothing.
  public init(
    protocolNumber: @escaping @Sendable (String) -> UInt8? = { _ in nil },
    protocolName: @escaping @Sendable (UInt8) -> String? = { _ in nil },
    port: @escaping @Sendable (String, String?) -> UInt16? = { _, _ in nil },
    userID: @escaping @Sendable (String) -> UInt32? = { _ in nil },
    groupID: @escaping @Sendable (String) -> UInt32? = { _ in nil },
    serviceName: @escaping @Sendable (UInt16, String?) -> String? = { _, _ in nil },
    userName: @escaping @Sendable (UInt32) -> String? = { _ in nil },
    groupName: @escaping @Sendable (UInt32) -> String? = { _ in nil },
    hostAddresses: @escaping @Sendable (String, Family) -> [UInt128] = { _, _ in [] },
    hostName: @escaping @Sendable (UInt128, Family) -> String? = { _, _ in nil },
    routeName: @escaping @Sendable (UInt32, String) -> String? = { _, _ in nil },
    routeNumber: @escaping @Sendable (String, String) -> UInt32? = { _, _ in nil },
    connectionLabel: @escaping @Sendable (String) -> UInt16? = { _ in nil },
    connectionLabelName: @escaping @Sendable (UInt16) -> String? = { _ in nil },
    addressSet: @escaping @Sendable (String) -> AddressSetAnswer = { _ in .unknown },
    addressSetName: @escaping @Sendable (UInt16) -> String? = { _ in nil },
    isPinned: @escaping @Sendable (String) -> Bool? = { _ in nil }
  ) {
    self.protocolNumber = protocolNumber
    self.protocolName = protocolName
    self.port = port
    self.userID = userID
    self.groupID = groupID
    self.serviceName = serviceName
    self.userName = userName
    self.groupName = groupName
    self.hostAddresses = hostAddresses
    self.hostName = hostName
    self.routeName = routeName
    self.routeNumber = routeNumber
    self.connectionLabel = connectionLabel
    self.connectionLabelName = connectionLabelName
    self.addressSet = addressSet
    self.addressSetName = addressSetName
    self.isPinned = isPinned
  }

  /// The same names with other ipsets, and other pinned objects if they are given.
  public func with(
    addressSet: @escaping @Sendable (String) -> AddressSetAnswer, addressSetName: @escaping @Sendable (UInt16) -> String?,
    isPinned: (@Sendable (String) -> Bool?)? = nil
  ) -> NameDatabase {
    NameDatabase(
      protocolNumber: protocolNumber, protocolName: protocolName, port: port, userID: userID, groupID: groupID,
      serviceName: serviceName, userName: userName, groupName: groupName, hostAddresses: hostAddresses, hostName: hostName,
      routeName: routeName, routeNumber: routeNumber, connectionLabel: connectionLabel,
      connectionLabelName: connectionLabelName, addressSet: addressSet, addressSetName: addressSetName, isPinned: isPinned ?? self.isPinned)
  }

  /// The same names with resolution of hosts and networks, as in the iptables commands.
  public func resolving(
    addresses: @escaping @Sendable (String, Family) -> [UInt128], name: @escaping @Sendable (UInt128, Family) -> String?
  ) -> NameDatabase {
    NameDatabase(
      protocolNumber: protocolNumber, protocolName: protocolName, port: port, userID: userID, groupID: groupID,
      serviceName: serviceName, userName: userName, groupName: groupName, hostAddresses: addresses, hostName: name,
      routeName: routeName, routeNumber: routeNumber, connectionLabel: connectionLabel,
      connectionLabelName: connectionLabelName, addressSet: addressSet, addressSetName: addressSetName, isPinned: isPinned)
  }

  /// A database without any name of the system, for reproducible results. The names built into iptables are known without it.
  public static let builtin = NameDatabase()
}

/// The protocol names that are built into iptables. The corresponding C table is `xtables_chain_protos`.
public enum BuiltinProtocol {
  /// All names in the order of the C table.
  public static let names: [(name: String, number: UInt8)] = [
    ("tcp", 6), ("sctp", 132), ("udp", 17), ("udplite", 136), ("icmp", 1), ("icmpv6", 58), ("ipv6-icmp", 58),
    ("esp", 50), ("ah", 51), ("ipv6-mh", 135), ("mh", 135), ("all", 0),
  ]

  /// The number of a built-in name.
  public static func number(_ name: String) -> UInt8? { names.first { $0.name == name }?.number }

  /// The name that iptables-save prints for a number without asking the system; nil if it has none.
  public static func savedName(_ number: UInt8) -> String? {
    switch number {
    case 6: "tcp"
    case 132: "sctp"
    case 17: "udp"
    case 136: "udplite"
    case 1: "icmp"
    case 58: "ipv6-icmp"
    case 50: "esp"
    case 51: "ah"
    case 135: "mobility-header"
    default: nil
    }
  }
}
