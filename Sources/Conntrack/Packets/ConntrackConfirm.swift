import Netfilter
import Wire

extension ConntrackCore {
  /// Adds an unconfirmed connection to the table and records its pending events. To be called after all hooks accepted its first packet.
  ///
  /// If another packet of the same flow was confirmed first, the packet moves to that connection. Under NAT its own connection is
  /// added under its reply tuple only. The corresponding kernel function is `nf_conntrack_confirm`.
  /// - Returns: `.drop` if the connection was removed, or if it clashes with another one and the clash cannot be resolved.
  mutating func confirm(attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    let verdict = enlist(attachment: &attachment, now: now)
    guard verdict == .accept else { return verdict }
    deliver(attachment, now: now)
    return .accept
  }

  /// As `confirm`, and leaves the events pending. The corresponding kernel function is `__nf_conntrack_confirm`.
  mutating func enlist(attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    guard case .connection(let handle, let info) = attachment, let slot = slot(handle), !entries[slot].status.contains(.confirmed),
      // A reply from target REJECT carries the rejected packet's connection. That connection is never confirmed.
      info.direction == .original
    else { return .accept }
    return insert(slot, &attachment, now: now)
  }

  private mutating func insert(_ slot: Int, _ attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    guard !entries[slot].status.contains(.dying) else {
      statistics.insertFailed += 1
      return .drop
    }
    let (original, reply, zone) = (entries[slot].original, reply(slot), entries[slot].zone)
    let originalHash = original.hash(zone: zone.id(.original), seed: seed)
    let replyHash = reply.hash(zone: zone.id(.reply), seed: seed)
    if let winner = present(original, zone, originalHash) ?? present(reply, zone, replyHash) {
      return resolveClash(slot, winner, replyHash, &attachment, now: now)
    }
    entries[slot].status.insert(.confirmed)
    entries[slot].expiry = Instant(nanoseconds: now.nanoseconds &+ entries[slot].expiry.nanoseconds)
    if settings.timestamp { extend(slot) { $0.start = now } }
    index.insert(slot, .original, hash: originalHash)
    index.insert(slot, .reply, hash: replyHash)
    statistics.insert += 1
    guard entries[slot].features.contains(.extended) else {
      entries[slot].pendingEvents.insert(.new)
      return .accept
    }
    if extensions[UInt32(slot)]?.helper != nil { entries[slot].pendingEvents.insert(.helper) }
    entries[slot].pendingEvents.insert(extensions[UInt32(slot)]?.master != nil ? .related : .new)
    return .accept
  }

  /// The slot of the listed connection that already has the tuple in either direction, expired or not.
  private func present(_ tuple: Tuple, _ zone: Zone, _ hash: UInt64) -> Int? {
    var place = index.home(hash)
    while index.words[place] != 0 {
      let word = index.words[place]
      if TupleIndex.matches(word, hash), isEqual(TupleIndex.slot(word), TupleIndex.direction(word), tuple, zone) {
        return TupleIndex.slot(word)
      }
      place = index.after(place)
    }
    return nil
  }

  /// The corresponding kernel function is `nf_ct_resolve_clash`.
  private mutating func resolveClash(
    _ slot: Int, _ winner: Int, _ replyHash: UInt64, _ attachment: inout Attachment, now: Instant
  ) -> NetfilterVerdict {
    if entries[slot].original.allowsClash {
      if joinWinner(slot, winner, &attachment) { return .accept }
      if let other = present(reply(slot), entries[slot].zone, replyHash) {
        if joinWinner(slot, other, &attachment) { return .accept }
      } else {
        insertForAnswers(slot, replyHash, now: now)
        return .accept
      }
    }
    statistics.drop += 1
    statistics.insertFailed += 1
    return .drop
  }

  /// Moves the packet to the connection that was confirmed first, if both are the same flow in the same or the opposite direction.
  /// The corresponding kernel function is `nf_ct_can_merge`.
  private mutating func joinWinner(_ slot: Int, _ winner: Int, _ attachment: inout Attachment) -> Bool {
    let (own, other) = (entries[slot], entries[winner])
    let (ownReply, otherReply) = (reply(slot), reply(winner))
    guard !other.status.contains(.dying), let info = attachment.info else { return false }
    let isSame =
      own.original == other.original && ownReply == otherReply
      && own.zone.id(.original) == other.zone.id(.original) && own.zone.id(.reply) == other.zone.id(.reply)
    let isReverse =
      own.original == otherReply && ownReply == other.original
      && own.zone.id(.original) == other.zone.id(.reply) && own.zone.id(.reply) == other.zone.id(.original)
    guard isSame || isReverse else { return false }
    if own.features.contains(.accounting) {
      let counted = accounting[slot]
      account(winner, info.direction, bytes: Int(clamping: info.direction == .original ? counted.originalBytes : counted.replyBytes))
    }
    free(slot)
    attachment = .connection(handle(winner), info)
    statistics.clashResolve += 1
    return true
  }

  /// Adds the connection to the index under its reply tuple only, for one second. The corresponding kernel function is
  /// `nf_ct_resolve_clash_harder`.
  private mutating func insertForAnswers(_ slot: Int, _ replyHash: UInt64, now: Instant) {
    entries[slot].status.formUnion([.confirmed, .fixedTimeout, .natClash])
    entries[slot].expiry = now.adding(seconds: 1)
    index.insert(slot, .reply, hash: replyHash)
    statistics.clashResolve += 1
  }

  /// Records the pending events. The corresponding kernel function is `nf_ct_deliver_cached_events`.
  private mutating func deliver(_ attachment: Attachment, now: Instant) {
    guard let handle = attachment.connection, let slot = slot(handle), !entries[slot].pendingEvents.isEmpty else { return }
    let pending = entries[slot].pendingEvents
    entries[slot].pendingEvents = []
    guard entries[slot].isConfirmed, !entries[slot].isDying else { return }
    tell(pending, slot, now: now)
  }
}
