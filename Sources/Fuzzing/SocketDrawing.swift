import Documents
import Wire
import XTables

/// Draws the sockets of a host that answers, and what happens to them: connections in each stage of their life, from both sides.
struct SocketDrawing {
  let host: FuzzHost
  var draw: Draw

  /// The listening sockets of a scenario.
  mutating func listeners() -> [JSONValue] {
    let own = host.networks[0].address
    var sockets = [listener("u", "udp", 53, draw.chance(0.7) ? own : nil)]
    if draw.chance(0.5) { sockets.append(listener("t", "tcp", 80, draw.chance(0.6) ? own : nil)) }
    if draw.chance(0.15) { sockets.append(listener("x", draw.pick(["tcp", "udp"]), 5300, nil, isTransparent: true)) }
    return sockets
  }

  private func listener(_ name: String, _ proto: String, _ port: Int, _ address: IPAddress?, isTransparent: Bool = false) -> JSONValue {
    var socket: JSONObject = ["name": .string(name), "proto": .string(proto), "port": .integer(port)]
    if let address { socket["addr"] = .string("\(address)") }
    if isTransparent { socket["transparent"] = true }
    return .object(socket)
  }

  /// The steps of a connection: to the listener `t` at port 80, or one that a process opens.
  ///
  /// - Parameter isSlow: true if the kernel's timers may expire between two steps. An unacceptable answer to a SYN has it sent again after 8 ms,
  ///   which the engine does not do.
  mutating func connection(isSlow: Bool) -> [JSONValue] {
    draw.chance(0.6) ? accepted() : !isSlow && draw.chance(0.6) ? opened() : datagrams()
  }

  private mutating func accepted() -> [JSONValue] {
    let (network, peer) = end()
    func segment(_ flags: TCPFlags, _ payload: String = "") -> JSONValue? {
      var packet = DrawnPacket(
        interface: network.ports[0], source: peer, destination: host.networks[0].address, proto: .tcp)
      (packet.sourcePort, packet.destinationPort, packet.tcpFlags) = (4000, 80, flags)
      packet.payload = Array(payload.utf8)
      packet.extras = [JSONObject.Member("seq", flags == .syn ? 100 : "auto")]
      if flags.contains(.ack) { packet.extras.append(JSONObject.Member("ack", "auto")) }
      return packet.step
    }
    // The stage at which the other events happen.
    let stage = draw.number(1...3)
    var steps = [segment(.syn)]
    if stage > 1 { steps.append(segment(.ack)) }
    if stage > 2 { steps.append(segment([.ack, .psh], "hello")) }
    // A second write would wait for an acknowledgment of the first (Nagle), which the engine does not model.
    if stage > 1, draw.chance(0.5) { steps.append(send("t#1")) }
    for _ in 0..<draw.number(1...4) {
      steps.append(
        draw.pick([
          segment(.syn), segment(.ack), segment([.ack, .psh], "more"), segment([.fin, .ack]), segment([.rst]), segment([.rst, .ack]),
          close("t#1"), close("t#1", fin: false), close("t"),
        ]))
    }
    return steps.compactMap { $0 }
  }

  private mutating func opened() -> [JSONValue] {
    let (network, peer) = end()
    var sender: JSONObject = ["via": "tcp", "name": "c"]
    if draw.chance(0.3) { sender["uid"] = 1000 }
    if draw.chance(0.2) { sender["mark"] = .integer(draw.pick([1, 0x10])) }
    var steps: [JSONValue] = [
      [
        "local": .object(sender), "src": .string("\(network.address)"), "dst": .string("\(peer)"), "proto": "tcp", "sport": 4000,
        "dport": 80,
      ]
    ]
    func segment(_ flags: TCPFlags, _ payload: String = "") -> JSONValue? {
      var packet = DrawnPacket(interface: network.ports[0], source: peer, destination: network.address, proto: .tcp)
      (packet.sourcePort, packet.destinationPort, packet.tcpFlags) = (80, 4000, flags)
      packet.payload = Array(payload.utf8)
      packet.extras = [JSONObject.Member("seq", flags.contains(.syn) ? 900 : "auto")]
      if flags.contains(.ack) { packet.extras.append(JSONObject.Member("ack", "auto")) }
      return packet.step
    }
    if draw.chance(0.8), let answer = segment(draw.pick([[.syn, .ack], [.syn, .ack], [.syn, .ack], [.rst, .ack]])) {
      steps.append(answer)
    }
    if draw.chance(0.5), let write = send("c") { steps.append(write) }
    for _ in 0..<draw.number(1...4) {
      let next = draw.pick([
        close("c"), close("c", fin: false), segment(.ack), segment([.ack, .psh], "world"), segment([.fin, .ack]),
        segment([.rst, .ack]), segment([.syn, .ack]),
      ])
      if let next { steps.append(next) }
    }
    return steps
  }

  private mutating func datagrams() -> [JSONValue] {
    let (network, peer) = end()
    var steps: [JSONValue] = [
      [
        "local": ["via": "udp", "name": "d"], "src": .string("\(network.address)"), "dst": .string("\(peer)"), "proto": "udp",
        "sport": 4000, "dport": 53,
      ]
    ]
    for _ in 0..<draw.number(1...3) {
      var answer = DrawnPacket(interface: network.ports[0], source: peer, destination: network.address, proto: .udp)
      (answer.sourcePort, answer.destinationPort, answer.payload) = (53, 4000, Array("world".utf8))
      if let next = draw.pick([answer.step, send("d"), close("d"), send("u")]) { steps.append(next) }
    }
    return steps
  }

  private mutating func end() -> (FuzzHost.Network, IPAddress) {
    let network = draw.pick(host.networks)
    return (network, draw.pick(network.neighbours))
  }

  private func send(_ name: String) -> JSONValue? { ["send": .string(name), "payload": "data"] }

  private func close(_ name: String, fin: Bool = true) -> JSONValue? {
    fin ? ["close": .string(name)] : ["close": .string(name), "fin": false]
  }
}
