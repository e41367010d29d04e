import Conntrack
public import Evaluator
public import Wire

/// Finds TCP connections of which a capture has one direction only: connection tracking cannot follow them, and their packets are INVALID.
public struct DirectionCheck: Sendable {
  /// The tuples of packets that arrived or were sent, and the tuples with which they left.
  private var arrived: [Tuple: Tuple?] = [:]
  private var invalid: Set<Tuple> = []
  private var isCut = false

  /// Creates a check that has seen nothing.
  public init() {}

  /// Notes a replayed packet.
  public mutating func note(_ packet: Packet, _ report: PathReport) {
    guard let tuple = packet.portTuple, tuple.proto == .tcp else { return }
    guard arrived[tuple] != nil || arrived.count < RunSummary.mostFlows else { return }
    if arrived[tuple] == nil { arrived[tuple] = .some(nil) }
    if let left = report.departures.first?.packet.portTuple { arrived[tuple] = .some(left) }
    if report.packets.first?.tracking?.state == "INVALID" { invalid.insert(tuple) }
  }

  /// The number of connections with INVALID packets whose other direction was not replayed.
  public var oneSided: Int {
    invalid.count { tuple in
      let left = arrived[tuple].flatMap { $0 }
      return arrived[tuple.reversed] == nil && left.map { arrived[$0.reversed] == nil } != false
    }
  }
}

extension Tuple {
  /// The tuple of a packet in the other direction.
  fileprivate var reversed: Tuple {
    Tuple(
      family: family, proto: proto, sourceBits: destinationBits, sourceID: destinationID, destinationBits: sourceBits,
      destinationID: sourceID)
  }
}
