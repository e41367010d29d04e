import Netfilter
import Wire

extension ConntrackCore {
  /// Tracks a packet at PREROUTING or OUTPUT: attaches it to its connection or creates one, and updates the protocol's state.
  ///
  /// Afterwards the attachment is `.connection`, `.untracked`, or `.none` or `.answerToUntracked`, which mean INVALID. A template set by target CT
  /// is replaced. The corresponding kernel function is `nf_conntrack_in`.
  /// If the packet fulfilled an expectation, `fulfilled` holds it afterwards.
  /// - Parameter packetMark: the packet's mark, for a template whose zone is the mark.
  /// - Returns: `.accept`, or `.drop` if the table is full.
  mutating func incoming(
    packet: Packet, attachment: inout Attachment, hook: Hook, packetMark: UInt32, now: Instant
  ) -> NetfilterVerdict {
    var template: Template?
    switch attachment {
    case .connection, .untracked: return .accept
    case .template(let wanted):
      template = wanted
      attachment = .none
    case .none, .answerToUntracked: break
    }
    if now >= nextCollection { collectGarbage(now: now) }

    guard let at = TrackedTransport(packet.bytes) else {
      lastInvalid = .fact("it is a fragment, or its headers are truncated")
      statistics.invalid += 1
      return .accept
    }
    let zone = template?.zone(packetMark: packetMark) ?? .default
    if at.proto == .icmp || at.proto == .icmpv6 {
      switch trackICMPError(packet, at, zone: zone, hook: hook, now: now) {
      case .notAnError: break
      case .attached(let found):
        attachment = found
        return .accept
      case .invalid(let reason):
        lastInvalid = reason
        statistics.error += 1
        return .accept
      }
    }
    return follow(packet, at, template, zone, &attachment, hook: hook, now: now)
  }

  /// As `incoming` for a packet without attachment and mark at PREROUTING; see ``ConntrackTable/track(_:_:now:)``.
  mutating func track(_ packet: Packet, _ attachment: inout Attachment, now: Instant) -> TrackedPacket {
    let verdict = incoming(packet: packet, attachment: &attachment, hook: .prerouting, packetMark: 0, now: now)
    guard case .connection(let handle, let info) = attachment, verdict == .accept else {
      return TrackedPacket(verdict: verdict, kind: .other, note: 0)
    }
    let slot = Int(handle.index)
    var kind = TrackedPacket.Kind.other
    let status = entries[slot].status
    let isTranslated = !status.isDisjoint(with: [.sourceNAT, .destinationNAT])
    if !status.contains(.dying), !entries[slot].features.contains(.extended) || isTranslated && isOnlyMasqueraded(slot) {
      if info == .new {
        if !isTranslated { kind = .beginning }
      } else if info == .established || info == .establishedReply, status.contains(.confirmed), entries[slot].pendingEvents.isEmpty {
        kind = isTranslated ? .translated : .settled
      }
    }
    let note = info.direction == .original ? entries[slot].originalNote : entries[slot].replyNote
    return TrackedPacket(verdict: verdict, kind: kind, note: note)
  }

  /// Whether nothing but the interface of its new address is kept of a connection besides the usual.
  private func isOnlyMasqueraded(_ slot: Int) -> Bool {
    guard let details = extensions[UInt32(slot)] else { return false }
    return details.helper == nil && details.master == nil && details.synproxy == nil && details.expectations.isEmpty && details.labels == 0
      && details.securityMark == 0 && details.timeoutPolicy == nil && details.eventMask == nil
  }

  private mutating func follow(
    _ packet: Packet, _ at: TrackedTransport, _ template: Template?, _ zone: Zone, _ attachment: inout Attachment,
    hook: Hook, now: Instant
  ) -> NetfilterVerdict {
    // Repeats once if the TCP tracker removed a closed connection to reopen it.
    while true {
      let slot: Int
      let info: ConnectionInfo
      switch resolve(packet, at, template, zone, now: now) {
      case .found(let found, let direction):
        slot = found
        info = self.info(found, direction)
      case .unclassifiable:
        lastInvalid = .fact("its headers do not identify a connection")
        statistics.invalid += 1
        return .accept
      case .tableFull:
        statistics.drop += 1
        return .drop
      }
      switch track(slot, packet, at, info, hook: hook, now: now) {
      case .accept:
        if info == .establishedReply, !entries[slot].status.contains(.seenReply) {
          entries[slot].status.insert(.seenReply)
          entries[slot].pendingEvents.insert(.reply)
        }
        attachment = .connection(handle(slot), info)
        return .accept
      case .repeat:
        continue
      case .invalid(let reason):
        lastInvalid = reason
        discardUnconfirmed(slot)
        statistics.invalid += 1
        return .accept
      case .drop:
        discardUnconfirmed(slot)
        statistics.invalid += 1
        statistics.drop += 1
        return .drop
      }
    }
  }

  private mutating func discardUnconfirmed(_ slot: Int) {
    if !entries[slot].status.contains(.confirmed) { free(slot) }
  }

  /// The corresponding kernel code is at the end of `resolve_normal_ct`.
  private func info(_ slot: Int, _ direction: Direction) -> ConnectionInfo {
    if direction == .reply { return .establishedReply }
    let status = entries[slot].status
    if status.contains(.seenReply) { return .established }
    return status.contains(.expected) ? .related : .new
  }

  private enum Resolution {
    case found(Int, Direction)
    /// The packet has no tuple, or its tuple cannot be inverted.
    case unclassifiable
    case tableFull
  }

  private mutating func resolve(
    _ packet: Packet, _ at: TrackedTransport, _ template: Template?, _ zone: Zone, now: Instant
  ) -> Resolution {
    guard let tuple = ConntrackCore.tuple(packet.bytes, at, greKeys) else { return .unclassifiable }
    if let found = findSlot(tuple, zone: zone, now: now) { return .found(found.slot, found.direction) }
    return start(tuple, template, zone, now: now)
  }

  /// A new, unconfirmed connection. The corresponding kernel function is `init_conntrack`.
  private mutating func start(
    _ tuple: Tuple, _ template: Template?, _ zone: Zone, now: Instant
  ) -> Resolution {
    guard let reply = tuple.inverted() else { return .unclassifiable }
    if settings.max != 0, count >= Int(settings.max), !dropEarly(tuple.hash(zone: zone.id(.original), seed: seed), now: now) {
      isUnderPressure = true
      return .tableFull
    }
    let slot = allocate(tuple, reply, zone: zone)
    if let policy = template?.timeoutPolicy {
      entries[slot].features.insert(.timeoutPolicy)
      extend(slot) { $0.timeoutPolicy = policy }
    }
    if let mask = template?.events {
      entries[slot].features.insert(.eventMask)
      extend(slot) { $0.eventMask = mask }
    }
    if template?.isSynproxied == true { extend(slot) { $0.synproxy = SynproxyState() } }
    // The value is large: it is not even set to nil where nothing is expected.
    if !expectations.all.isEmpty {
      fulfilled = adoptExpected(slot, tuple, zone, now: now)
      isFulfilling = fulfilled != nil
    }
    if !isFulfilling { assignHelper(slot, template) }
    return .found(slot, .original)
  }

  /// Calls the packet's protocol tracker. The corresponding kernel function is `nf_conntrack_handle_packet`.
  private mutating func track(
    _ slot: Int, _ packet: Packet, _ at: TrackedTransport, _ info: ConnectionInfo, hook: Hook, now: Instant
  ) -> TrackerResult {
    switch at.proto {
    case .tcp: trackTCP(slot, packet, at: at.offset, info, hook, now: now)
    case .udp: trackUDP(slot, packet, at: at.offset, info, hook, now: now)
    case .udplite: trackUDPLite(slot, packet, at: at.offset, info, hook, now: now)
    case .icmp, .icmpv6: trackICMP(slot, packet, at, info, now: now)
    case .sctp: trackSCTP(slot, packet, at: at.offset, info, hook, now: now)
    case .gre: trackGRE(slot, packet, info, now: now)
    default: trackGeneric(slot, packet, info, now: now)
    }
  }
}

/// The offsets of a packet's headers. The packet is not a fragment.
/// The corresponding kernel function is `get_l4proto`.
struct TrackedTransport {
  var family: Family
  var proto: IPProtocol
  var offset: Int
  /// Where the network header starts.
  var start: Int

  init?(_ bytes: borrowing [UInt8], at start: Int = 0) {
    guard let at = TransportLocator(bytes, at: start), at.fragmentOffset == 0, !at.isTruncated, at.offset <= bytes.count else {
      return nil
    }
    if at.family == .ipv6, at.proto == .none { return nil }
    family = at.family
    proto = at.proto
    offset = at.offset
    self.start = start
  }
}

extension ConntrackCore {
  /// The tuple of the packet whose headers are at the offsets of `at`; nil if the transport header is truncated.
  /// The corresponding kernel function is `nf_ct_get_tuple`.
  static func tuple(_ bytes: [UInt8], _ at: TrackedTransport, _ greKeys: [GREKey]) -> Tuple? {
    var tuple: Tuple
    switch at.family {
    case .ipv4:
      guard let source = bytes.uint32(at: at.start &+ IPv4Header.Offset.source),
        let destination = bytes.uint32(at: at.start &+ IPv4Header.Offset.destination)
      else { return nil }
      tuple = Tuple(
        family: .ipv4, proto: at.proto, sourceBits: UInt128(source), sourceID: 0, destinationBits: UInt128(destination),
        destinationID: 0)
    case .ipv6:
      guard let source = bytes.uint128(at: at.start &+ IPv6Header.Offset.source),
        let destination = bytes.uint128(at: at.start &+ IPv6Header.Offset.destination)
      else { return nil }
      tuple = Tuple(
        family: .ipv6, proto: at.proto, sourceBits: source, sourceID: 0, destinationBits: destination, destinationID: 0)
    }
    switch at.proto {
    case .tcp, .udp, .udplite, .sctp:
      guard let ports = bytes.uint32(at: at.offset) else { return nil }
      tuple.sourceID = UInt16(ports >> 16)
      tuple.destinationID = UInt16(truncatingIfNeeded: ports)
    case .icmp, .icmpv6:
      guard let header = ICMPHeader(bytes, at: at.offset) else { return nil }
      tuple.sourceID = header.identifier
      tuple.destinationID = UInt16(header.type) << 8 | UInt16(header.code)
    case .gre:
      return greTuple(bytes, at, tuple, greKeys)
    default:
      break
    }
    return tuple
  }

  /// The tuple that `incoming` would use for a whole packet; nil if the packet cannot be tracked.
  func tuple(of packet: Packet) -> Tuple? {
    TrackedTransport(packet.bytes).flatMap { ConntrackCore.tuple(packet.bytes, $0, greKeys) }
  }
}
