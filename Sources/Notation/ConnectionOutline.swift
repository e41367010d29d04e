public import Conntrack
import Wire

/// A tracked connection in encodable form.
public struct ConnectionOutline: Encodable, Sendable {
  /// One direction. Ports, keys and ICMP fields are present only for the protocols that have them.
  struct Direction: Encodable, Sendable {
    var source: String
    var destination: String
    var sourcePort: UInt16?
    var destinationPort: UInt16?
    var sourceKey: UInt16?
    var destinationKey: UInt16?
    var icmpType: UInt8?
    var icmpCode: UInt8?
    var icmpIdentifier: UInt16?
    /// The zone, if it applies to this direction only.
    var zone: UInt16?
    /// Present if accounting is enabled (`nf_conntrack_acct`).
    var packets: UInt64?
    var bytes: UInt64?

    init(_ tuple: Tuple) {
      source = tuple.source.description
      destination = tuple.destination.description
      if tuple.isICMP {
        (icmpType, icmpCode, icmpIdentifier) = (tuple.icmpType, tuple.icmpCode, tuple.icmpIdentifier)
      } else if tuple.proto == .gre {
        (sourceKey, destinationKey) = (tuple.sourceID, tuple.destinationID)
      } else if tuple.proto.hasPorts {
        (sourcePort, destinationPort) = (tuple.sourceID, tuple.destinationID)
      }
    }
  }

  struct Adjustment: Encodable, Sendable {
    let position: UInt32
    let before: Int32
    let after: Int32

    init(_ adjustment: SequenceAdjustment) {
      (position, before, after) = (adjustment.correctionPosition, adjustment.offsetBefore, adjustment.offsetAfter)
    }
  }

  let family: String
  let `protocol`: String
  let protocolNumber: UInt8
  /// The remaining time in seconds.
  let timeout: UInt32
  let state: String?
  /// The kernel's names of the status bits, without IPS_.
  let status: [String]
  var original: Direction
  var reply: Direction
  let mark: UInt32
  let zone: UInt16?
  /// The numbers of the connection's labels.
  let labels: [Int]
  let helper: String?
  /// The original direction of the master connection.
  let master: Direction?
  let sequenceAdjustments: [Adjustment]?

  /// Creates the outline of a connection.
  public init(_ snapshot: ConnectionSnapshot) {
    family = "\(snapshot.original.family)"
    self.protocol = snapshot.original.proto.description
    protocolNumber = snapshot.original.proto.rawValue
    timeout = snapshot.timeout
    state = snapshot.state
    status = snapshot.status.names
    original = Direction(snapshot.original)
    reply = Direction(snapshot.reply)
    let id = snapshot.zone.id == 0 ? nil : snapshot.zone.id
    zone = snapshot.zone.directions == .both ? id : nil
    if snapshot.zone.directions == .original { original.zone = id }
    if snapshot.zone.directions == .reply { reply.zone = id }
    if let counted = snapshot.accounting {
      (original.packets, original.bytes) = (counted.originalPackets, counted.originalBytes)
      (reply.packets, reply.bytes) = (counted.replyPackets, counted.replyBytes)
    }
    mark = snapshot.mark
    labels = (0..<128).filter { snapshot.labels >> UInt128($0) & 1 == 1 }
    helper = snapshot.helper
    master = snapshot.master.map { Direction($0) }
    sequenceAdjustments = snapshot.sequenceAdjustments.map { [Adjustment($0.0), Adjustment($0.1)] }
  }
}

/// An expectation in encodable form.
public struct ExpectationOutline: Encodable, Sendable {
  let `protocol`: String
  /// The tuple of the expected packet.
  let tuple: ConnectionOutline.Direction
  /// The bits of the tuple that are compared, in the form of a tuple.
  let mask: ConnectionOutline.Direction
  let master: ConnectionOutline.Direction?
  /// The remaining time in seconds.
  let timeout: UInt32
  let flags: [String]
  let policyClass: Int
  /// The helper that created it.
  let helper: String?
  /// The kernel's name of the function called for the expected connection.
  let function: String?

  /// Creates the outline of an expectation.
  public init(_ snapshot: ExpectationSnapshot) {
    let expectation = snapshot.expectation
    self.protocol = expectation.tuple.proto.description
    tuple = ConnectionOutline.Direction(expectation.tuple)
    mask = ConnectionOutline.Direction(expectation.mask)
    master = snapshot.master.map { ConnectionOutline.Direction($0) }
    timeout = snapshot.timeout
    flags = expectation.flags.names
    policyClass = expectation.policyClass
    helper = snapshot.helper
    function = expectation.function?.rawValue
  }
}
