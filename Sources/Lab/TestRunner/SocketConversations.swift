import Wire

/// With whom the host's own sockets speak, so that what a test has them reply is said by them, and not beside them.
struct SocketConversations {
  private struct Peer: Hashable {
    let proto: IPProtocol
    let address: IPAddress
    let port: UInt16
  }

  /// How a reply comes to be.
  enum Way {
    case packet
    case socket(ScenarioStep)
    /// The host acknowledges by itself; the packet that it might send.
    case bySelf(Packet)
  }

  private let isStack: Bool
  private var sockets: [Peer: String] = [:]

  /// - Parameter isStack: the host answers; one that stays silent has no sockets to speak of.
  init(isStack: Bool) { self.isStack = isStack }

  mutating func note(_ records: [LabSocketRecord]) {
    guard isStack else { return }
    for record in records {
      switch record {
      case .accepted(_, let from, _, _, let name): sockets[Peer(proto: .tcp, address: from.0, port: from.1)] = name
      case .received(let socket, _, let from?): sockets[Peer(proto: .udp, address: from.0, port: from.1)] = socket
      default: break
      }
    }
  }

  /// A packet from here to somebody whom a socket knows is that socket's affair.
  func way(of reply: ScenarioStep) -> Way {
    guard case .local(_, let spec) = reply.action, case .fields(let fields) = spec.content,
      let socket = sockets[Peer(proto: fields.proto, address: fields.destination, port: fields.destinationPort)]
    else { return .packet }
    if !fields.payload.isEmpty || fields.proto == .udp { return .socket(ScenarioStep(.send(socket: socket, payload: fields.payload))) }
    if fields.tcpFlags.contains(.rst) { return .socket(ScenarioStep(.close(socket: socket, fin: false))) }
    if fields.tcpFlags.contains(.fin) { return .socket(ScenarioStep(.close(socket: socket, fin: true))) }
    return (try? fields.packet()).map { .bySelf($0) } ?? .packet
  }
}
