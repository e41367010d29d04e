internal import Evaluator
internal import Kernel
internal import Lab
internal import Scenarios
internal import Wire

/// The sockets of a scenario: listeners, accepted connections, and named sockets that sent packets.
struct LabSockets {
  private var sockets: [(name: String, socket: NamespaceSocket)] = []
  private var listeners: Set<String> = []
  private var accepted: [String: Int] = [:]
  /// Connections whose end was reported. They remain readable at end of file.
  private var ended: Set<String> = []
  private var peers: [String: (IPAddress, UInt16)] = [:]

  /// - Parameter families: the families of the host; a socket without an address listens in all of them.
  init(_ specifications: [Scenario.Socket], families: [Family]) throws(KernelError) {
    for specification in specifications {
      let addresses = specification.address.flatMap { IPAddress($0) }.map { [$0] } ?? families.map { IPAddress(family: $0, bits: 0) }
      for address in addresses { try open(specification, at: address, sharesPort: addresses.count > 1) }
    }
  }

  private mutating func open(_ specification: Scenario.Socket, at address: IPAddress, sharesPort: Bool) throws(KernelError) {
    // Without root, no other owner is possible.
    let isRoots = specification.uid == 0 && specification.gid == 0
    let owner = isRoots ? nil : NamespaceSocket.Owner(uid: specification.uid, gid: specification.gid, groups: [])
    let socket = try NamespaceSocket(specification.transport == .tcp ? .tcp : .udp, address.family, owner: owner)
    if specification.mark != 0 { try socket.set(.mark, specification.mark) }
    try socket.set(.reuseAddress)
    if address.family == .ipv6, sharesPort { try socket.set(.ownFamilyOnly) }
    if address.family == .ipv6, specification.isIPv6Only, !sharesPort { try socket.set(.ownFamilyOnly) }
    if let device = specification.device { try socket.bind(toDevice: device) }
    if specification.isTransparent { try socket.set(.transparent) }
    try socket.bind(address, port: specification.port)
    if specification.transport == .tcp {
      try socket.listen()
      listeners.insert(specification.name)
    }
    sockets.append((specification.name, socket))
  }

  mutating func add(_ socket: NamespaceSocket, name: String) {
    sockets.removeAll { $0.name == name }
    ended.remove(name)
    sockets.append((name, socket))
  }

  /// All pending events of all sockets: connections to accept, data, ends.
  mutating func events() -> [LabSocketRecord] {
    var records: [LabSocketRecord] = []
    var index = 0
    while index < sockets.count {
      let (name, socket) = sockets[index]
      if listeners.contains(name) {
        while let connection = accept(from: socket, name: name) { records.append(connection) }
      } else if !ended.contains(name) {
        records += received(from: socket, name: name)
      }
      index += 1
    }
    return records
  }

  private mutating func accept(from listener: NamespaceSocket, name: String) -> LabSocketRecord? {
    guard let (connection, from) = listener.accept(), let local = connection.localEnd else { return nil }
    let number = accepted[name, default: 0] + 1
    accepted[name] = number
    sockets.append(("\(name)#\(number)", connection))
    return .accepted(
      socket: name, from: from, local: local, originalDestination: connection.originalDestination, name: "\(name)#\(number)")
  }

  private mutating func received(from socket: NamespaceSocket, name: String) -> [LabSocketRecord] {
    var records: [LabSocketRecord] = []
    while let event = socket.receive() {
      switch event {
      case .data(let data, let from):
        let end = socket.kind == .tcp ? nil : from
        if let end { peers[name] = end }
        // A socket of both families names a peer of IPv4 by an address of IPv6.
        records.append(.received(socket: name, data: data, from: end.map { (IPAddress(unmapped: $0.0), $0.1) }))
      case .end:
        records.append(.closed(socket: name))
        ended.insert(name)
        return records
      case .failed(let error):
        records.append(.failed(socket: name, errno: error.name))
        if socket.kind == .tcp { ended.insert(name) }
        return records
      }
    }
    return records
  }

  /// Sends from a socket, to its peer or to the address that it last received from. Returns the error's name if sending fails.
  func send(_ payload: [UInt8], from name: String) -> String? {
    let family = peers[name]?.0.family
    let known = sockets.filter { $0.name == name }
    guard let socket = (known.last { $0.socket.family == family } ?? known.last)?.socket else { return "ENOENT" }
    return socket.send(payload, to: socket.kind == .tcp ? nil : peers[name])?.name
  }

  mutating func closeAll() { sockets = [] }

  /// Closes a socket; if `fin` is false, its connection is reset.
  mutating func close(_ name: String, fin: Bool) -> String? {
    let closing = sockets.filter { $0.name == name }
    guard !closing.isEmpty else { return "ENOENT" }
    if !fin { for entry in closing { try? entry.socket.set(.lingerZero) } }
    sockets.removeAll { $0.name == name }
    return nil
  }
}
