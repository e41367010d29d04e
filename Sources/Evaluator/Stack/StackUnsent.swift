import Conntrack
import Wire
import XTables

/// What a process has written and closed, but this host has not sent: a rule has dropped the segment while TCP waited for the result.
struct UnsentData {
  var bytes: [UInt8] = []
  /// True if the process has closed the socket after these bytes.
  var hasFin = false

  var isEmpty: Bool { bytes.isEmpty && !hasFin }
}

/// Data and FINs that a rule at OUTPUT or POSTROUTING has dropped. They stay in the socket, and leave together with what the process writes next, or
/// when the peer's next segment arrives. The kernel's timer, which repeats them after 200 ms, is not simulated.
extension Simulator {
  /// Sends what is unsent, in segments of at most the smaller of the two sides' maximum size. The corresponding kernel function is
  /// `tcp_push_pending_frames`.
  func pushUnsent(_ pair: SocketPair, _ connection: inout StackConnection, origin: PacketReport.Origin = .host) {
    let unsent = connection.unsent
    connection.unsent = UnsentData()
    guard !unsent.isEmpty else { return }
    var rest = unsent.bytes[...]
    var origin = origin
    repeat {
      let piece = rest.prefix(max(min(connection.peerSegment, connection.ownSegment), 1))
      rest = rest.dropFirst(piece.count)
      var flags: TCPFlags = .ack
      if rest.isEmpty {
        if !piece.isEmpty { flags.insert(.psh) }
        if unsent.hasFin { flags.insert(.fin) }
      }
      sendSegment(pair, &connection, flags, payload: Array(piece), origin: origin)
      origin = .host
    } while !rest.isEmpty
  }

  /// Keeps the content of a segment that was dropped, and of those that were to follow it. The corresponding kernel function is `tcp_write_xmit`.
  func keepUnsent(_ dropped: Packet, _ pair: SocketPair) {
    let following = event.pending.filter { $0.stream == pair }.map(\.packet)
    event.pending.removeAll { $0.stream == pair }
    guard let first = dropped.tcp, var connection = stack.connections[pair] else { return }
    connection.sendNext = first.sequence
    for packet in [dropped] + following {
      guard let header = packet.tcp, let at = packet.transport else { continue }
      connection.unsent.bytes += packet.bytes[(at.offset + header.dataOffset)...]
      if header.flags.contains(.fin) { connection.unsent.hasFin = true }
    }
    stack.connections[pair] = connection
  }
}
