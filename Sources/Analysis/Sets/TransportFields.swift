import Wire
import XTables

/// Fields of the analysis that no match tests by name: on them depends whether the fields of a transport header can be read. No target
/// that writes to a field changes them.
extension Field {
  /// The bytes of the packet from its transport header on, at most 255.
  static let transportRoom = Field("transport.room", bits: 8, FieldTraits(.fields([]), .value)) { context in
    .of(min(max(context.packet.bytes.count - (context.packet.transport?.offset ?? 0), 0), 255))
  }

  /// Whether a later fragment begins at byte 8, so that it would overwrite the flags of TCP.
  static let overwritesHeader = Field("transport.overwrites", bits: 1, FieldTraits(.fields([]), .value)) { context in
    .of(context.packet.transport?.fragmentOffset == 8 && context.family == .ipv4)
  }
}

/// The headers without which connection tracking finds a packet INVALID.
enum TrackedHeader {
  /// The least number of bytes, by protocol.
  static let lengths: KeyValuePairs<IPProtocol, Int> = [.tcp: 20, .udp: 8, .udplite: 8, .sctp: 12, .dccp: 12]

  /// Whether a packet can have a connection: it is no later fragment, and has its header.
  static func isWhole(_ packet: borrowing Packet) -> Bool {
    guard let transport = packet.transport else { return true }
    let length = lengths.first { $0.key == transport.proto }?.value ?? 0
    return transport.fragmentOffset == 0 && packet.bytes.count - transport.offset >= length
  }
}
