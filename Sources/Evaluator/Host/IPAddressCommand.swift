import Wire
import XTables

/// `ip address add` and `ip address del`.
public struct IPInterfaceAddress: Sendable, Hashable {
  /// `add`, `replace` or `delete`.
  public var verb: IPCommand.Verb
  /// The name of the interface.
  public var device: String
  /// The address to add or remove.
  public var address: Host.Address

  init(_ verb: String, _ words: inout IPWords) throws(HostError) {
    self.verb = try IPCommand.verb(verb, of: "addr", words, among: [.add, .replace, .delete])
    var address: Host.Address?
    var device: String?
    var scope: RouteScope?
    var broadcast: String?
    var peer: Host.Address?
    var hasPrefixRoute = true
    while let word = words.next() {
      switch word {
      case "dev": device = try words.interface(word)
      case "broadcast", "brd": broadcast = try words.value(word)
      case "scope":
        let name = try words.value(word)
        guard let given = RouteScope(name: name) else { throw words.error("\(name) is not a scope") }
        scope = given
      case "peer":
        let value = try words.value(word)
        guard let given = Host.Address(value) else { throw words.error("\(value) is not a peer address") }
        peer = given
      case "label": _ = try words.value(word)
      case "valid_lft", "preferred_lft":
        guard try words.value(word) == "forever" else { throw words.error("\(word) must be forever: addresses do not expire here") }
      case "noprefixroute": hasPrefixRoute = false
      case "nodad", "local": continue
      default:
        guard address == nil, let given = Host.Address(word) else { throw words.error("\(word) is not an address") }
        address = given
      }
    }
    guard var address, let device else { throw words.error("addr needs an address and dev NAME") }
    if let peer {
      guard peer.address.family == address.address.family else { throw words.error("address and peer must be of the same family") }
      address = address.facing(peer)
    }
    if let broadcast { address.broadcast = try Self.broadcast(broadcast, of: address, words) }
    if let scope { address.scope = scope }
    address.hasPrefixRoute = hasPrefixRoute
    self.address = address
    self.device = device
  }

  /// `+` stands for the address with all host bits set.
  private static func broadcast(_ text: String, of address: Host.Address, _ words: IPWords) throws(HostError) -> IPAddress {
    guard address.address.family == .ipv4 else { throw words.error("IPv6 has no broadcast addresses") }
    if text == "+" { return IPAddress(family: .ipv4, bits: address.network | ~address.mask & 0xFFFF_FFFF) }
    guard let given = IPAddress(text), given.family == .ipv4 else { throw words.error("\(text) is not a broadcast address") }
    return given
  }
}

extension Host {
  func apply(_ change: IPInterfaceAddress, _ line: String) throws(HostError) {
    guard deviceIndex(named: change.device) != nil else { throw HostError(line, "there is no interface \(change.device)") }
    let address = change.address
    let isPromoting = sysctls.interface(.ipv4, change.device).joined("promote_secondaries") > 0
    updateDevice(named: change.device) { device in
      switch change.verb {
      case .delete: device.remove(address, promoting: isPromoting)
      default: device.add(address)
      }
    }
  }
}
