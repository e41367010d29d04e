import Diagnostics
public import Wire

/// How far the two directions of each TCP flow have come, as seen from outside the host. A scenario's `"auto"` numbers come
/// from here, the same in every engine: each shows it the packets that it injects and the packets that leave.
public struct TCPProgress: Sendable {
  /// One direction of a connection.
  public struct Flow: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    public var sourcePort: UInt16
    public var destinationPort: UInt16

    public init(source: IPAddress, destination: IPAddress, sourcePort: UInt16, destinationPort: UInt16) {
      self.source = source
      self.destination = destination
      self.sourcePort = sourcePort
      self.destinationPort = destinationPort
    }

    public var reversed: Flow {
      Flow(source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort)
    }
  }

  private var nextSequence: [Flow: UInt32] = [:]
  /// Flows that were seen before those of `nextSequence`.
  private var earlier: [Flow: UInt32] = [:]

  public init() {}

  /// Takes note of a packet; other packets than TCP with a whole header are passed over.
  public mutating func see(_ packet: Packet) {
    guard let at = packet.transport, let header = packet.tcp, let source = packet.source, let destination = packet.destination else { return }
    let flow = Flow(
      source: source, destination: destination, sourcePort: header.sourcePort, destinationPort: header.destinationPort)
    let payload = max(0, packet.bytes.count &- at.offset &- header.dataOffset)
    var next = header.sequence &+ UInt32(truncatingIfNeeded: payload)
    if header.flags.contains(.syn) { next &+= 1 }
    if header.flags.contains(.fin) { next &+= 1 }
    if nextSequence.count >= Limits.followedFlows, nextSequence[flow] == nil { (earlier, nextSequence) = (nextSequence, [:]) }
    nextSequence[flow] = next
  }

  /// The sequence number that follows what this direction has sent; nil when it has sent nothing, or nothing since
  /// ``Limits/followedFlows`` others have twice.
  public func next(of flow: Flow) -> UInt32? { nextSequence[flow] ?? earlier[flow] }
}
