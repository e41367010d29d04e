public import Wire

/// The system's names for protocols and services, passed in so that parsing depends on nothing ambient.
///
/// `getprotobyname(3)` and `getservbyname(3)` answer the same questions for iptables.
public final class NameDatabase: Sendable {
  public let protocolNumber: @Sendable (String) -> UInt8?
  public let protocolName: @Sendable (UInt8) -> String?
  /// The port of a service under a protocol name (`tcp`, `udp`, …; nothing means any).
  public let port: @Sendable (_ service: String, _ protocol: String?) -> UInt16?
  /// The numeric id of a user and of a group.
  public let userID: @Sendable (String) -> UInt32?
  public let groupID: @Sendable (String) -> UInt32?
  /// The other way round, for listings that are not numeric.
  public let serviceName: @Sendable (_ port: UInt16, _ protocol: String?) -> String?
  public let userName: @Sendable (UInt32) -> String?
  public let groupName: @Sendable (UInt32) -> String?
  /// The addresses of a host or a network as numbers, and the name of one; none where names are not resolved.
  public let hostAddresses: @Sendable (String, Family) -> [UInt128]
  public let hostName: @Sendable (UInt128, Family) -> String?
  /// The name a number has in a table of `iproute2`, `rt_realms` or `group`, and the number of a name.
  public let routeName: @Sendable (_ number: UInt32, _ table: String) -> String?
  public let routeNumber: @Sendable (_ name: String, _ table: String) -> UInt32?
  /// The bit a connection label has in `connlabel.conf`, and the label of a bit.
  public let connectionLabel: @Sendable (String) -> UInt16?
  public let connectionLabelName: @Sendable (UInt16) -> String?
  /// What is known of a set of addresses by its name, and the name of a set by its index.
  public let addressSet: @Sendable (String) -> AddressSetAnswer
  public let addressSetName: @Sendable (UInt16) -> String?
  /// Whether an object is pinned at a path of the kernel's; nothing where nobody was asked.
  public let isPinned: @Sendable (_ path: String) -> Bool?

  /// What the kernel says of an ipset.
  public enum AddressSetAnswer: Sendable, Hashable {
    /// Nobody was asked.
    case unknown
    case missing
    /// The index, and the family where the set has one.
    case found(UInt16, Family?)
  }

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

  /// The same names, but the sets of addresses known otherwise.
  public func with(
    addressSet: @escaping @Sendable (String) -> AddressSetAnswer, addressSetName: @escaping @Sendable (UInt16) -> String?
  ) -> NameDatabase {
    NameDatabase(
      protocolNumber: protocolNumber, protocolName: protocolName, port: port, userID: userID, groupID: groupID,
      serviceName: serviceName, userName: userName, groupName: groupName, hostAddresses: hostAddresses, hostName: hostName,
      routeName: routeName, routeNumber: routeNumber, connectionLabel: connectionLabel,
      connectionLabelName: connectionLabelName, addressSet: addressSet, addressSetName: addressSetName, isPinned: isPinned)
  }

  /// The same names, and nobody to ask what a kernel holds at the moment: its sets, and the objects pinned to its paths.
  public var withoutKernel: NameDatabase {
    NameDatabase(
      protocolNumber: protocolNumber, protocolName: protocolName, port: port, userID: userID, groupID: groupID,
      serviceName: serviceName, userName: userName, groupName: groupName, hostAddresses: hostAddresses, hostName: hostName,
      routeName: routeName, routeNumber: routeNumber, connectionLabel: connectionLabel, connectionLabelName: connectionLabelName)
  }

  /// The same names, and hosts and networks resolved as well: what the iptables commands do.
  public func resolving(
    addresses: @escaping @Sendable (String, Family) -> [UInt128], name: @escaping @Sendable (UInt128, Family) -> String?
  ) -> NameDatabase {
    NameDatabase(
      protocolNumber: protocolNumber, protocolName: protocolName, port: port, userID: userID, groupID: groupID,
      serviceName: serviceName, userName: userName, groupName: groupName, hostAddresses: addresses, hostName: name,
      routeName: routeName, routeNumber: routeNumber, connectionLabel: connectionLabel,
      connectionLabelName: connectionLabelName, addressSet: addressSet, addressSetName: addressSetName, isPinned: isPinned)
  }

  /// No names but those built into iptables: what a reproducible test wants.
  public static let builtin = NameDatabase()
}

/// The protocol names iptables knows by itself; the corresponding C table is `xtables_chain_protos`.
public enum BuiltinProtocol {
  public static let names: [(name: String, number: UInt8)] = [
    ("tcp", 6), ("sctp", 132), ("udp", 17), ("udplite", 136), ("icmp", 1), ("icmpv6", 58), ("ipv6-icmp", 58),
    ("esp", 50), ("ah", 51), ("ipv6-mh", 135), ("mh", 135), ("all", 0),
  ]

  public static func number(_ name: String) -> UInt8? { names.first { $0.name == name }?.number }

  /// The name save prints for a number, before the system's names are asked.
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
