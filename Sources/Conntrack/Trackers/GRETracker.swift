import Wire

/// The call ids of one direction of a PPTP tunnel. They complete the tuple of its packets before tracking.
/// Kernel: `nf_ct_gre_keymap`.
struct GREKey: Sendable {
  /// The tuple of packets of this direction. A packet carries the destination key only; the map supplies the source key.
  var tuple: Tuple
  /// The control connection.
  var master: ConnectionHandle
}

extension ConntrackCore {
  /// Sets the keys of a GRE packet's tuple: none for plain GRE and truncated headers; for PPTP the packet's call id and the mapped
  /// source key.
  /// The corresponding kernel function is `gre_pkt_to_tuple`.
  static func greTuple(_ bytes: [UInt8], _ at: TrackedTransport, _ tuple: Tuple, _ greKeys: [GREKey]) -> Tuple? {
    var tuple = tuple
    guard let flags = bytes.uint16(at: at.offset), let payload = bytes.uint16(at: at.offset &+ 2), flags & 7 == 1 else {
      return tuple
    }
    guard bytes.holds(8, at: at.offset) else { return tuple }
    guard payload == 0x880B, let call = bytes.uint16(at: at.offset &+ 6) else { return nil }
    tuple.destinationID = call
    tuple.sourceID =
      greKeys.first {
        $0.tuple.sourceBits == tuple.sourceBits && $0.tuple.destinationBits == tuple.destinationBits
          && $0.tuple.destinationID == call && $0.tuple.family == tuple.family
      }?.tuple.sourceID ?? 0
    return tuple
  }

  /// Tracks a GRE packet. The corresponding kernel function is `nf_conntrack_gre_packet`.
  mutating func trackGRE(_ slot: Int, _ packet: Packet, _ info: ConnectionInfo, now: Instant) -> TrackerResult {
    if !entries[slot].status.contains(.confirmed) {
      let limits = timeouts(of: slot)
      entries[slot].tracker = .gre(timeout: limits.greTimeout, streamTimeout: limits.greStreamTimeout)
    }
    guard case .gre(let timeout, let streamTimeout) = entries[slot].tracker else { return .invalid(.otherTracker) }
    let isStream = entries[slot].status.contains(.seenReply)
    refresh(slot, info.direction, timeout: isStream ? streamTimeout : timeout, bytes: packet.count, now: now)
    if isStream, !entries[slot].status.contains(.natClash), !entries[slot].status.contains(.assured) {
      entries[slot].status.insert(.assured)
      entries[slot].pendingEvents.insert(.assured)
    }
    return .accept
  }
}
