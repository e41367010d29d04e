public import Diagnostics
public import Documents
public import Evaluator
import Wire
import XTables

/// Reads a host from a YAML file.
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
  /// Sysctls that are not given have the values of ``setDescribedDefaults()``. Without `routes`, the routes are unknown; an empty list means that there are none.
  ///
  /// - Throws: `ScenarioFileError` for an unknown member or a value of the wrong kind.
  public convenience init(yaml file: SourceFile) throws(ScenarioFileError) {
    self.init()
    setDescribedDefaults()
    try file.check(is: .hostDescription)
    let root = try FileDocument(file).root(of: .hostDescription)
    let object = try FileObject(root, .hostDescription)
    if !object.names.contains("routes"), !object.names.contains("setup") { missing.insert(.routes) }
    if !object.names.contains("interfaces"), !object.names.contains("setup") { missing.insert(.addresses) }
    try read(object)
  }

  private func read(_ object: FileObject) throws(ScenarioFileError) {
    for member in try object.sortedMembers("interfaces") { try add(interface: member.name, member.key, member.value) }
    try apply(object["setup"], verb: nil)
    for member in try object["interfaces"]?.members() ?? [] { try checkMaster(of: member.value) }
    try apply(object["rules"], verb: "rule add")
    try apply(object["policy"], verb: "rule add")
    for member in try object.sortedMembers("neighbours") { try add(neighbours: member.value, on: member.name, member.key) }
    for member in try object.sortedMembers("sysctls") {
      let value = try? member.value.bool()
      if let value { sysctls[member.name] = value ? 1 : 0 } else { sysctls[member.name] = try member.value.integer() }
    }
    clock = try object["clock"].map { node throws(ScenarioFileError) in UInt64(try node.clock() * 1e9) }
    for member in try object["queues"]?.members() ?? [] {
      guard let statement = QueueStatement(try member.value.text()) else {
        throw member.value.error(
          "queues: `\(try member.value.text())' is not the verdict of a listener", hint: "none, accept, drop, hold, repeat, queue:N")
      }
      queues[try member.key.integer()] = statement
    }
    minutesWest = try object["timezone"]?.minutesWest()
    usesNfTables = try object["backend"]?.isNfTables() ?? false
    for node in try object["chains"]?.list() ?? [] { otherChains.append(try OtherChain(node)) }
    for node in try object["routes"]?.list() ?? [] {
      let text = try node.text()
      do throws(HostError) {
        addRoute(try route(text: text))
      } catch {
        throw node.error("routes: \(error.reason)")
      }
    }
    for node in try object["sockets"]?.list() ?? [] { sockets.append(try HostSocket(FileObject(node, .hostSocket))) }
  }

  /// Applies lines of `ip -batch`.
  private func apply(_ list: FileNode?, verb: String?) throws(ScenarioFileError) {
    for node in try list?.list() ?? [] {
      let text = try node.text()
      do throws(HostError) {
        try apply(ipCommand: verb.map { "\($0) \(text)" } ?? text)
      } catch {
        throw node.error("\(verb == nil ? "setup" : "rules"): \(error.reason)")
      }
    }
  }

  private func add(interface name: String, _ key: FileNode, _ node: FileNode) throws(ScenarioFileError) {
    guard (1...15).contains(name.utf8.count) else { throw key.error("`\(name)' is not a valid interface name") }
    var addresses: [Address] = []
    let object = node.isMapping ? try FileObject(node, .hostInterface) : nil
    let mac = try object?["mac"]?.hardwareAddress()
    addDevice(named: name, hardwareAddress: mac ?? MACAddress(rawValue: 0x0200_0000_0000 + UInt64(devices.count)))
    let list = object == nil && !node.isNull ? node : object?["addresses"]
    for element in try list?.list() ?? [] {
      addresses.append(try element.interfaceAddress())
    }
    let mtu = try object?["mtu"]?.mtu()
    let isUp = try object?["up"]?.bool() ?? true
    let hasNoARP = try object?["noarp"]?.bool() ?? false
    let bridge = try (object?["bridge"] ?? object?["master"])?.text()
    let type = try (object?["type"] ?? object?["kind"])?.text()
    updateDevice(named: name) { device in
      for address in addresses { device.add(address) }
      device.mtu = mtu ?? device.mtu
      device.isUp = isUp
      device.hasNoARP = hasNoARP
      device.isHardwareAddressStated = mac != nil
      device.bridge = bridge
      device.isBridge = type == "bridge"
    }
  }

  /// Checks that the master of an interface is a bridge.
  private func checkMaster(of interface: FileNode) throws(ScenarioFileError) {
    guard interface.isMapping else { return }
    let object = try FileObject(interface, .hostInterface)
    guard let master = object["bridge"] ?? object["master"] else { return }
    let name = try master.text()
    guard device(named: name)?.isBridge != true else { return }
    throw master.error(
      device(named: name) == nil ? "the host has no bridge `\(name)'" : "`\(name)' is an interface, but not a bridge",
      hint: "write `\(name): {type: bridge}', or give `link add \(name) type bridge' in setup")
  }

  private func add(neighbours node: FileNode, on name: String, _ key: FileNode) throws(ScenarioFileError) {
    guard let interface = interface(named: name) else { throw key.error("neighbours: the host has no interface `\(name)'") }
    for member in try node.members() {
      guard let address = IPAddress(member.name) else { throw member.key.error("neighbours.\(name): `\(member.name)' is not an address") }
      let isSilent = try member.value.text() == "none"
      neighbours.set(address, on: interface, isSilent ? nil : try member.value.hardwareAddress())
    }
  }
}

extension HostSocket {
  fileprivate init(_ object: FileObject) throws(ScenarioFileError) {
    guard let portNode = object["port"] else { throw object.node.error("sockets: a socket needs a port") }
    let port: UInt16 = try portNode.integer()
    let proto = try object["proto"]?.text() ?? "tcp"
    guard proto == "tcp" || proto == "udp" else { throw object.key("proto").error("sockets: proto must be tcp or udp, not `\(proto)'") }
    var address: IPAddress?
    if let node = object["address"] {
      address = IPAddress(try node.text())
      if address == nil { throw node.error("sockets: `\(try node.text())' is not an address") }
    }
    self.init(
      name: try object["name"]?.text() ?? "\(proto)/\(port)", proto: proto == "tcp" ? .tcp : .udp, port: port, address: address,
      facts: SocketFacts(
        uid: try object["uid"]?.integer() ?? 0, gid: try object["gid"]?.integer() ?? 0, mark: try object["mark"]?.integer() ?? 0,
        isTransparent: try object["transparent"]?.bool() ?? false))
  }
}

extension FileNode {
  func hardwareAddress() throws(ScenarioFileError) -> MACAddress {
    guard let address = MACAddress(try text()) else {
      throw error("`\(try text())' is not a MAC address", hint: "write it as 02:00:00:00:00:01")
    }
    return address
  }

  /// An address with or without a prefix length, or `ADDRESS peer PREFIX`.
  package func interfaceAddress() throws(ScenarioFileError) -> Host.Address {
    guard let address = Host.Address(try text()) else {
      throw error("`\(try text())' is not an address", hint: "write it as 10.0.0.1/24, or 10.0.0.1 peer 10.0.0.2/32")
    }
    return address
  }

  /// A time zone as `UTC`, `+01:00` or `-0530`, in minutes west of Greenwich.
  package func minutesWest() throws(ScenarioFileError) -> Int {
    let text = try text()
    if text == "UTC" || text == "Z" { return 0 }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard let sign = text.first, sign == "+" || sign == "-", digits.utf8.count == 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)), hours < 16, minutes < 60
    else { throw error("`\(text)' is no time zone", hint: "UTC, +01:00, -05:30") }
    return (sign == "+" ? -1 : 1) * (hours * 60 + minutes)
  }

  /// An MTU in bytes; IP requires at least 68.
  func mtu() throws(ScenarioFileError) -> Int {
    let mtu: Int32 = try integer()
    guard mtu >= 68 else { throw error("the MTU must be at least 68 bytes") }
    return Int(mtu)
  }
}

extension FileObject {
  /// The members of a mapping sorted by name. Interfaces get their indices and hardware addresses in this order.
  fileprivate func sortedMembers(_ name: String) throws(ScenarioFileError) -> [(name: String, key: FileNode, value: FileNode)] {
    try self[name]?.members().sorted { $0.name < $1.name } ?? []
  }
}

extension FileShape {
  fileprivate static let hostDescription = FileShape(
    name: "host-description", title: "the description of a host",
    members: [
      Member(
        "interfaces", .map(.either([.list(.text), .object("host-interface")])), "the interfaces by name: their addresses, or a mapping"),
      Member("routes", .list(.text), "routes as `ip route` prints them"),
      Member("rules", .list(.text), "routing rules as for `ip rule add`"),
      Member("policy", .list(.text), "the same as rules"),
      Member("setup", .list(.text), "further commands as for `ip -batch`"),
      Member("neighbours", .map(.map(.text)), "MAC addresses of neighbours, by interface and IP address; none: no neighbour answers"),
      Member("sysctls", .map(.integer(Int.min...Int.max)), "sysctls by their dotted names"),
      Member("sockets", .list(.object("host-socket")), "sockets that listen on this host"),
      Member("clock", .either([.seconds, .text]), "the time at which a run starts: seconds since 1970, or 2024-01-31T09:30:00Z"),
      Member("queues", .map(.text), "the verdict of the program that listens to each queue, or none if no program listens"),
      Member("backend", .choice(["legacy", "nft"]), "the variant of iptables that holds the rules; default legacy"),
      Member("chains", .list(.object("other-chain")), "chains at hooks beside the rules, as `ferrule snapshot` lists them"),
      Member("timezone", .text, "the kernel's time zone, on which rules about local time depend: UTC, +01:00"),
    ])

  fileprivate static let hostInterface = FileShape(
    name: "host-interface", title: "an interface",
    members: [
      Member("addresses", .list(.text), "addresses with prefix lengths, or ADDRESS peer PREFIX, in the order of `ip addr add`"),
      Member("mac", .text, "MAC address"),
      Member("mtu", .integer(68...Int(Int32.max)), "MTU in bytes"), Member("up", .boolean, "false: the interface is down; default true"),
      Member("noarp", .boolean, "true: ARP is off, frames go to the MAC address of the interface"),
      Member("bridge", .text, "the bridge of which the interface is a port"),
      Member("master", .text, "the same as bridge"), Member("type", .text, "bridge for a bridge"),
      Member("kind", .text, "the kind of the interface on the machine of the snapshot; `bridge` makes it a bridge, others have no effect"),
    ])

  fileprivate static let hostSocket = FileShape(
    name: "host-socket", title: "a socket",
    members: [
      Member("name", .text, "name for messages"), Member("proto", .choice(["tcp", "udp"]), "protocol; default tcp"),
      Member("port", .integer(0...65535), "local port"), Member("address", .text, "local address; default any"),
      Member("uid", .integer(0...Int(UInt32.max)), "user ID of its owner"),
      Member("gid", .integer(0...Int(UInt32.max)), "group ID of its owner"),
      Member("mark", .integer(0...Int(UInt32.max)), "SO_MARK"), Member("transparent", .boolean, "IP_TRANSPARENT"),
    ], required: ["port"])
}
