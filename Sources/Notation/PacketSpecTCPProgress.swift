import Diagnostics
public import Wire

/// Tracks the sequence numbers of TCP flows as seen from outside the host. `"auto"` numbers of a scenario are taken from here. Every engine
/// passes it the same packets: those injected and those that leave.
public struct TCPProgress: Sendable {
  /// One direction of a connection.
  public struct Flow: Sendable, Hashable {
    /// The source address.
    public var source: IPAddress
    /// The destination address.
    public var destination: IPAddress
    /// The source port.
    public var sourcePort: UInt16
    /// The destination port.
    public var destinationPort: UInt16

    /// Creates a direction.
    public init(source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16) {
      self.source = source
      self.destination = destination
      self.sourcePort = sourcePort
      self.destinationPort = destinationPort
    }

    /// The opposite direction.
    public var reversed: Flow {
      Flow(source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort)
    }
  }

  private var nextSequence: [Flow: UInt32] = [:]
  /// Flows seen before those in `nextSequence`.
  private var earlier: [Flow: UInt32] = [:]

  /// Creates a tracker that has seen no packets.
  public init() {}

  /// Tracks a packet; ignores packets that are not TCP with a complete header.
  public mutating func see(_ packet: Packet) {
    guard let at = packet.transport, let header = packet.tcp, let source = packet.source, let destination = packet.destination else {
      return
    }
    let flow = Flow(
      source: source, destination: destination, sourcePort: header.sourcePort, destinationPort: header.destinationPort)
    let payload = max(0, packet.bytes.count &- at.offset &- header.dataOffset)
    var next = header.sequence &+ UInt32(truncatingIfNeeded: payload)
    if header.flags.contains(.syn) { next &+= 1 }
    if header.flags.contains(.fin) { next &+= 1 }
    if nextSequence.count >= Limits.followedFlows, nextSequence[flow] == nil { (earlier, nextSequence) = (nextSequence, [:]) }
    nextSequence[flow] = next
  }

  /// The next sequence number of this direction. Nil if it has sent nothing, or its last packet is too far back: ``Limits/followedFlows``.
  public func next(of flow: Flow) -> UInt32? { nextSequence[flow] ?? earlier[flow] }
}
