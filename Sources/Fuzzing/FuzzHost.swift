import Documents
import Grammar
public import Wire
import XTables

/// A host for drawn rules and packets: its networks, the hosts behind them, and the words for them in rules. ``HostDrawing`` changes the usual
/// host, which has three networks.
public struct FuzzHost: Sendable {
  /// The family of all addresses.
  public let family: Family
  /// The networks; the first three of the usual host in the order of the interfaces.
  public internal(set) var networks: [Network]
  /// Addresses of hosts behind the default route.
  public let remotes: [IPAddress]
  /// The interfaces with the addresses that they have before the commands of ``setup``.
  var interfaces: [Face]
  /// Commands of `ip` without that word.
  var setup: [String]
  /// Sysctls that differ from the lab's.
  var sysctls: [(name: String, value: Int)] = []
  /// The host's further addresses in its networks.
  var others: [IPAddress] = []

  /// An interface as the topology of a scenario has it.
  struct Face {
    let name: String
    let addresses: [String]
  }

  /// An interface with its network.
  public struct Network: Sendable {
    /// The interface's name, as rules and routes have it.
    public let interface: String
    /// The host's own address in the network.
    public let address: IPAddress
    /// The length of the network's prefix in bits.
    public let prefixLength: Int
    /// The addresses of two other hosts in the network.
    public let neighbours: [IPAddress]
    /// The interfaces on which frames of the network arrive: the interface itself, or the ports of a bridge.
    public let ports: [String]
  }

  /// Creates the host for a family.
  public init(_ family: Family) {
    self.family = family
    let isFour = family == .ipv4
    let texts: [(String, String, Int, [String])] =
      isFour
      ? [
        ("eth0", "10.0.0.1", 24, ["10.0.0.9", "10.0.0.10"]), ("eth1", "10.0.1.1", 24, ["10.0.1.9", "10.0.1.10"]),
        ("eth2", "198.51.100.1", 24, ["198.51.100.7"]),
      ]
      : [
        ("eth0", "fd00::1", 64, ["fd00::9", "fd00::a"]), ("eth1", "fd01::1", 64, ["fd01::9", "fd01::a"]),
        ("eth2", "2001:db8:1::1", 64, ["2001:db8:1::7"]),
      ]
    networks = texts.compactMap { name, address, length, neighbours in
      IPAddress(address).map {
        Network(interface: name, address: $0, prefixLength: length, neighbours: neighbours.compactMap { IPAddress($0) }, ports: [name])
      }
    }
    interfaces = texts.map { Face(name: $0.0, addresses: ["\($0.1)/\($0.2)"]) }
    setup = ["route add default via \(isFour ? "198.51.100.2" : "2001:db8:1::2") dev eth2", "link set eth1 group 5"]
    remotes = (isFour ? ["203.0.113.5", "203.0.113.6"] : ["2001:db8:9::5", "2001:db8:9::6"]).compactMap { IPAddress($0) }
  }

  var topology: JSONValue {
    let faces = interfaces.map { JSONObject.Member($0.name, .array($0.addresses.map { .string($0) })) }
    return ["ifaces": .object(JSONObject(faces)), "setup": .array(setup.map { .string($0) })]
  }

  /// True if the host is a bridge between two of its interfaces.
  var hasBridge: Bool { networks.contains { $0.ports.count > 1 } }

  /// The hardware address of a host behind a bridge.
  static func hardwareAddress(of address: IPAddress) -> MACAddress {
    MACAddress(rawValue: 0x02FF_0000_0000 | UInt64(truncatingIfNeeded: address.bits & 0xFFFF_FFFF))
  }

  /// The interface of the route to an address.
  func interface(towards address: IPAddress) -> String {
    let network = networks.first { network in
      let hostBits = UInt128(address.family.addressBits - network.prefixLength)
      return network.address.family == address.family && network.address.bits >> hostBits == address.bits >> hostBits
    }
    return network?.interface ?? networks[networks.count - 1].interface
  }

  /// True if packets may come from this address. Answers to broadcast and multicast sources are outside the scope of a firewall.
  func canSpeak(_ address: IPAddress, here isLocal: Bool) -> Bool {
    guard !address.isMulticast, isLocal || address.family == .ipv4 || !isOwn(address) else { return false }
    return !networks.contains { network in
      let hosts = (UInt128(1) << UInt128(address.family.addressBits - network.prefixLength)) - 1
      return address.family == .ipv4 && address.bits == network.address.bits | hosts
    }
  }

  func isOwn(_ address: IPAddress) -> Bool { networks.contains { $0.address == address } || others.contains(address) }

  /// True if the address is one of this host or of a neighbour.
  func isKnown(_ address: IPAddress) -> Bool { isOwn(address) || networks.contains { $0.neighbours.contains(address) } }

  /// The names that rules may use, including those of the sets.
  var names: NameDatabase { NameDatabase.builtin.knowing(sets: sets) }

  /// The sets that rules may use, as `ipset save` text.
  var sets: String {
    let inet = family == .ipv4 ? "inet" : "inet6"
    let (near, far, net) = family == .ipv4 ? ("10.0.0.9", "10.0.1.9", "10.0.0.8/30") : ("fd00::9", "fd01::9", "fd00::8/126")
    return """
      create hosts hash:ip family \(inet) counters timeout 0
      add hosts \(near) packets 1 bytes 40
      create nets hash:net family \(inet)
      add nets \(net)
      add nets \(near) nomatch
      create services hash:ip,port family \(inet)
      add services \(far),tcp:80
      add services \(far),udp:53
      create pairs hash:ip,port,ip family \(inet)
      add pairs \(near),tcp:80,\(far)
      create all list:set size 8
      add all hosts
      add all nets
      create ports bitmap:port range 0-1100
      add ports 53
      add ports 1000
      create marks hash:ip family \(inet) skbinfo
      add marks \(near) skbmark 0x12/0xff skbprio 1:2

      """
  }
}

extension NameDatabase {
  /// These names with those of the sets in `ipset save` text added.
  func knowing(sets text: String) -> NameDatabase {
    (try? AddressSets(saved: text, now: 0, names: self))?.names(over: self) ?? self
  }
}
