import Wire

/// Invariants of a single connection.
extension TableCheck {
  mutating func checkConnections(_ now: Instant) {
    let core = core
    for slot in core.entries.indices where core.entries[slot].features.contains(.live) {
      let entry = core.entries[slot]
      checkTranslation(entry, reply: core.reply(slot))
      checkStatus(slot, entry)
      guard entry.isConfirmed, !entry.isDying else { continue }
      let longest = core.timeouts(of: slot).longest
      let left = entry.expiry.wholeSeconds(since: now)
      require(left <= longest, "\(entry.original) is to live \(left) seconds, longer than any timeout says")
    }
  }

  /// A reply tuple differs from the inverse of the original one only at the ends that were translated.
  private mutating func checkTranslation(_ entry: ConnectionEntry, reply: Tuple) {
    let (original, status) = (entry.original, entry.status)
    guard let straight = original.inverted() else {
      findings.append("\(original) has no answer")
      return
    }
    require(reply.family == original.family && reply.proto == original.proto, "\(original) is answered over another protocol: \(reply)")
    let movesSource = reply.destinationBits != straight.destinationBits
    let movesDestination = reply.sourceBits != straight.sourceBits
    require(!movesSource || status.contains(.sourceNAT), "\(original) is answered to \(reply.destination) without source NAT")
    require(!movesDestination || status.contains(.destinationNAT), "\(original) is answered by \(reply.source) without destination NAT")
    // ICMP has one identifier for both ends, which either translation may change.
    let isShared = original.isICMP
    let mayMoveSource = status.contains(.sourceNAT) || isShared && status.contains(.destinationNAT)
    let movesSourceID = isShared ? reply.sourceID != straight.sourceID : reply.destinationID != straight.destinationID
    let movesDestinationID = isShared ? reply.destinationID != straight.destinationID : reply.sourceID != straight.sourceID
    require(!movesSourceID || mayMoveSource, "\(original) is answered as \(reply) without source NAT")
    require(
      !movesDestinationID || (!isShared && status.contains(.destinationNAT)), "\(original) is answered as \(reply) without destination NAT")
    if status.contains(.sourceNAT) {
      require(movesSource || movesSourceID, "\(original) is said to have source NAT, and has none")
      require(status.contains(.sourceNATDone), "\(original) has source NAT that was not set up")
    }
    if status.contains(.destinationNAT) {
      require(movesDestination || movesDestinationID || isShared, "\(original) is said to have destination NAT, and has none")
      require(status.contains(.destinationNATDone), "\(original) has destination NAT that was not set up")
    }
  }

  private mutating func checkStatus(_ slot: Int, _ entry: ConnectionEntry) {
    let core = core
    let status = entry.status
    require(!status.contains(.assured) || status.contains(.seenReply), "\(entry.original) is assured without an answer")
    require(
      status.contains(.sourceNATDone) == entry.features.contains(.inSourceIndex),
      "\(entry.original) is filed under its source without having one set up, or not filed")
    let more = entry.features.contains(.extended) ? core.extensions[UInt32(slot)] : nil
    require(status.contains(.expected) == (more?.master != nil), "\(entry.original) is expected and has no master, or has one and is not")
    if status.contains(.sequenceAdjust) {
      require(entry.original.proto == .tcp, "\(entry.original) has sequence numbers adjusted, and is not TCP")
    } else if let more {
      let isPlain = more.sequenceAdjustments[0] == SequenceAdjustment() && more.sequenceAdjustments[1] == SequenceAdjustment()
      require(isPlain, "\(entry.original) has sequence adjustments that are not applied")
    }
    if entry.features.contains(.accounting), !status.contains(.seenReply), slot < core.accounting.count {
      require(core.accounting[slot].replyPackets == 0, "\(entry.original) has counted answers without having seen one")
    }
    switch (entry.tracker, entry.original.proto) {
    case (.tcp, .tcp), (.udp, .udp), (.udp, .udplite), (.sctp, .sctp), (.gre, .gre), (.stateless, _): break
    default: findings.append("\(entry.original) is followed as another protocol")
    }
  }
}

extension ConntrackSettings {
  /// The longest timeout that any connection can have, in seconds.
  fileprivate var longest: UInt32 {
    let datagrams = [genericTimeout, icmpTimeout, icmpv6Timeout, udpTimeout, udpStreamTimeout, greTimeout, greStreamTimeout]
    let segments = [
      tcp.synSent, tcp.synReceived, tcp.established, tcp.finWait, tcp.closeWait, tcp.lastAck, tcp.timeWait, tcp.close, tcp.synSent2,
      tcp.maxRetransmissionsTimeout, tcp.unacknowledged,
    ]
    let chunks = [
      sctp.closed, sctp.cookieWait, sctp.cookieEchoed, sctp.established, sctp.shutdownSent, sctp.shutdownReceived,
      sctp.shutdownAckSent, sctp.heartbeatSent,
    ]
    // PPTP and SIP helpers set timeouts of their own.
    return (datagrams + segments + chunks + [18_000, 3600]).max() ?? 0
  }
}
