/// A type of ipset: how its elements are kept and what they are made of.
public struct AddressSetType: Sendable, Hashable {
  /// One of the things an element is made of.
  public enum Dimension: String, Sendable, Hashable {
    case address = "ip"
    case network = "net"
    case port
    case hardwareAddress = "mac"
    case interface = "iface"
    case mark
    /// Another set, for `list:set`.
    case set
  }

  /// `hash:ip,port`.
  public let name: String
  /// `bitmap`, `hash` or `list`.
  public let method: String
  public let dimensions: [Dimension]

  /// The type of a name such as `hash:ip,port,net`; nothing where the kernel has none of that name.
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

  public var isList: Bool { method == "list" }

  /// Sets with networks may hold exceptions: elements that say no.
  var allowsExceptions: Bool { dimensions.contains(.network) }

  /// How many directions a rule must give.
  var directionCount: Int { isList ? 1 : dimensions.count }
}

/// One value of an element.
public enum AddressSetValue: Sendable, Hashable {
  /// An address, or the network of its leading bits; IPv4 addresses stand in the low 32 bits.
  case network(UInt128, prefix: Int)
  case port(proto: UInt8, number: UInt16)
  case hardwareAddress(UInt64)
  case interface(String)
  case mark(UInt32)
  case set(String)
}
