public import Wire
import XTables

/// `ip link add` and `ip link set`.
public struct IPLink: Sendable, Hashable {
  /// The kinds of interfaces that can be created.
  public enum Kind: String, Sendable, Hashable { case bridge, dummy }

  /// The interface's new master (`master`, `nomaster`).
  public enum Master: Sendable, Hashable {
    case none
    case bridge(String)
  }

  /// The name of the interface.
  public var name: String
  /// The kind of interface to create; nil for an existing interface.
  public var made: Kind?
  /// The families whose rules a new bridge asks whatever the sysctls say: `nf_call_iptables 1`, `nf_call_ip6tables 1`.
  public var calledFamilies: Set<Family> = []
  /// `up` or `down`; nil leaves the state as it is.
  public var isUp: Bool?
  /// The MTU in bytes, at least 68; nil leaves it as it is.
  public var mtu: UInt32?
  /// The bridge to join or leave; nil leaves the membership as it is.
  public var master: Master?
  /// The interface group; nil leaves it as it is.
  public var group: UInt32?
  /// The hardware address; nil leaves it as it is.
  public var hardwareAddress: MACAddress?
  /// `arp off` or `arp on`; nil leaves it as it is. Kernel: `IFF_NOARP`.
  public var hasNoARP: Bool?
  /// `carrier off` or `carrier on`; nil leaves it as it is. Kernel: `dev_change_carrier`.
  public var hasCarrier: Bool?

  init(_ verb: String, _ words: inout IPWords) throws(HostError) {
    let isNew: Bool
    switch verb {
    case "add", "a": isNew = true
    case "set", "s", "change": isNew = false
    default: throw words.error("`link \(verb)' is not supported")
    }
    name = ""
    while let word = words.next() {
      switch word {
      case "dev": name = try words.interface(word)
      case "name" where isNew: name = try words.interface(word)
      case "type" where isNew: try readKind(&words)
      default:
        if try readProperty(word, &words) { continue }
        guard name.isEmpty, InterfaceName.isValid(word) else { throw words.error("link: `\(word)' is not supported") }
        name = word
      }
    }
    guard !name.isEmpty else { throw words.error("link needs a name") }
    guard !isNew || made != nil else { throw words.error("link add needs a type: bridge or dummy") }
  }

  /// Parses the words after `type`.
  private mutating func readKind(_ words: inout IPWords) throws(HostError) {
    let text = try words.value("type")
    guard let kind = Kind(rawValue: text) else {
      throw words.error("an interface of type \(text) is not supported; use bridge or dummy")
    }
    made = kind
    let calls: [String: Family] = ["nf_call_iptables": .ipv4, "nf_call_ip6tables": .ipv6]
    // The simulated bridge has neither multicast snooping nor a spanning tree.
    while kind == .bridge, let option = words.next(ifIn: ["mcast_snooping", "stp_state"] + calls.keys) {
      let value = try words.number(option)
      if let family = calls[option], value == 1 { calledFamilies.insert(family) }
      guard value == 0 || value == 1 && calls[option] != nil else { throw words.error("\(option) must be 0") }
    }
  }

  /// Returns false for an unknown word.
  private mutating func readProperty(_ word: String, _ words: inout IPWords) throws(HostError) -> Bool {
    switch word {
    case "up": isUp = true
    case "down": isUp = false
    case "mtu":
      let value = try words.number(word)
      guard (68...0x7FFF_FFFF).contains(value) else { throw words.error("the MTU must be at least 68 bytes") }
      mtu = value
    case "master": master = .bridge(try words.interface(word))
    case "nomaster": master = IPLink.Master.none
    case "group":
      let value = try words.value(word)
      guard let number = value == "default" ? 0 : IPWords.number(value) else { throw words.error("group needs a number, not \(value)") }
      group = number
    case "address":
      let value = try words.value(word)
      guard let address = MACAddress(value) else { throw words.error("\(value) is not a MAC address") }
      hardwareAddress = address
    case "arp", "carrier":
      guard let state = words.next(ifIn: ["on", "off"]) else { throw words.error("\(word) must be on or off") }
      if word == "arp" { hasNoARP = state == "off" } else { hasCarrier = state == "on" }
    case "txqueuelen", "qlen", "txqlen": _ = try words.number(word)
    default: return false
    }
    return true
  }
}

extension Host {
  func apply(_ link: IPLink, _ line: String) throws(HostError) {
    if let kind = link.made {
      addDevice(named: link.name, hardwareAddress: MACAddress(rawValue: 0x0200_0000_FF00 + UInt64(devices.count)), isUp: false)
      // The group of new interfaces. Kernel: `INIT_NETDEV_GROUP`.
      updateDevice(named: link.name) { $0.group = 0 }
      updateDevice(named: link.name) { ($0.isBridge, $0.calledFamilies) = (kind == .bridge, link.calledFamilies) }
    }
    guard deviceIndex(named: link.name) != nil else { throw HostError(line, "there is no interface \(link.name)") }
    updateDevice(named: link.name) { device in
      if let isUp = link.isUp { device.isUp = isUp }
      if let mtu = link.mtu { device.mtu = Int(mtu) }
      if let group = link.group { device.group = group }
      if let address = link.hardwareAddress {
        device.hardwareAddress = address
        device.isHardwareAddressStated = true
      }
      if let hasNoARP = link.hasNoARP { device.hasNoARP = hasNoARP }
      if let hasCarrier = link.hasCarrier { device.hasCarrier = hasCarrier }
      switch link.master {
      case nil: break
      case .some(.none): device.bridge = nil
      case .bridge(let name): device.bridge = name
      }
    }
  }
}
