import Netfilter
import Wire

extension ConntrackCore {
  /// Tracks a UDP datagram. A flow with replies counts as a stream two seconds after its first packet.
  /// The corresponding kernel function is `nf_conntrack_udp_packet`.
  mutating func trackUDP(_ slot: Int, _ packet: Packet, at offset: Int, _ info: ConnectionInfo, _ hook: Hook, now: Instant)
    -> TrackerResult
  {
    guard let header = UDPHeader(packet.bytes, at: offset), header.length >= UDPHeader.length,
      header.length <= packet.count &- offset
    else { return .invalid(.truncated) }
    if settings.checksum, hook == .prerouting, header.checksum != 0, packet.isTransportChecksumValid == false {
      return .invalid(.badChecksum)
    }
    followStream(slot, info, needsTime: true, bytes: packet.count, now: now)
    return .accept
  }

  /// Tracks a UDPLITE datagram, whose checksum is mandatory. A flow counts as a stream with the first packet after a reply.
  /// The corresponding kernel function is `nf_conntrack_udplite_packet`.
  mutating func trackUDPLite(_ slot: Int, _ packet: Packet, at offset: Int, _ info: ConnectionInfo, _ hook: Hook, now: Instant)
    -> TrackerResult
  {
    guard let header = UDPHeader(packet.bytes, at: offset) else { return .invalid(.truncated) }
    guard header.checksum != 0 else { return .invalid(.fact("a UDPLITE datagram without a checksum")) }
    let coverage = header.length == 0 ? packet.count &- offset : header.length
    guard coverage >= UDPHeader.length, coverage <= packet.count &- offset else {
      return .invalid(.fact("the checksum coverage of the UDPLITE datagram is out of range"))
    }
    if settings.checksum, hook == .prerouting, !hasKernelsUDPLiteChecksum(packet, at: offset, coverage: coverage) {
      return .invalid(.fact("the kernel computes the checksum of UDPLITE with UDP's protocol number, which does not fit"))
    }
    followStream(slot, info, needsTime: false, bytes: packet.count, now: now)
    return .accept
  }

  /// Linux (6.18 and earlier) sums the pseudo header with UDP's protocol number here, so datagrams with a correct checksum are INVALID.
  private func hasKernelsUDPLiteChecksum(_ packet: Packet, at offset: Int, coverage: Int) -> Bool {
    guard let pseudo = packet.pseudoHeaderSum(protocol: .udp, length: packet.count - offset) else { return false }
    return Checksum.compute(packet.bytes, in: offset..<(offset + coverage), initial: pseudo) == 0
  }

  private mutating func followStream(_ slot: Int, _ info: ConnectionInfo, needsTime: Bool, bytes: Int, now: Instant) {
    let limits = timeouts(of: slot)
    let status = entries[slot].status
    if !status.contains(.confirmed) { entries[slot].tracker = .udp(streamAt: now.adding(seconds: 2)) }
    guard status.contains(.seenReply) else {
      refresh(slot, info.direction, timeout: limits.udpTimeout, bytes: bytes, now: now)
      return
    }
    var isStream = !needsTime
    if needsTime, case .udp(let streamAt) = entries[slot].tracker { isStream = now > streamAt }
    refresh(slot, info.direction, timeout: isStream ? limits.udpStreamTimeout : limits.udpTimeout, bytes: bytes, now: now)
    guard isStream, !status.contains(.natClash), !status.contains(.assured) else { return }
    entries[slot].status.insert(.assured)
    entries[slot].pendingEvents.insert(.assured)
  }

  /// Tracks any other protocol by addresses only. The corresponding kernel function is `generic_packet`.
  mutating func trackGeneric(_ slot: Int, _ packet: Packet, _ info: ConnectionInfo, now: Instant) -> TrackerResult {
    refresh(slot, info.direction, timeout: timeouts(of: slot).genericTimeout, bytes: packet.count, now: now)
    return .accept
  }
}
