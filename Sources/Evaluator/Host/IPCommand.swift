import Wire
import XTables

/// Why a host cannot be set up as told.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line, or the path in the document.
  public let place: String
  public let reason: String

  public init(_ place: String, _ reason: String) {
    self.place = place
    self.reason = reason
  }

  public var description: String { "\(place): \(reason)" }
}

extension Host {
  /// Does what a line for `ip -batch` says: `route add default via 192.0.2.1 dev eth0`, `addr add`, `link set`, `rule add`.
  ///
  /// What has no bearing on packets here (queueing) is passed over.
  public func apply(ipCommand line: String) throws(HostError) {
    var words = IPWords(line)
    var family: Family?
    while let option = words.next(ifIn: ["-4", "-6"]) { family = option == "-6" ? .ipv6 : .ipv4 }
    guard let object = words.next() else { return }
    let verb = words.next() ?? "show"
    switch object {
    case "route", "r", "ro": try applyRoute(verb, &words, family)
    case "rule", "ru": try applyRule(verb, &words, family)
    case "addr", "address", "a": try applyAddress(verb, &words)
    case "link", "l": try applyLink(verb, &words)
    case "neigh", "neighbour", "neighbor", "n": try applyNeighbour(verb, &words)
    default: throw words.error("ip knows no \(object), or it is not understood here")
    }
  }

  private func applyAddress(_ verb: String, _ words: inout IPWords) throws(HostError) {
    var address: Address?
    var name: String?
    while let word = words.next() {
      switch word {
      case "dev": name = try words.value(word)
      case "broadcast", "brd":
        let value = try words.value(word)
        // A plus stands for the address with all bits of the host set.
        let last = address.map { IPAddress(family: .ipv4, bits: $0.network | ~$0.mask & 0xFFFF_FFFF) }
        address?.broadcast = value == "+" ? last : IPAddress(value)
      case "scope": address?.scope = RouteScope(name: try words.value(word)) ?? .universe
      case "peer":
        guard let peer = Address(try words.value(word)) else { throw words.error("no peer address") }
        address?.peer = peer.address
        address?.prefixLength = peer.prefixLength
      case "label", "metric", "valid_lft", "preferred_lft": _ = try words.value(word)
      case "nodad", "noprefixroute", "local": continue
      default:
        guard let given = Address(word) else { throw words.error("no address: \(word)") }
        address = given
      }
    }
    guard let address, let name, deviceIndex(named: name) != nil else { throw words.error("addr needs an address and dev NAME") }
    switch verb {
    case "add", "a", "replace": updateDevice(named: name) { $0.addresses.append(address) }
    case "del", "delete", "d": updateDevice(named: name) { $0.addresses.removeAll { $0.address == address.address } }
    default: throw words.error("addr \(verb) is not understood here")
    }
  }

  private func applyLink(_ verb: String, _ words: inout IPWords) throws(HostError) {
    var name: String?
    var type: String?
    var changes: [(inout Device) -> Void] = []
    while let word = words.next() {
      switch word {
      case "dev", "name": name = try words.value(word)
      case "type": type = try words.value(word)
      case "up": changes.append { $0.isUp = true }
      case "down": changes.append { $0.isUp = false }
      case "mtu":
        let mtu = Int(try words.number(word))
        changes.append { $0.mtu = mtu }
      case "master":
        let bridge = try words.value(word)
        changes.append { $0.bridge = bridge }
      case "group":
        let group = UInt32(truncatingIfNeeded: try words.number(word))
        changes.append { $0.group = group }
      case "nomaster": changes.append { $0.bridge = nil }
      case "address":
        let value = try words.value(word)
        guard let address = MACAddress(value) else { throw words.error("no hardware address: \(value)") }
        changes.append { $0.hardwareAddress = address }
      case "arp":
        let isOff = try words.value(word) == "off"
        changes.append { $0.hasNoARP = isOff }
      default:
        if name == nil { name = word } else if words.isDone || type != nil { continue } else { _ = try words.value(word) }
      }
    }
    guard let name else { throw words.error("link needs a name") }
    if verb == "add" || verb == "a" {
      addDevice(named: name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_FF00 + UInt64(devices.count)), isUp: false)
      updateDevice(named: name) { $0.isBridge = type == "bridge" }
    }
    guard deviceIndex(named: name) != nil else { throw words.error("no such interface: \(name)") }
    updateDevice(named: name) { device in for change in changes { change(&device) } }
  }
}
