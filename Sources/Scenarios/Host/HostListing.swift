public import Diagnostics
public import Documents
public import Evaluator
import Wire
import XTables

/// Reads a host from the output of `ip`, as JSON (`ip -j`) or as text. Unneeded members are ignored; a needed member of the wrong kind is an
/// error. iproute2 prints an empty object for an omitted entry.
extension Host {
  /// Reads a host from the output of `ip -j addr` or `ip addr`. Routes are unknown until ``addRoutes(ofListing:)`` is called.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public convenience init(addressListing file: SourceFile) throws(ScenarioFileError) {
    self.init()
    addsLinkLocalAddresses = false
    missing = [.routes, .sysctls, .sockets, .multicastGroups]
    try file.check(is: .addresses)
    guard file.isJSON else {
      try add(addressText: file)
      return
    }
    let nodes = try FileDocument(file).entries(of: "ip -j addr", "ifname")
    var masters = MasterKinds()
    for node in nodes { try add(link: node, &masters) }
    masters.apply(to: self)
  }

  /// Adds the routes in the output of `ip route`, `ip -6 route` or the same with `-j`. From then on, the routes are considered complete.
  ///
  /// - Throws: `ScenarioFileError` for other text.
  public func addRoutes(ofListing file: SourceFile) throws(ScenarioFileError) {
    missing.remove(.routes)
    try file.check(is: .routes)
    guard file.isJSON else { return try add(routeText: file) }
    let plain = SourceFile(name: file.name, bytes: ListedEncapsulation.removed(from: file.bytes))
    let nodes = try FileDocument(plain).entries(of: "ip -j route", "dst")
    for node in nodes { try add(route: node) }
  }

  private func add(route node: FileNode) throws(ScenarioFileError) {
    let entry = try ListingEntry(node)
    if entry.isEmpty { return }
    let (text, family) = try entry.route()
    do throws(HostError) {
      try addRoute(printed: text, family: family)
    } catch {
      throw node.error("ip -j route: \(error.reason)")
    }
  }

  private func add(link node: FileNode, _ masters: inout MasterKinds) throws(ScenarioFileError) {
    let link = try ListingEntry(node)
    guard let name = try link["ifname"]?.text() else {
      if link.isEmpty { return }
      throw node.error("ip -j addr: an interface has no `ifname'")
    }
    guard (1...15).contains(name.utf8.count) else { throw node.error("ip -j addr: `\(name)' is not a valid interface name") }
    try add(link, name)
    let details = try link["linkinfo"].map { node throws(ScenarioFileError) in try ListingEntry(node) }
    if let kind = try details?["info_kind"]?.text() { masters.note(kind, of: name) }
    if let data = try details?["info_data"].map({ node throws(ScenarioFileError) in try ListingEntry(node) }) {
      for call in MasterKinds.calls where try data[call.name]?.integer() == 1 { masters.note(call: call.family, of: name) }
    }
    guard let master = try link["master"]?.text() else { return }
    if let kind = try details?["info_slave_kind"]?.text() { masters.note(kind, of: master) }
    masters.note(flags: try link["flags"]?.texts() ?? [], ofMemberOf: master)
  }

  private func add(_ link: ListingEntry, _ name: String) throws(ScenarioFileError) {
    let flags = try link["flags"]?.texts() ?? []
    addDevice(named: name, hardwareAddress: try link.hardwareAddress())
    var addresses: [Address] = []
    for node in try link["addr_info"]?.list() ?? [] {
      if let address = try ListingEntry(node).address() { addresses.append(address) }
    }
    // Interfaces without IP may have an MTU below IP's minimum.
    let mtu: Int32? = try link["mtu"]?.integer()
    let bridge = try link["master"]?.text()
    updateDevice(named: name) { device in
      device.addresses = []
      for address in addresses { device.append(address) }
      device.mtu = mtu.map { max(Int($0), 68) } ?? device.mtu
      device.isUp = flags.contains("UP")
      device.hasCarrier = InterfaceFlags.haveCarrier(flags)
      device.hasNoARP = flags.contains("NOARP")
      device.bridge = bridge
    }
  }
}

extension FileDocument {
  /// The entries of a listing.
  ///
  /// - Parameter name: a member that identifies this kind of listing.
  fileprivate func entries(of command: String, _ name: String) throws(ScenarioFileError) -> [FileNode] {
    let isKind = file.bytes.firstRange(of: Array("\"\(name)\"".utf8)) != nil
    do throws(ScenarioFileError) {
      return try root().list()
    } catch {
      throw isKind ? error : ScenarioFileError("this is not the output of `\(command)'", at: SourceRange(0..<0), hidesText: true)
    }
  }
}

/// An entry of a listing.
private struct ListingEntry {
  let node: FileNode
  private let members: [String: FileNode]

  init(_ node: FileNode) throws(ScenarioFileError) {
    self.node = node
    var members: [String: FileNode] = [:]
    for member in try node.members() where !member.value.isNull { members[member.name] = member.value }
    self.members = members
  }

  var isEmpty: Bool { members.isEmpty }

  subscript(name: String) -> FileNode? { members[name] }

  /// The hardware address; 0 for links that do not use Ethernet addresses.
  func hardwareAddress() throws(ScenarioFileError) -> MACAddress {
    guard let node = members["address"] else { return MACAddress(rawValue: 0) }
    let type = try members["link_type"]?.text() ?? "ether"
    return type == "ether" || type == "loopback" ? try node.hardwareAddress() : MACAddress(try node.text()) ?? MACAddress(rawValue: 0)
  }

  /// An entry of `addr_info`; nil for an omitted one.
  func address() throws(ScenarioFileError) -> Host.Address? {
    if isEmpty { return nil }
    guard let localNode = members["local"], let lengthNode = members["prefixlen"] else {
      throw node.error("addr_info: an address needs `local' and `prefixlen'")
    }
    let local = try address(localNode)
    let length: Int = try lengthNode.integer()
    guard (0...local.family.addressBits).contains(length) else {
      throw lengthNode.error("prefixlen: \(length) is not a prefix length for \(local)")
    }
    var scope = RouteScope.universe
    if let node = members["scope"] {
      guard let named = RouteScope(name: try node.text()) else { throw node.error("scope: `\(try node.text())' is not a scope") }
      scope = named
    }
    let broadcast = try members["broadcast"].map { node throws(ScenarioFileError) in try address(node) }
    let peer = try members["address"].map { node throws(ScenarioFileError) in try address(node) }
    return Host.Address(local, prefixLength: length, broadcast: broadcast, peer: peer, scope: scope)
  }

  private func address(_ node: FileNode) throws(ScenarioFileError) -> IPAddress {
    guard let address = IPAddress(try node.text()) else { throw node.error("`\(try node.text())' is not an address") }
    return address
  }

  /// The route in the syntax of `ip route`, and its family if the text does not imply it.
  func route() throws(ScenarioFileError) -> (String, Family?) {
    guard let destination = try members["dst"]?.text() else { throw node.error("ip -j route: a route has no `dst'") }
    var words: [String] = []
    if let type = try members["type"]?.text() { words.append(type) }
    words.append(destination)
    let gateway = try members["gateway"]?.text()
    words += try way()
    for (key, word) in [("prefsrc", "src"), ("scope", "scope"), ("table", "table"), ("tos", "tos")] {
      if let value = try members[key]?.text() { words += [word, value] }
    }
    for node in try members["metrics"]?.list() ?? [] {
      if let mtu: UInt32 = try ListingEntry(node)["mtu"]?.integer() { words += ["mtu", "\(mtu)"] }
    }
    if let metric: UInt32 = try members["metric"]?.integer() { words += ["metric", "\(metric)"] }
    if let flow = members["flow"] { words += try ListingEntry(flow).realms() }
    words += try linkFlags()
    for hop in try members["nexthops"]?.list() ?? [] {
      let hop = try ListingEntry(hop)
      words += ["nexthop"] + (try hop.way()) + (try hop.linkFlags())
    }
    return (words.joined(separator: " "), destination.contains(":") || gateway?.contains(":") == true ? .ipv6 : nil)
  }

  /// The encapsulation, gateway and interface of a route or next hop.
  private func way() throws(ScenarioFileError) -> [String] {
    var words: [String] = []
    if let kind = try members["encap"]?.text() { words += ["encap", kind] }
    if let gateway = try members["gateway"]?.text() {
      words += ["via", gateway]
    } else if let via = try members["via"].map({ node throws(ScenarioFileError) in try ListingEntry(node) }),
      let family = try via["family"]?.text(), let host = try via["host"]?.text()
    {
      words += ["via", family, host]
    }
    if let device = try members["dev"]?.text() { words += ["dev", device] }
    return words
  }

  /// What the flags of a route or next hop say of its link.
  private func linkFlags() throws(ScenarioFileError) -> [String] {
    try (members["flags"]?.texts() ?? []).filter { $0 == "dead" || $0 == "linkdown" }
  }

  private func realms() throws(ScenarioFileError) -> [String] {
    guard let to = try members["to"]?.text() else { return [] }
    return ["realms", try members["from"].map { from throws(ScenarioFileError) in "\(try from.text())/\(to)" } ?? to]
  }
}
