import Lab
import Notation
import Wire

/// Tracks the peers of the host's own sockets, so that a test's replies are sent through those sockets.
struct SocketConversations {
  private struct Peer: Hashable {
    let proto: IPProtocol
    let address: IPAddress
    let port: UInt16
  }

  /// How a reply is sent.
  enum Way {
    case packet
    case socket(ScenarioStep)
    /// The host acknowledges by itself; the packet it would send.
    case bySelf(Packet)
  }

  private let isStack: Bool
  private var sockets: [Peer: String] = [:]

  /// - Parameter isStack: true if the host answers; a silent host has no sockets.
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

  /// A packet of this host to the peer of a socket is sent through that socket.
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
