public import Wire
public import XTables

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
  /// What has no bearing on packets here (neighbours, queueing) is passed over.
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
    case "neigh", "neighbour", "neighbor", "n": return
    default: throw words.error("ip knows no \(object), or it is not understood here")
    }
  }

  private func applyRoute(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    let route = try readRoute(&words, family)
    switch verb {
    case "add", "a", "replace", "append", "change": addRoute(route)
    case "del", "delete", "d": removeRoute(route)
    default: throw words.error("route \(verb) is not understood here")
    }
  }

  /// Reads a route as `ip route` prints one: `[type] prefix [via address] [dev name] …`.
  public func route(text: String, family: Family? = nil) throws(HostError) -> Route {
    var words = IPWords(text)
    return try readRoute(&words, family)
  }

  private func readRoute(_ words: inout IPWords, _ family: Family?) throws(HostError) -> Route {
    var type = AddressType.unicast
    if let word = words.next(ifIn: ["unicast", "local", "broadcast", "multicast", "unreachable", "prohibit", "blackhole", "throw", "anycast"]) {
      type = AddressType(routeName: word) ?? .unicast
    }
    guard let prefix = words.next() else { throw words.error("a route needs a destination") }
    var family = family
    if family == nil, let via = words.value(of: "via"), let address = IPAddress(via) { family = address.family }
    var route: Route
    if prefix == "default" {
      route = Route(family ?? .ipv4, 0, 0, type: type)
    } else if let bits = Self.prefix(prefix) {
      route = Route(bits.address.family, bits.address.bits, bits.prefixLength, type: type)
    } else {
      throw words.error("no destination: \(prefix)")
    }
    if type == .local || type == .broadcast { route.table = RouteTable.local }
    route.scope = type == .local ? .host : .link
    try readAttributes(&words, into: &route)
    return route
  }

  /// A prefix whose last octets may be left out: `10/8`.
  private static func prefix(_ text: String) -> Address? {
    if let address = Address(text) { return address }
    let parts = text.split(separator: "/", maxSplits: 1)
    let octets = parts[0].split(separator: ".")
    guard octets.count < 4, !text.contains(":") else { return nil }
    let padded = octets.joined(separator: ".") + String(repeating: ".0", count: 4 - octets.count)
    return Address(parts.count == 2 ? "\(padded)/\(parts[1])" : "\(padded)/\(8 * octets.count)")
  }

  private func readAttributes(_ words: inout IPWords, into route: inout Route) throws(HostError) {
    var scope: RouteScope?
    while let word = words.next() {
      switch word {
      case "via":
        var value = try words.value(word)
        if value == "inet" || value == "inet6" { value = try words.value(word) }
        guard let gateway = IPAddress(value) else { throw words.error("no address: \(value)") }
        route.gateway = gateway
      case "dev":
        let name = try words.value(word)
        guard let device = interface(named: name) else { throw words.error("no such interface: \(name)") }
        route.output = device
      case "src":
        let value = try words.value(word)
        guard let source = IPAddress(value) else { throw words.error("no address: \(value)") }
        route.preferredSource = source
      case "metric", "priority", "preference": route.metric = try words.number(word)
      case "table":
        let value = try words.value(word)
        guard let table = RouteTable.number(value) else { throw words.error("no table: \(value)") }
        route.table = table
      case "mtu":
        _ = words.next(ifIn: ["lock"])
        route.mtu = Int(try words.number(word))
      case "scope": scope = RouteScope(name: try words.value(word))
      case "realm", "realms": route.realms = try words.realms(word)
      case "proto", "protocol", "tos", "advmss", "pref", "expires", "weight", "error", "initcwnd", "hoplimit":
        _ = try words.value(word)
      case "onlink", "linkdown", "dead", "pervasive", "offload", "nexthop", "notify": continue
      default: throw words.error("route: \(word) is not understood")
      }
    }
    if route.output == nil, let gateway = route.gateway, case .found(let near) = lookup(Flow(to: gateway)) {
      route.output = near.route.output
    }
    if route.output == nil, route.type == .unicast { throw words.error("the route has no interface") }
    if route.output == nil, route.type == .local { route.output = interface(named: "lo") }
    route.scope = scope ?? (route.gateway == nil ? route.scope : .universe)
  }

  private func applyRule(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    guard verb == "add" || verb == "a" else { throw words.error("rule \(verb) is not understood here") }
    var rule = RouteRule(priority: (rules.map(\.priority).filter { $0 > 0 }.min() ?? 32766) - 1, .table(RouteTable.main))
    rule.family = family
    while let word = words.next() {
      switch word {
      case "from", "to":
        let value = try words.value(word)
        guard value != "all" else { continue }
        guard let prefix = Self.prefix(value) else { throw words.error("no prefix: \(value)") }
        rule.family = prefix.address.family
        let mask = AddressMask(address: prefix.address.bits & prefix.mask, mask: prefix.mask)
        if word == "from" { rule.source = mask } else { rule.destination = mask }
      case "fwmark":
        let parts = try words.value(word).split(separator: "/")
        guard let mark = parts.first.flatMap(IPWords.number) else { throw words.error("no mark") }
        rule.mark = mark
        rule.markMask = parts.count == 2 ? IPWords.number(parts[1]) ?? .max : .max
      case "iif", "dev": rule.input = try words.value(word)
      case "oif": rule.output = try words.value(word)
      case "realm", "realms": rule.realms = try words.realms(word)
      case "pref", "priority", "preference", "order": rule.priority = try words.number(word)
      case "table", "lookup":
        let value = try words.value(word)
        guard let table = RouteTable.number(value) else { throw words.error("no table: \(value)") }
        rule.action = .table(table)
      case "unreachable": rule.action = .unreachable
      case "prohibit": rule.action = .prohibit
      case "blackhole": rule.action = .blackhole
      default: throw words.error("rule: \(word) is not understood")
      }
    }
    addRule(rule)
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

/// The words of a line, read one after the other.
private struct IPWords {
  let line: String
  private let words: [String]
  private var at = 0

  init(_ line: String) {
    self.line = line
    words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
  }

  var isDone: Bool { at >= words.count }

  mutating func next() -> String? {
    guard at < words.count else { return nil }
    at += 1
    return words[at - 1]
  }

  mutating func next(ifIn choices: [String]) -> String? {
    guard at < words.count, choices.contains(words[at]) else { return nil }
    return next()
  }

  func value(of name: String) -> String? {
    words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
  }

  mutating func value(_ name: String) throws(HostError) -> String {
    guard let word = next() else { throw error("\(name) needs a value") }
    return word
  }

  mutating func number(_ name: String) throws(HostError) -> UInt32 {
    let word = try value(name)
    guard let number = Self.number(word) else { throw error("\(name) needs a number, not \(word)") }
    return number
  }

  /// `to`, or `from/to`.
  mutating func realms(_ name: String) throws(HostError) -> UInt32 {
    let halves = try value(name).split(separator: "/", omittingEmptySubsequences: false).map(Self.number)
    guard halves.count < 3, let to = halves.last ?? nil, let from = halves.first ?? nil, to < 1 << 16, from < 1 << 16 else {
      throw error("\(name) needs a number below 65536, or two as from/to")
    }
    return halves.count == 1 ? to : from << 16 | to
  }

  static func number(_ word: some StringProtocol) -> UInt32? {
    word.hasPrefix("0x") ? UInt32(word.dropFirst(2), radix: 16) : UInt32(word)
  }

  func error(_ reason: String) -> HostError { HostError(line, reason) }
}

extension AddressType {
  /// The names `ip route` gives the types.
  init?(routeName: String) {
    switch routeName {
    case "unicast": self = .unicast
    case "local": self = .local
    case "broadcast": self = .broadcast
    case "anycast": self = .anycast
    case "multicast": self = .multicast
    case "unreachable": self = .unreachable
    case "prohibit": self = .prohibit
    case "blackhole": self = .blackhole
    case "throw": self = .throw
    default: return nil
    }
  }
}
