import Grammar
import Lab
public import Wire
import XTables

/// The host that drawn rules and packets are about: three networks, what is behind them, and the words rules use for them.
///
/// It is always the same host, so that the kernel's namespaces can be used again and a scenario's file stays short.
public struct FuzzHost: Sendable {
  public let family: AddressFamily
  /// The network of each interface, in order: its own address and two neighbours.
  public let networks: [Network]
  /// Hosts behind the default route.
  public let remotes: [IPAddress]

  public struct Network: Sendable {
    public let interface: String
    public let address: IPAddress
    public let prefixLength: Int
    public let neighbours: [IPAddress]
  }

  public init(_ family: AddressFamily) {
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
        Network(interface: name, address: $0, prefixLength: length, neighbours: neighbours.compactMap { IPAddress($0) })
      }
    }
    remotes = (isFour ? ["203.0.113.5", "203.0.113.6"] : ["2001:db8:9::5", "2001:db8:9::6"]).compactMap { IPAddress($0) }
  }

  var topology: JSONValue {
    let faces = networks.map { JSONObject.Member($0.interface, [.string("\($0.address)/\($0.prefixLength)")]) }
    let setup: JSONValue =
      family == .ipv4
      ? ["route add default via 198.51.100.2 dev eth2", "link set eth1 group 5"]
      : ["route add default via 2001:db8:1::2 dev eth2", "link set eth1 group 5"]
    return ["ifaces": .object(JSONObject(faces)), "setup": setup]
  }

  /// The interface behind which an address is.
  func interface(towards address: IPAddress) -> String {
    let network = networks.first { network in
      let hostBits = UInt128(address.family.addressBits - network.prefixLength)
      return network.address.family == address.family && network.address.bits >> hostBits == address.bits >> hostBits
    }
    return network?.interface ?? networks[networks.count - 1].interface
  }

  /// Whether packets come from this address: what answers to a broadcast or multicast source is no firewall's matter.
  func canSpeak(_ address: IPAddress, here isLocal: Bool) -> Bool {
    guard !address.isMulticast, isLocal || address.family == .ipv4 || !isOwn(address) else { return false }
    return !networks.contains { network in
      let hosts = (UInt128(1) << UInt128(address.family.addressBits - network.prefixLength)) - 1
      return address.family == .ipv4 && address.bits == network.address.bits | hosts
    }
  }

  func isOwn(_ address: IPAddress) -> Bool { networks.contains { $0.address == address } }

  /// Names as rules use them, those of the sets among them.
  var names: NameDatabase { NameDatabase.builtin.knowing(sets: sets) }

  /// The sets that rules may name, when the scenario has any.
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
  /// These names, and those of the sets in `ipset save` text.
  func knowing(sets text: String) -> NameDatabase {
    (try? AddressSets(saved: text, now: 0, names: self))?.names(over: self) ?? self
  }
}
