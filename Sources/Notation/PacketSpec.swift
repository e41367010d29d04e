public import Wire

/// A packet of a scenario: its bytes, or its fields. Sequence numbers may follow from the flow.
public struct PacketSpec: Sendable, Equatable {
  /// The content of a packet.
  public enum Content: Sendable, Equatable {
    case bytes([UInt8])
    case fields(PacketFields)
  }
  /// The bytes or fields of the packet.
  public var content: Content
  /// The sequence number continues after this flow's last packet.
  public var continuesSequence = false
  /// The acknowledgment number is the next sequence number expected from the peer.
  public var acknowledgesAll = false

  /// Creates a packet with explicit sequence numbers.
  public init(_ content: Content) { self.content = content }

  /// True for a raw socket's packet with identification 0, which the kernel replaces.
  package var leavesIdentification: Bool {
    switch content {
    case .bytes(let bytes): Packet(bytes: bytes).ipv4?.identification == 0
    case .fields(let fields): fields.identification == 0
    }
  }

  /// Builds the packet.
  ///
  /// - Parameter progress: supplies the sequence numbers that the scenario leaves to the flow.
  /// - Throws: `PacketFields.BuildError` if the fields do not form a packet.
  public func packet(after progress: TCPProgress) throws(PacketFields.BuildError) -> Packet {
    switch content {
    case .bytes(let bytes): return Packet(bytes: bytes)
    case .fields(var fields):
      let flow = TCPProgress.Flow(
        source: fields.source, destination: fields.destination, sourcePort: fields.sourcePort, destinationPort: fields.destinationPort)
      if continuesSequence { fields.sequence = progress.next(of: flow) ?? 0 }
      if acknowledgesAll { fields.acknowledgment = progress.next(of: flow.reversed) ?? 0 }
      return try fields.packet()
    }
  }
}
