public import Conntrack
public import Evaluator
public import Notation
public import Wire

/// A packet of a capture that was carried through the host without a record of its path.
public struct CarriedPacket {
  /// Its tuple when it arrived; nil if it has no ports.
  public let tuple: Tuple?
  /// The tuple with which the first frame left that the packet caused; nil if it has no ports, or none left.
  public let left: Tuple?
  /// What happened to it.
  public let carriage: Carriage

  /// - Parameters:
  ///   - tuple: that of the packet when it arrived; see ``Wire/Packet/portTuple``.
  ///   - packet: the packet afterwards.
  ///   - hits: what it hit.
  public init(_ tuple: Tuple?, _ packet: borrowing Packet, _ carriage: Carriage, _ hits: borrowing HitLog) {
    self.tuple = tuple
    self.carriage = carriage
    left =
      carriage.frameDestination != nil && hits.leftFirst ? packet.portTuple : carriage.report?.departures.first?.packet.portTuple
  }
}

extension VerdictPattern {
  /// True if a carried packet's verdict matches the pattern.
  public func holds(for packet: borrowing CarriedPacket) -> Bool {
    let report = packet.carriage.report
    return holds(for: packet.carriage.verdict, isAnswered: report?.isAnswered == true)
  }
}
