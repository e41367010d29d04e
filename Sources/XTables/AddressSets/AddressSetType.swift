/// A type of ipset: its method of storage and the dimensions of its elements.
public struct AddressSetType: Sendable, Hashable {
  /// One dimension of an element.
  public enum Dimension: String, Sendable, Hashable {
    /// An IP address.
    case address = "ip"
    /// An IP network.
    case network = "net"
    /// A port with its protocol.
    case port
    /// A hardware address.
    case hardwareAddress = "mac"
    /// The name of an interface.
    case interface = "iface"
    /// A packet mark.
    case mark
    /// The name of another set, for `list:set`.
    case set
  }

  /// The name, such as `hash:ip,port`.
  public let name: String
  /// The method of storage: `bitmap`, `hash` or `list`.
  public let method: String
  /// The dimensions in the order of the name.
  public let dimensions: [Dimension]

  /// The type with a name such as `hash:ip,port,net`; nil if the kernel has no such type.
  public init?(_ name: some StringProtocol) {
    let known = [
      "bitmap:ip", "bitmap:ip,mac", "bitmap:port", "hash:ip", "hash:ip,mac", "hash:ip,mark", "hash:ip,port", "hash:ip,port,ip",
      "hash:ip,port,net", "hash:mac", "hash:net", "hash:net,iface", "hash:net,net", "hash:net,port", "hash:net,port,net", "list:set",
    ]
    guard known.contains(where: { $0 == name }) else { return nil }
    let parts = name.split(separator: ":")
    self.name = String(name)
    method = String(parts[0])
    dimensions = parts[1].split(separator: ",").compactMap { Dimension(rawValue: String($0)) }
  }

  /// Whether the elements are other sets.
  public var isList: Bool { method == "list" }

  /// Whether elements may be exceptions (`nomatch`), which only sets with networks have.
  var allowsExceptions: Bool { dimensions.contains(.network) }

  /// The smallest number of directions that a rule must give.
  var directionCount: Int { isList ? 1 : dimensions.count }
}

/// The value of an element in one dimension.
public enum AddressSetValue: Sendable, Hashable {
  /// An address, or a network of its leading bits. IPv4 addresses are in the low 32 bits.
  case network(UInt128, prefix: Int)
  /// A port, or an ICMP type and code, with its protocol. The protocol is 0 in a bitmap.
  case port(proto: UInt8, number: UInt16)
  /// A hardware address in the low 48 bits.
  case hardwareAddress(UInt64)
  /// The name of an interface.
  case interface(String)
  /// A packet mark.
  case mark(UInt32)
  /// The name of a member set.
  case set(String)
}
