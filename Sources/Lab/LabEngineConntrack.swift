import Conntrack
import Wire

extension LabTuple {
  init(_ tuple: Tuple, zone: UInt16 = 0) {
    let transport: Transport
    if tuple.isICMP {
      transport = .icmp(identifier: tuple.icmpIdentifier, type: tuple.icmpType, code: tuple.icmpCode)
      // Linux no longer tracks DCCP and reports no ports for it.
    } else if tuple.proto.hasPorts && tuple.proto != .dccp || tuple.proto == .gre {
      transport = .ports(source: tuple.sourceID, destination: tuple.destinationID)
    } else {
      transport = .none
    }
    self.init(source: tuple.source, destination: tuple.destination, transport: transport, zone: zone)
  }
}

extension LabConnection {
  /// A connection as in a listing.
  init(_ snapshot: ConnectionSnapshot) {
    let zone = snapshot.zone
    self.init(
      proto: snapshot.original.proto, original: LabTuple(snapshot.original, zone: zone.directions == .original ? zone.id : 0),
      reply: LabTuple(snapshot.reply, zone: zone.directions == .reply ? zone.id : 0),
      status: LabConnectionStatus(rawValue: snapshot.status.rawValue))
    state = snapshot.state
    timeout = snapshot.timeout
    mark = snapshot.mark
    if zone.directions == .both { self.zone = zone.id }
    helper = snapshot.helper
    if let accounting = snapshot.accounting {
      originalCount = LabCount(accounting.originalPackets, accounting.originalBytes)
      replyCount = LabCount(accounting.replyPackets, accounting.replyBytes)
    }
    master = snapshot.master.map { LabTuple($0) }
    if let (original, reply) = snapshot.sequenceAdjustments {
      originalAdjustment = LabConnection.SequenceAdjustment(original)
      replyAdjustment = LabConnection.SequenceAdjustment(reply)
    }
  }

  /// A connection as in an event, without the fields that only listings contain.
  init(event snapshot: ConnectionSnapshot, isEnd: Bool) {
    self.init(snapshot)
    if mark == 0, !snapshot.changes.contains(.mark) { mark = nil }
    if isEnd {
      // An expired connection's timeout is omitted.
      if timeout == 0 { timeout = nil }
      status.rawValue |= ConnectionStatus.dying.rawValue
      helper = nil
    } else {
      originalCount = nil
      replyCount = nil
      if !snapshot.changes.contains(.protocolInfo) { state = nil }
    }
    if isEnd || !snapshot.changes.contains(.sequenceAdjust) { (originalAdjustment, replyAdjustment) = (nil, nil) }
  }
}

extension LabConnection.SequenceAdjustment {
  init(_ adjustment: SequenceAdjustment) {
    self.init(position: adjustment.correctionPosition, before: adjustment.offsetBefore, after: adjustment.offsetAfter)
  }
}

extension LabExpectation {
  init(_ snapshot: ExpectationSnapshot) {
    let expectation = snapshot.expectation
    let tuple = expectation.tuple
    let master = snapshot.master ?? tuple
    self.init(proto: tuple.proto, tuple: LabTuple(tuple), mask: LabTuple(expectation.mask), master: LabTuple(master))
    timeout = snapshot.timeout
    flags = expectation.flags.rawValue
    policyClass = UInt32(clamping: expectation.policyClass)
    helper = snapshot.helper
    if let name = expectation.function, name.isRegistered { function = name.rawValue }
    if expectation.savedAddress != 0 || expectation.savedID != 0 {
      let saved = Tuple(
        family: tuple.family, proto: tuple.proto, sourceBits: expectation.savedAddress, sourceID: expectation.savedID,
        destinationBits: 0, destinationID: 0)
      nat = NAT(direction: Int(expectation.direction.rawValue), tuple: LabTuple(saved))
    }
  }
}

extension LabConntrackEvent {
  init(_ event: ConntrackEvent) {
    switch event {
    case .new(let snapshot): self = .connection(.new, LabConnection(event: snapshot, isEnd: false))
    case .update(let snapshot):
      var connection = LabConnection(event: snapshot, isEnd: false)
      // Only the event of a new connection names its master.
      connection.master = nil
      self = .connection(.update, connection)
    case .destroy(let snapshot):
      var connection = LabConnection(event: snapshot, isEnd: true)
      connection.master = nil
      self = .connection(.destroy, connection)
    case .expectationNew(let snapshot): self = .expectation(.new, LabExpectation(snapshot))
    case .expectationDestroy(let snapshot): self = .expectation(.destroy, LabExpectation(snapshot))
    }
  }
}
