import Wire

/// Access to the table's internals for the NAT module.
extension ConntrackTable {
  /// Sets the reply tuple of an unconfirmed connection to the one that replies have after translation. The corresponding kernel function
  /// is `nf_conntrack_alter_reply`.
  package func alterReply(of handle: ConnectionHandle, to tuple: Tuple) {
    guard let slot = core.slot(handle), !core.entries[slot].isConfirmed else { return }
    core.setReply(slot, tuple)
  }

  package func insertStatus(_ status: ConnectionStatus, of handle: ConnectionHandle) {
    guard let slot = core.slot(handle) else { return }
    core.entries[slot].status.formUnion(status)
  }

  /// Adds a connection to the source index, so later connections of the same source get the same mapping.
  package func indexBySource(_ handle: ConnectionHandle) { core.indexBySource(handle) }

  /// Calls `body` with the reply tuple of each connection from the source of `tuple`, newest first, until it returns true.
  /// The corresponding kernel function is `find_appropriate_src`.
  package func findMapping(ofSource tuple: Tuple, zone: Zone, _ body: (Tuple) -> Bool) {
    core.findMapping(ofSource: tuple, zone: zone, body)
  }

  /// The interface whose address a masqueraded connection uses.
  package func masqueradeInterface(of handle: ConnectionHandle) -> Int32? { core.masqueradeInterface(of: handle) }

  /// The ports that NAT has chosen by chance for a connection.
  package func drawnPorts(of handle: ConnectionHandle) -> DrawnPorts { core.drawnPorts(of: handle) }

  /// Counts a packet and removes its connection. The corresponding kernel function is `nf_ct_kill_acct`.
  package func kill(_ handle: ConnectionHandle, _ direction: Direction, bytes: Int, now: Instant) {
    core.kill(handle, direction, bytes: bytes, now: now)
  }

  /// True if two packets of the protocol that create the same flow concurrently may both pass. Kernel: `nf_conntrack_l4proto.allow_clash`.
  package func allowsClash(_ tuple: Tuple) -> Bool { tuple.allowsClash }
}

extension Tuple {
  /// Kernel: `nf_conntrack_l4proto.allow_clash`.
  var allowsClash: Bool {
    switch proto {
    case .tcp, .sctp, .icmp, .icmpv6: false
    default: true
    }
  }
}

extension ConntrackCore {
  mutating func indexBySource(_ handle: ConnectionHandle) {
    guard let slot = slot(handle), !entries[slot].features.contains(.inSourceIndex) else { return }
    sources.insert(slot, &entries, seed)
  }

  func findMapping(ofSource tuple: Tuple, zone: Zone, _ body: (Tuple) -> Bool) {
    var current = sources.first(tuple, zone, seed)
    while current != .max {
      let entry = entries[Int(current)]
      if entry.original.proto == tuple.proto, entry.original.sourceBits == tuple.sourceBits,
        entry.original.sourceID == tuple.sourceID, entry.original.family == tuple.family,
        entry.zone.id(.original) == zone.id(.original), body(reply(Int(current)))
      {
        return
      }
      current = entry.next
    }
  }

  func masqueradeInterface(of handle: ConnectionHandle) -> Int32? {
    guard let slot = slot(handle), entries[slot].features.contains(.extended) else { return nil }
    return extensions[UInt32(slot)]?.masqueradeInterface
  }

  func drawnPorts(of handle: ConnectionHandle) -> DrawnPorts {
    guard let slot = slot(handle), entries[slot].features.contains(.extended) else { return DrawnPorts() }
    return extensions[UInt32(slot)]?.drawnPorts ?? DrawnPorts()
  }

  mutating func kill(_ handle: ConnectionHandle, _ direction: Direction, bytes: Int, now: Instant) {
    guard let slot = slot(handle) else { return }
    account(slot, direction, bytes: bytes)
    remove(slot, now: now)
  }
}
