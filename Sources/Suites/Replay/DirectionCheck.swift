import Conntrack
public import Evaluator
public import Wire

/// Finds TCP connections of which a capture has one direction only: connection tracking cannot follow them, and their packets are INVALID.
public struct DirectionCheck: Sendable {
  private struct Flow {
    /// The tuple with which its packets left; nil if none did.
    var left: Tuple?
    var isInvalid = false
  }

  /// The flows of packets that arrived or were sent.
  private var arrived = FlowTable<Flow>()

  /// The number of the next packet among all packets of the run; needed only if other checks see other packets of it.
  var position: Int {
    get { arrived.position }
    set { arrived.position = newValue }
  }

  /// Creates a check that has seen nothing.
  public init() {}

  /// Adds what another check has seen of other flows of the same run.
  mutating func merge(_ other: DirectionCheck) { _ = arrived.merge(other.arrived, upTo: RunSummary.mostFlows) }

  /// Notes a replayed packet.
  public mutating func note(_ packet: Packet, _ report: PathReport) {
    note(packet.portTuple, leftAs: report.departures.first?.packet.portTuple, report.packets.first?.tracking?.isInvalid == true)
  }

  /// Notes a carried packet. One that repeats the way of an earlier one need not be noted: that one had the same tuples.
  public mutating func note(_ packet: borrowing CarriedPacket, _ hits: borrowing HitLog) {
    note(packet.tuple, leftAs: packet.left, hits.isInvalid)
  }

  private mutating func note(_ tuple: Tuple?, leftAs left: Tuple?, _ isInvalid: Bool) {
    guard let tuple, tuple.proto == .tcp else { return }
    _ = arrived.update(tuple, upTo: RunSummary.mostFlows, initial: Flow()) { flow in
      if let left { flow.left = left }
      if isInvalid { flow.isInvalid = true }
    }
  }

  /// The number of connections with INVALID packets whose other direction was not replayed.
  public var oneSided: Int {
    arrived.flows.count { flow in
      flow.value.isInvalid && arrived[flow.tuple.reversed] == nil && flow.value.left.map { arrived[$0.reversed] == nil } != false
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
