import Netfilter
import Wire

/// The result of checking an ICMP message before it is looked up by its own tuple.
enum ICMPErrorResult {
  case notAnError
  /// An error about a connection, or a message type that is never tracked.
  case attached(Attachment)
  case invalid(InvalidReason)
}

extension ConntrackCore {
  /// Tracks an ICMP query or reply. The corresponding kernel functions are `nf_conntrack_icmp_packet` and
  /// `nf_conntrack_icmpv6_packet`.
  mutating func trackICMP(_ slot: Int, _ packet: Packet, _ at: TrackedTransport, _ info: ConnectionInfo, now: Instant) -> TrackerResult {
    guard (at.proto == .icmp) == (at.family == .ipv4) else { return .invalid(.fact("ICMP of the other IP version")) }
    let entry = entries[slot]
    if !entry.status.contains(.confirmed), !ConntrackCore.startsConnection(entry.original.icmpType, entry.original.proto) {
      return .invalid(.icmpType(entry.original.icmpType, "a message that answers no tracked request, and starts no connection"))
    }
    let limits = timeouts(of: slot)
    refresh(
      slot, info.direction, timeout: at.proto == .icmp ? limits.icmpTimeout : limits.icmpv6Timeout, bytes: packet.count,
      now: now)
    return .accept
  }

  /// True for requests; replies do not start connections.
  private static func startsConnection(_ type: UInt8, _ proto: IPProtocol) -> Bool {
    switch (proto, type) {
    case (.icmp, 8), (.icmp, 13), (.icmp, 15), (.icmp, 17), (.icmpv6, 128), (.icmpv6, 139): true
    default: false
    }
  }

  /// Checks an ICMP message, and attaches an error to the connection of the packet that it quotes. The corresponding kernel functions are
  /// `nf_conntrack_icmpv4_error` and `nf_conntrack_icmpv6_error`.
  mutating func trackICMPError(_ packet: Packet, _ at: TrackedTransport, zone: Zone, hook: Hook, now: Instant) -> ICMPErrorResult {
    guard (at.proto == .icmp) == (at.family == .ipv4) else { return .notAnError }
    guard let header = ICMPHeader(packet.bytes, at: at.offset) else { return .invalid(.truncated) }
    if settings.checksum, hook == .prerouting, packet.isTransportChecksumValid == false { return .invalid(.badChecksum) }
    var quoted = at.offset &+ ICMPHeader.length
    if at.family == .ipv4 {
      guard header.type <= 18 else { return .invalid(.icmpType(header.type, "connection tracking does not know it")) }
      guard ICMPHeader.isError(type: header.type) else { return .notAnError }
    } else {
      switch header.type {
      case 130...136, 143, 151...152: return .attached(.untracked)
      case 137:
        guard let start = redirectedHeader(packet.bytes, at: at.offset) else {
          return .invalid(.fact("the ICMPv6 redirect quotes no packet"))
        }
        quoted = start
      case 128...: return .notAnError
      default: break
      }
    }
    return trackQuoted(packet, at: quoted, zone: zone, now: now)
  }

  /// The position of the packet quoted by an ICMPv6 redirect. A link-layer address option may precede it.
  private func redirectedHeader(_ bytes: [UInt8], at offset: Int) -> Int? {
    var option = offset &+ 40
    guard let first = bytes.uint8(at: option), let length = bytes.uint8(at: option &+ 1) else { return nil }
    if first == 2 {
      guard length > 0 else { return nil }
      option &+= Int(length) &* 8
    }
    guard bytes.uint8(at: option) == 4, bytes.uint8(at: option &+ 1) ?? 0 > 0 else { return nil }
    return option &+ 8
  }

  /// Looks up the packet that an error quotes. The quoted packet travelled in the opposite direction, so packets in the error's
  /// direction have its inverted tuple. The corresponding kernel function is `nf_conntrack_inet_error`.
  private mutating func trackQuoted(_ packet: Packet, at quoted: Int, zone: Zone, now: Instant) -> ICMPErrorResult {
    guard let inner = TrackedTransport(packet.bytes, at: quoted), inner.family == packet.family,
      let sent = ConntrackCore.tuple(packet.bytes, inner, greKeys), let wanted = sent.inverted(),
      let found = findSlot(wanted, zone: zone, now: now)
    else { return .invalid(.fact("the packet that the ICMP error quotes belongs to no tracked connection")) }
    // The error's destination must be the sender of the quoted packet before NAT.
    guard packet.destination?.bits == tuple(found.slot, found.direction).destinationBits else {
      return .invalid(.fact("the ICMP error is not addressed to the sender of the packet that it quotes"))
    }
    return .attached(.connection(handle(found.slot), found.direction == .original ? .related : .relatedReply))
  }
}
