public import Wire

/// The fields more than one extension reads. An extension that alone reads a field declares it in its own file.
extension Field {
  public static let mark = Field("meta.mark", bits: 32) { .of($0.mark) }

  /// Absent for the second and further fragments; malformed where the header is cut short.
  public static let tcpHeader = transport("tcp.header", bits: 1, of: .tcp) { $0.tcp.map { _ in 1 } }
  public static let tcpSourcePort = transport("tcp.sport", bits: 16, of: .tcp) { $0.tcp.map { UInt128($0.sourcePort) } }
  public static let tcpDestinationPort = transport("tcp.dport", bits: 16, of: .tcp) {
    $0.tcp.map { UInt128($0.destinationPort) }
  }
  public static let tcpFlags = transport("tcp.flags", bits: 8, of: .tcp) { $0.tcp.map { UInt128($0.flags.rawValue) } }

  /// A field of a transport header, read as the kernel's matches do: nothing in a later fragment, and a packet cut
  /// before the header's end is dropped by the match. A fragment at offset one is dropped too where `tcp` asks.
  public static func transport(
    _ name: String, bits: Int, of number: IPProtocol, read: @escaping @Sendable (Packet) -> UInt128?
  ) -> Field {
    Field(name, bits: bits) { context in
      guard let transport = context.packet.transport else { return .absent }
      guard transport.fragmentOffset == 0 else {
        return number == .tcp && transport.fragmentOffset == 1 ? .malformed : .absent
      }
      return read(context.packet).map { .value($0) } ?? .malformed
    }
  }
}
