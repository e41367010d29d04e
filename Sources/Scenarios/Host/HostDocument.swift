import Diagnostics
package import Documents
import Evaluator
import Wire
package import XTables

/// A host as a document describes it: `host` of a scenario file or snapshot, or a file for `--host`. Nil means that the document leaves it out.
///
/// This is the only reader of such descriptions. What a description leaves out is unknown, except for sysctls: those have the values of
/// `Host.setDescribedDefaults()`.
package struct HostDocument {
  /// A line of `ip -batch`, and the value that it follows from.
  private struct Line {
    let text: String
    let node: FileNode
  }

  package private(set) var interfaces: [Scenario.Interface]?
  /// Lines that configure the interfaces.
  private var links: [Line] = []
  /// Lines that create bridges, which are declared as interfaces.
  private var bridges: [Line] = []
  private var routes: [Line]?
  private var policy: [Line] = []
  private var setup: [Line] = []
  private var neighbours: [Line] = []
  private var multicastGroups: [String: [MulticastGroup]]?
  private var sysctls: [Scenario.Sysctl] = []
  package private(set) var users: [String: UInt32] = [:]
  package private(set) var groups: [String: UInt32] = [:]
  private var sockets: [Scenario.Socket]?
  private var queues: [UInt16: [QueueResponse]]?
  private var failOpen = false
  private var queueLength: UInt32?
  private var minutesWest: Int?
  private var tickPhase: Double?
  private var usesNfTables = false
  private var chains: [OtherChain] = []
  private var clock: Double?
  /// True if a document describes the host; if not, it is the lab's.
  private var isDescribed = false

  private let registry: Registry

  /// Creates a host that no document describes.
  ///
  /// - Parameter registry: its extensions know what rules of nf_tables can compare.
  package init(registry: Registry) { self.registry = registry }

  /// Reads a description. Its members replace those that were read before.
  package mutating func read(_ node: FileNode) throws(ScenarioFileError) {
    let host = try FileObject(node, .host)
    isDescribed = true
    var masters: [FileNode] = []
    if let node = host["users"] { users = try numbers(node) }
    if let node = host["groups"] { groups = try numbers(node) }
    if let node = host["interfaces"] {
      interfaces = []
      links = []
      bridges = []
      for member in try node.members() {
        if let master = try read(interface: member.name, member.key, member.value) { masters.append(master) }
      }
    }
    if let node = host["routes"] { routes = try commands(node, "route add ", of: "routes") }
    for name in ["policy", "rules"] { if let node = host[name] { policy = try commands(node, "rule add ", of: name) } }
    if let node = host["setup"] { setup = try commands(node, "", of: "setup") }
    for master in masters { try check(master) }
    if let node = host["neighbours"] { neighbours = try neighbours(node) }
    if let node = host["multicast"] { multicastGroups = try multicastGroups(node) }
    if let node = host["sysctls"] {
      for member in try node.members() {
        sysctls.removeAll { $0.name == member.name }
        sysctls.append(try sysctl(member.name, member.value))
      }
    }
    if let node = host["sockets"] {
      sockets = try node.list().map { element throws(ScenarioFileError) in try socket(element) }
    }
    if let node = host["queues"] {
      var listeners: [UInt16: [QueueResponse]] = [:]
      for member in try node.members() { listeners[try member.key.integer()] = try responses(member.value) }
      queues = listeners
    }
    if let node = host["fail_open"] { failOpen = try node.bool() }
    if let node = host["timezone"] { minutesWest = try node.minutesWest() }
    if let node = host["tick_phase"] { tickPhase = try node.seconds() }
    if let node = host["backend"] { usesNfTables = try node.isNfTables() }
    if let node = host["chains"] { chains = try node.list().map { node throws(ScenarioFileError) in try OtherChain(node) } }
    if let node = host["nftables"] {
      try chains.take(try node.list().map { node throws(ScenarioFileError) in (try NativeTable(node), node) }, registry)
    }
    if let node = host["queue_maxlen"] { queueLength = try node.integer() }
    if let node = host["clock"] { clock = try node.clock() }
  }

  private func numbers(_ node: FileNode) throws(ScenarioFileError) -> [String: UInt32] {
    var numbers: [String: UInt32] = [:]
    for member in try node.members() { numbers[member.name] = try member.value.integer() }
    return numbers
  }

  /// Parses lines of `ip`, with a prefix `-6` if given.
  ///
  /// - Parameters:
  ///   - verb: prepended to each line, with a blank.
  ///   - member: the name of the member, for messages.
  private func commands(_ node: FileNode, _ verb: String, of member: String) throws(ScenarioFileError) -> [Line] {
    try node.oneOrMore().map { element throws(ScenarioFileError) in
      let text = try element.text()
      let line = text.hasPrefix("-6 ") ? "-6 \(verb)\(text.dropFirst(3))" : "\(verb)\(text)"
      do throws(HostError) {
        _ = try IPCommand(line)
      } catch {
        throw element.error("\(member): \(error.reason)")
      }
      return Line(text: line, node: element)
    }
  }

  /// Permanent neighbour entries, as `ip neigh` creates them.
  private func neighbours(_ node: FileNode) throws(ScenarioFileError) -> [Line] {
    var lines: [Line] = []
    for interface in try node.members() {
      guard InterfaceName.isValid(interface.name) else { throw interface.key.error("`\(interface.name)' is not a valid interface name") }
      for entry in try interface.value.members() {
        guard let address = IPAddress(entry.name) else { throw entry.key.error("neighbours: `\(entry.name)' is not an address") }
        let text = try entry.value.text()
        if text == "none" {
          lines.append(Line(text: "neigh add \(address) dev \(interface.name) nud failed", node: interface.key))
        } else if let hardware = MACAddress(text) {
          lines.append(Line(text: "neigh add \(address) lladdr \(hardware) dev \(interface.name) nud permanent", node: interface.key))
        } else {
          throw entry.value.error("`\(text)' is not a MAC address", hint: "write a MAC address, or none if no neighbour answers")
        }
      }
    }
    return lines
  }

  private func multicastGroups(_ node: FileNode) throws(ScenarioFileError) -> [String: [MulticastGroup]] {
    var groups: [String: [MulticastGroup]] = [:]
    for interface in try node.members() {
      guard InterfaceName.isValid(interface.name) else { throw interface.key.error("`\(interface.name)' is not a valid interface name") }
      groups[interface.name] = try interface.value.list().map { element throws(ScenarioFileError) in
        let text = try element.text()
        guard let group = MulticastGroup(text) else { throw element.error("multicast: `\(text)' is not the address of a group") }
        return group
      }
    }
    return groups
  }

  private func sysctl(_ name: String, _ node: FileNode) throws(ScenarioFileError) -> Scenario.Sysctl {
    let text = try node.text()
    let value = text == "true" ? "1" : text == "false" ? "0" : text
    // Values of other sysctls may be texts or lists.
    var known = Sysctls()
    guard known[name] == nil || known.assign(name, value) else { throw node.error("`\(text)' is not a value of \(name)") }
    return Scenario.Sysctl(name: name, value: value)
  }

  /// Checks that the master of an interface is a bridge.
  private func check(_ master: FileNode) throws(ScenarioFileError) {
    let name = try master.text()
    let isBridge = (setup + bridges).contains { line in
      if case .link(let link)? = try? IPCommand(line.text) { link.name == name && link.made == .bridge } else { false }
    }
    guard !isBridge else { return }
    let isKnown = interfaces?.contains { $0.name == name } == true
    throw master.error(
      isKnown ? "`\(name)' is an interface, but not a bridge" : "the host has no bridge `\(name)'",
      hint: "write `\(name): {type: bridge}', or give `link add \(name) type bridge' in setup")
  }

  /// Reads an interface. Returns the place of its master's name, if it has one.
  private mutating func read(interface name: String, _ key: FileNode, _ node: FileNode) throws(ScenarioFileError) -> FileNode? {
    guard InterfaceName.isValid(name) else {
      throw key.error("`\(name)' is not a valid interface name")
    }
    var addresses: [FileNode] = []
    var (master, isBridge, isDown): (FileNode?, Bool, Bool) = (nil, false, false)
    func set(_ words: String, _ node: FileNode) { links.append(Line(text: "link set dev \(name) \(words)", node: node)) }
    if node.isList {
      addresses = try node.list()
    } else if !node.isNull {
      let object = try FileObject(node, .interface)
      addresses = try object["addresses"]?.list() ?? []
      if let node = object["mtu"] {
        let mtu: Int32 = try node.integer()
        guard mtu >= 68 else { throw node.error("the MTU must be at least 68 bytes") }
        set("mtu \(mtu)", node)
      }
      if let mac = object["mac"], name != "lo" {
        guard let address = MACAddress(try mac.text()) else {
          throw mac.error("`\(try mac.text())' is not a MAC address", hint: "write it as 02:00:00:00:00:01")
        }
        set("address \(address)", mac)
      }
      master = object["master"] ?? object["bridge"]
      if let master {
        let bridge = try master.text()
        guard InterfaceName.isValid(bridge) else { throw master.error("`\(bridge)' is not a valid interface name") }
        set("master \(bridge)", master)
      }
      let type = try object["type"]?.text()
      guard type == nil || type == "bridge" else {
        throw object.key("type").error("an interface can have the type `bridge' only", hint: "leave it out for any other interface")
      }
      let kind = try object["kind"]?.text()
      isBridge = type != nil || kind == "bridge"
      if let group = object["group"] {
        let number: UInt32 = try group.integer()
        set("group \(number)", group)
      }
      if let arp = object["noarp"] { set("arp \(try arp.bool() ? "off" : "on")", arp) }
      if let carrier = object["carrier"] { set("carrier \(try carrier.bool() ? "on" : "off")", carrier) }
      if let isUp = object["up"], try !isUp.bool() {
        isDown = true
        set("down", isUp)
      }
    }
    var texts: [String] = []
    for node in addresses {
      let address = try node.interfaceAddress()
      // The kernel gives lo its usual addresses.
      if name != "lo" || address != Host.Address("127.0.0.1/8") && address != Host.Address("::1/128") { texts.append(try node.text()) }
    }
    if isBridge {
      bridges.append(Line(text: "link add \(name) type bridge", node: key))
      bridges += texts.map { Line(text: "addr add \($0)\($0.contains(":") ? "" : " brd +") dev \(name)", node: key) }
      if !isDown { set("up", key) }
    } else if name == "lo" {
      links += texts.map { Line(text: "addr add \($0) dev lo", node: key) }
    } else {
      interfaces?.append(Scenario.Interface(name: name, addresses: texts))
    }
    return master
  }

  private func socket(_ node: FileNode) throws(ScenarioFileError) -> Scenario.Socket {
    let object = try FileObject(node, .socket)
    let proto = try object["proto"]?.text() ?? "tcp"
    guard let transport = Scenario.Socket.Transport(rawValue: proto) else {
      throw object.key("proto").error("expected tcp or udp, found `\(proto)'")
    }
    guard let portNode = object["port"] else { throw node.error("sockets: a socket needs a port") }
    let port: UInt16 = try portNode.integer()
    var address: String?
    if let given = object["address"] {
      address = try given.text()
      guard address.flatMap({ IPAddress($0) }) != nil else { throw given.error("sockets: `\(try given.text())' is not an address") }
    }
    var socket = Scenario.Socket(
      name: try object["name"]?.text() ?? "\(proto)/\(port)", transport: transport, port: port, address: address,
      isTransparent: try object["transparent"]?.bool() ?? false)
    if let owner = object["uid"] { socket.uid = try number(of: owner, users) }
    if let group = object["gid"] { socket.gid = try number(of: group, groups) }
    socket.mark = try object["mark"]?.integer() ?? 0
    if let device = object["device"] {
      let name = try device.text()
      guard InterfaceName.isValid(name) else { throw device.error("`\(name)' is not a valid interface name") }
      socket.device = name
    }
    socket.isIPv6Only = try object["v6only"]?.bool() ?? false
    return socket
  }

  /// The number of a user or group, given by its name or number.
  private func number(of node: FileNode, _ names: [String: UInt32]) throws(ScenarioFileError) -> UInt32 {
    if let number = names[try node.text()] { return number }
    return try node.integer()
  }

  /// The verdicts of a listener in order; none for `none`.
  private func responses(_ node: FileNode) throws(ScenarioFileError) -> [QueueResponse] {
    if node.isText, try node.text() == "none" { return [] }
    var responses: [QueueResponse] = []
    for element in try node.oneOrMore() {
      do throws(ScenarioError) {
        responses.append(try QueueResponse(try json(element), at: ""))
      } catch {
        throw element.error(error.description)
      }
    }
    return responses
  }

  private func json(_ node: FileNode) throws(ScenarioError) -> JSONValue {
    do throws(ScenarioFileError) {
      return try node.json()
    } catch {
      throw ScenarioError(path: "", reason: error.message)
    }
  }

  // MARK: Lowering

  /// The lines of `ip -batch` in the order in which they apply: links must exist before anything refers to them, and addresses before routes.
  private var lines: [Line] {
    func stage(_ line: Line) -> Int {
      line.text.hasPrefix("link add") ? 0 : line.text.hasPrefix("link") || line.text.hasPrefix("addr") ? 1 : 2
    }
    let stages = (0...2).map { number in setup.filter { stage($0) == number } }
    return bridges + stages[0] + links + stages[1] + (routes ?? []) + policy + neighbours + stages[2]
  }

  /// True if the host is the lab's, whose interfaces and routes are known: a scenario file names no interfaces.
  private var hasLabsInterfaces: Bool { interfaces == nil }

  /// The facts that the description leaves out.
  private var unstated: HostFacts {
    guard isDescribed else { return [] }
    var facts: HostFacts = [.interfaceGroups]
    if routes == nil, !setup.contains(where: { $0.text.hasPrefix("route") || $0.text.hasPrefix("-6 route") }), !hasLabsInterfaces {
      facts.insert(.routes)
    }
    if sockets == nil { facts.insert(.sockets) }
    if queues == nil { facts.insert(.queueListeners) }
    // In the lab's namespaces no program joins a group.
    if multicastGroups == nil, !hasLabsInterfaces { facts.insert(.multicastGroups) }
    return facts
  }

  /// Enters the host into a scenario.
  package func fill(_ scenario: inout Scenario) {
    if let interfaces { scenario.interfaces = interfaces }
    scenario.setup = (hasLabsInterfaces && routes == nil ? Scenario.defaultSetup : []) + lines.map(\.text)
    scenario.sysctls = sysctls
    scenario.sockets = sockets ?? []
    scenario.multicastGroups = multicastGroups ?? [:]
    scenario.queues = (queues ?? [:]).filter { !$0.value.isEmpty }
    scenario.failOpen = failOpen
    scenario.queueLength = queueLength
    scenario.minutesWest = minutesWest
    scenario.tickPhase = tickPhase
    scenario.usesNfTables = usesNfTables
    scenario.otherChains = chains
    scenario.clock = scenario.clock ?? clock
    scenario.unstated = unstated
  }

  /// Enters a host of which nothing is known but the description: without interfaces, its addresses and routes are unknown.
  package func fill(alone scenario: inout Scenario) {
    fill(&scenario)
    guard hasLabsInterfaces else { return }
    scenario.interfaces = []
    scenario.setup = lines.map(\.text)
    if multicastGroups == nil { scenario.unstated.insert(.multicastGroups) }
    if setup.isEmpty { scenario.unstated.insert(.addresses) }
    if setup.isEmpty, routes == nil { scenario.unstated.insert(.routes) }
  }

  /// An error of a host that ``fill(alone:)`` describes, at the value that the faulty line follows from.
  package func placed(_ error: ScenarioError) -> ScenarioFileError {
    let lines = self.lines
    guard let number = error.line, number < lines.count else { return ScenarioFileError(error.description, at: SourceRange(0..<0)) }
    return lines[number].node.error(error.reason)
  }

  /// The names that rules may use; those of the scenario take precedence.
  package func names(_ outer: NameDatabase) -> NameDatabase {
    let (users, groups) = (users, groups)
    return NameDatabase(
      protocolNumber: outer.protocolNumber, protocolName: outer.protocolName, port: outer.port,
      userID: { users[$0] ?? outer.userID($0) }, groupID: { groups[$0] ?? outer.groupID($0) }, routeName: outer.routeName,
      routeNumber: outer.routeNumber, connectionLabel: outer.connectionLabel, connectionLabelName: outer.connectionLabelName,
      addressSet: outer.addressSet, addressSetName: outer.addressSetName)
  }
}
