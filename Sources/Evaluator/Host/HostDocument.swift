import Wire
import XTables
internal import Yams

/// Reading a host from text.
extension Host {
  /// Reads a host from YAML:
  ///
  ///     interfaces:
  ///       eth0: {addresses: [10.0.0.1/24], mac: "02:00:00:00:00:01", mtu: 1500, up: true}
  ///     routes: [default via 10.0.0.254 dev eth0]
  ///     rules: [from 10.0.0.0/8 table 100]
  ///     neighbours: {eth0: {10.0.0.9: "02:00:00:00:00:09", 10.0.0.10: none}}
  ///     sysctls: {net.ipv4.ip_forward: 1}
  ///     sockets:
  ///       - {name: web, proto: tcp, port: 80, uid: 33}
  ///
  /// `routes` left out means that they are not known; an empty list means that there are none.
  public convenience init(yaml text: String) throws(HostError) {
    self.init()
    guard let root = try HostDocument.load(text) as? [String: Any] else { throw HostError("host", "expected a mapping") }
    for key in root.keys where !["interfaces", "routes", "rules", "sysctls", "sockets", "setup", "neighbours"].contains(key) {
      throw HostError(key, "nothing here is called so")
    }
    knowsAllRoutes = root["routes"] != nil || root["setup"] != nil
    for (name, value) in try HostDocument.mapping(root, "interfaces") { try add(interface: name, value) }
    for line in try HostDocument.texts(root, "setup") { try apply(ipCommand: line) }
    for line in try HostDocument.texts(root, "rules") { try apply(ipCommand: "rule add \(line)") }
    for (name, value) in try HostDocument.mapping(root, "neighbours") {
      guard let interface = interface(named: name), let members = value as? [String: Any] else {
        throw HostError("neighbours.\(name)", "expected an interface of this host, with a mapping of addresses")
      }
      for (text, value) in members.sorted(by: { $0.key < $1.key }) {
        let hardware = MACAddress("\(value)")
        guard let address = IPAddress(text), hardware != nil || "\(value)" == "none" else {
          throw HostError("neighbours.\(name).\(text)", "expected an address with a hardware address, or with none")
        }
        neighbours.set(address, on: interface, hardware)
      }
    }
    for (name, value) in try HostDocument.mapping(root, "sysctls") {
      guard let number = HostDocument.number(value) else { throw HostError("sysctls.\(name)", "expected a number") }
      sysctls[name] = number
    }
    for line in try HostDocument.texts(root, "routes") { addRoute(try route(text: line)) }
    for value in root["sockets"] as? [Any] ?? [] { try add(socket: value) }
  }

  /// Reads a host from what `ip -j addr` and `ip -j route` print; `ip -j -6 route` may be given besides.
  public convenience init(ipAddresses: String, ipRoutes: [String]) throws(HostError) {
    self.init()
    addsLinkLocalAddresses = false
    guard let links = try HostDocument.load(ipAddresses) as? [Any] else { throw HostError("ip -j addr", "expected a list") }
    for link in links {
      guard let link = link as? [String: Any], let name = link["ifname"] as? String else { continue }
      try add(link: link, name)
    }
    knowsAllRoutes = !ipRoutes.isEmpty
    for text in ipRoutes {
      guard let routes = try HostDocument.load(text) as? [Any] else { throw HostError("ip -j route", "expected a list") }
      for case let entry as [String: Any] in routes { try add(routeEntry: entry) }
    }
  }

  private func add(interface name: String, _ value: Any) throws(HostError) {
    let place = "interfaces.\(name)"
    guard (1...15).contains(name.utf8.count) else { throw HostError(place, "no name for an interface") }
    let fields = value as? [String: Any] ?? [:]
    var address = MACAddress(rawValue: 0x0200_0000_0000 + UInt64(devices.count))
    if let text = fields["mac"] as? String {
      guard let given = MACAddress(text) else { throw HostError(place, "no hardware address: \(text)") }
      address = given
    }
    addDevice(named: name, hardwareAddress: address)
    var addresses: [Address] = name == "lo" ? devices[0].addresses : []
    for text in value is [String: Any] ? try HostDocument.texts(fields, "addresses") : HostDocument.list(value) {
      guard let address = Address(text) else { throw HostError(place, "no address: \(text)") }
      if !addresses.contains(where: { $0.address == address.address }) { addresses.append(address) }
    }
    updateDevice(named: name) { device in
      device.addresses = addresses
      device.mtu = HostDocument.number(fields["mtu"]) ?? device.mtu
      device.isUp = fields["up"] as? Bool ?? true
      device.hasNoARP = fields["noarp"] as? Bool ?? false
      device.bridge = fields["bridge"] as? String ?? fields["master"] as? String
      device.isBridge = fields["type"] as? String == "bridge"
    }
  }

  private func add(link: [String: Any], _ name: String) throws(HostError) {
    let flags = link["flags"] as? [String] ?? []
    let address = (link["address"] as? String).flatMap { MACAddress($0) } ?? MACAddress(rawValue: 0)
    addDevice(named: name, hardwareAddress: address)
    var addresses: [Address] = []
    for case let info as [String: Any] in link["addr_info"] as? [Any] ?? [] {
      guard let text = info["local"] as? String, let local = IPAddress(text), let length = HostDocument.number(info["prefixlen"]),
        (0...local.family.addressBits).contains(length)
      else { continue }
      addresses.append(
        Address(
          local, prefixLength: length, broadcast: (info["broadcast"] as? String).flatMap { IPAddress($0) },
          peer: (info["address"] as? String).flatMap { IPAddress($0) },
          scope: (info["scope"] as? String).flatMap { RouteScope(name: $0) } ?? .universe))
    }
    updateDevice(named: name) { device in
      device.addresses = addresses
      device.mtu = HostDocument.number(link["mtu"]) ?? device.mtu
      device.isUp = flags.contains("UP")
      device.hasNoARP = flags.contains("NOARP")
      device.bridge = link["master"] as? String
    }
  }

  private func add(routeEntry entry: [String: Any]) throws(HostError) {
    var words: [String] = []
    if let type = entry["type"] as? String { words.append(type) }
    guard let destination = entry["dst"] as? String else { return }
    words.append(destination)
    for (key, word) in [("gateway", "via"), ("dev", "dev"), ("prefsrc", "src"), ("scope", "scope"), ("table", "table")] {
      if let value = entry[key] as? String { words += [word, value] }
    }
    if let metric = HostDocument.number(entry["metric"]) { words += ["metric", "\(metric)"] }
    if let flow = entry["flow"] as? [String: Any], let to = flow["to"] {
      words += ["realms", [flow["from"], to].compactMap { $0.map { "\($0)" } }.joined(separator: "/")]
    }
    let isWide = destination.contains(":") || (entry["gateway"] as? String)?.contains(":") == true
    addRoute(try route(text: words.joined(separator: " "), family: isWide ? .ipv6 : nil))
  }

  private func add(socket value: Any) throws(HostError) {
    guard let fields = value as? [String: Any], let port = HostDocument.number(fields["port"]).flatMap({ UInt16(exactly: $0) }) else {
      throw HostError("sockets", "a socket has a port")
    }
    let proto = fields["proto"] as? String ?? "tcp"
    guard proto == "tcp" || proto == "udp" else { throw HostError("sockets", "proto is tcp or udp, not \(proto)") }
    var address: IPAddress?
    if let text = fields["address"] as? String {
      guard let given = IPAddress(text) else { throw HostError("sockets", "no address: \(text)") }
      address = given
    }
    func id(_ name: String) -> UInt32 { HostDocument.number(fields[name]).flatMap { UInt32(exactly: $0) } ?? 0 }
    sockets.append(
      HostSocket(
        name: fields["name"] as? String ?? "\(proto)/\(port)", proto: proto == "tcp" ? .tcp : .udp, port: port, address: address,
        facts: SocketFacts(
          uid: id("uid"), gid: id("gid"), mark: id("mark"), isTransparent: fields["transparent"] as? Bool ?? false)))
  }
}

/// What a YAML or JSON text holds, as the host reads it.
private enum HostDocument {
  static func load(_ text: String) throws(HostError) -> Any? {
    do {
      return try Yams.load(yaml: text)
    } catch {
      throw HostError("host", "\(error)")
    }
  }

  /// The members of a mapping, in the order of their names, so that the same text gives the same host.
  static func mapping(_ fields: [String: Any], _ name: String) throws(HostError) -> [(String, Any)] {
    guard let value = fields[name] else { return [] }
    guard let members = value as? [String: Any] else { throw HostError(name, "expected a mapping") }
    return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  static func texts(_ fields: [String: Any], _ name: String) throws(HostError) -> [String] {
    guard let value = fields[name] else { return [] }
    guard let elements = value as? [Any] else { throw HostError(name, "expected a list") }
    return elements.map { "\($0)" }
  }

  static func list(_ value: Any) -> [String] { (value as? [Any] ?? []).map { "\($0)" } }

  static func number(_ value: Any?) -> Int? {
    switch value {
    case let number as Int: number
    case let flag as Bool: flag ? 1 : 0
    case let text as String: Int(text)
    default: nil
    }
  }
}
