import Documents
import Evaluator
import Scenarios
import Wire
import XTables

/// The host of a scenario file; members not given are nil or empty.
struct HostPart {
  struct Socket {
    var socket: Scenario.Socket
    var uid: UInt32
  }

  var interfaces: [Scenario.Interface]?
  /// Lines of `ip -batch` that configure the interfaces.
  private var links: [String] = []
  /// Lines that create bridges, which are declared as interfaces.
  private var bridges: [String] = []
  private var routes: [String]?
  private var policy: [String] = []
  private var setup: [String] = []
  private var neighbours: [String] = []
  private var sysctls: [Scenario.Sysctl] = []
  var users: [String: UInt32] = [:]
  var groups: [String: UInt32] = [:]
  private(set) var sockets: [Socket] = []
  private var queues: [UInt16: [QueueResponse]] = [:]
  private var failOpen = false
  private var queueLength: UInt32?
  private var minutesWest: Int?
  private var tickPhase: Double?
  private var usesNfTables = false
  private var chains: [OtherChain] = []

  mutating func read(_ node: FileNode) throws(ScenarioFileError) {
    let host = try FileObject(node, .host)
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
      if routes == nil { routes = [] }
    }
    if let node = host["routes"] { routes = try commands(node, "route add ") }
    if let node = host["policy"] ?? host["rules"] { policy = try commands(node, "rule add ") }
    if let node = host["setup"] { setup = try commands(node, "") }
    for master in masters { try check(master) }
    if let node = host["neighbours"] { neighbours = try neighbours(node) }
    if let node = host["sysctls"] {
      for member in try node.members() {
        sysctls.removeAll { $0.name == member.name }
        sysctls.append(Scenario.Sysctl(name: member.name, value: try sysctl(member.value)))
      }
    }
    if let node = host["sockets"] {
      sockets = []
      for element in try node.list() { sockets.append(try socket(element)) }
    }
    if let node = host["queues"] {
      queues = [:]
      for member in try node.members() { queues[try member.key.integer()] = try responses(member.value) }
    }
    if let node = host["fail_open"] { failOpen = try node.bool() }
    if let node = host["timezone"] { minutesWest = try node.minutesWest() }
    if let node = host["tick_phase"] { tickPhase = try node.seconds() }
    if let node = host["backend"] { usesNfTables = try node.isNfTables() }
    if let node = host["chains"] { chains = try node.list().map { node throws(ScenarioFileError) in try OtherChain(node) } }
    if let node = host["queue_maxlen"] { queueLength = try node.integer() }
  }

  private func numbers(_ node: FileNode) throws(ScenarioFileError) -> [String: UInt32] {
    var numbers: [String: UInt32] = [:]
    for member in try node.members() { numbers[member.name] = try member.value.integer() }
    return numbers
  }

  /// Parses lines of `ip`, with a prefix `-6` if given.
  ///
  /// - Parameter verb: prepended to each line, with a blank.
  private func commands(_ node: FileNode, _ verb: String) throws(ScenarioFileError) -> [String] {
    try node.oneOrMore().map { element throws(ScenarioFileError) in
      let text = try element.text()
      let line = text.hasPrefix("-6 ") ? "-6 \(verb)\(text.dropFirst(3))" : "\(verb)\(text)"
      do throws(HostError) {
        _ = try IPCommand(line)
      } catch {
        throw element.error(error.reason)
      }
      return line
    }
  }

  /// Permanent neighbour entries, as `ip neigh` creates them.
  private func neighbours(_ node: FileNode) throws(ScenarioFileError) -> [String] {
    var lines: [String] = []
    for interface in try node.members() {
      guard InterfaceName.isValid(interface.name) else { throw interface.key.error("`\(interface.name)' is not a valid interface name") }
      for entry in try interface.value.members() {
        guard let address = IPAddress(entry.name) else { throw entry.key.error("`\(entry.name)' is not an address") }
        let text = try entry.value.text()
        if text == "none" {
          lines.append("neigh add \(address) dev \(interface.name) nud failed")
        } else if let hardware = MACAddress(text) {
          lines.append("neigh add \(address) lladdr \(hardware) dev \(interface.name) nud permanent")
        } else {
          throw entry.value.error("`\(text)' is not a MAC address", hint: "write a MAC address, or none if no neighbour answers")
        }
      }
    }
    return lines
  }

  private func sysctl(_ node: FileNode) throws(ScenarioFileError) -> String {
    let text = try node.text()
    return text == "true" ? "1" : text == "false" ? "0" : text
  }

  /// Checks that the master of an interface is a bridge.
  private func check(_ master: FileNode) throws(ScenarioFileError) {
    let name = try master.text()
    let isBridge = (setup + bridges).contains { line in
      if case .link(let link)? = try? IPCommand(line) { link.name == name && link.made == .bridge } else { false }
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
    var (master, isBridge): (FileNode?, Bool) = (nil, false)
    if node.isList {
      addresses = try node.list()
    } else if !node.isNull {
      let object = try FileObject(node, .interface)
      addresses = try object["addresses"]?.list() ?? []
      if let node = object["mtu"] {
        let mtu: UInt16 = try node.integer()
        guard mtu >= 68 else { throw node.error("the MTU must be at least 68 bytes") }
        links.append("link set dev \(name) mtu \(mtu)")
      }
      if let mac = object["mac"], name != "lo" {
        guard let address = MACAddress(try mac.text()) else { throw mac.error("expected a MAC address") }
        links.append("link set dev \(name) address \(address)")
      }
      master = object["master"] ?? object["bridge"]
      if let master {
        let bridge = try master.text()
        guard InterfaceName.isValid(bridge) else { throw master.error("`\(bridge)' is not a valid interface name") }
        links.append("link set dev \(name) master \(bridge)")
      }
      let type = try object["type"]?.text()
      guard type == nil || type == "bridge" else {
        throw object.key("type").error("an interface can have the type `bridge' only", hint: "leave it out for any other interface")
      }
      let kind = try object["kind"]?.text()
      isBridge = type != nil || kind == "bridge"
      if let isUp = object["up"], try !isUp.bool() { links.append("link set dev \(name) down") }
    }
    var texts: [String] = []
    for node in addresses {
      let address = try node.interfaceAddress()
      // The kernel gives lo its usual addresses.
      if name != "lo" || address != Host.Address("127.0.0.1/8") && address != Host.Address("::1/128") { texts.append(try node.text()) }
    }
    if isBridge {
      bridges += ["link add \(name) type bridge"] + texts.map { "addr add \($0)\($0.contains(":") ? "" : " brd +") dev \(name)" }
      if !links.contains("link set dev \(name) down") { links.append("link set dev \(name) up") }
    } else if name == "lo" {
      links += texts.map { "addr add \($0) dev lo" }
    } else {
      interfaces?.append(Scenario.Interface(name: name, addresses: texts))
    }
    return master
  }

  private func socket(_ node: FileNode) throws(ScenarioFileError) -> Socket {
    let object = try FileObject(node, .socket)
    let proto = try object["proto"]?.text() ?? "tcp"
    guard let transport = Scenario.Socket.Transport(rawValue: proto) else {
      throw object.key("proto").error("expected tcp or udp, found `\(proto)'")
    }
    guard let portNode = object["port"] else { throw node.error("a socket needs a port") }
    let port: UInt16 = try portNode.integer()
    var uid: UInt32 = 0
    if let owner = object["uid"] {
      let name = try owner.text()
      if let number = users[name] { uid = number } else { uid = try owner.integer() }
    }
    var address: String?
    if let given = object["address"] {
      address = try given.text()
      guard address.flatMap({ IPAddress($0) }) != nil else { throw given.error("expected an address") }
    }
    return Socket(
      socket: Scenario.Socket(
        name: try object["name"]?.text() ?? "\(proto)/\(port)", transport: transport, port: port, address: address,
        isTransparent: try object["transparent"]?.bool() ?? false), uid: uid)
  }

  private func responses(_ node: FileNode) throws(ScenarioFileError) -> [QueueResponse] {
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

  func fill(_ scenario: inout Scenario) {
    if let interfaces { scenario.interfaces = interfaces }
    // Bridges must exist before their ports are added.
    var lines = bridges + setup.filter { $0.hasPrefix("link") || $0.hasPrefix("addr") } + links
    lines += routes ?? (interfaces == nil ? Scenario.defaultSetup : [])
    lines += policy + neighbours
    lines += setup.filter { !$0.hasPrefix("link") && !$0.hasPrefix("addr") }
    scenario.setup = lines
    scenario.sysctls = sysctls
    scenario.sockets = sockets.map(\.socket)
    scenario.queues = queues
    scenario.failOpen = failOpen
    scenario.queueLength = queueLength
    scenario.minutesWest = minutesWest
    scenario.tickPhase = tickPhase
    scenario.usesNfTables = usesNfTables
    scenario.otherChains = chains
  }

  /// The names that rules may use; those of the scenario take precedence.
  func names(_ outer: NameDatabase) -> NameDatabase {
    let (users, groups) = (users, groups)
    return NameDatabase(
      protocolNumber: outer.protocolNumber, protocolName: outer.protocolName, port: outer.port,
      userID: { users[$0] ?? outer.userID($0) }, groupID: { groups[$0] ?? outer.groupID($0) }, routeName: outer.routeName,
      routeNumber: outer.routeNumber, connectionLabel: outer.connectionLabel, connectionLabelName: outer.connectionLabelName,
      addressSet: outer.addressSet, addressSetName: outer.addressSetName)
  }
}
