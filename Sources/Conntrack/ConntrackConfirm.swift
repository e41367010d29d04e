import Wire

extension ConntrackCore {
  /// Puts an unconfirmed connection into the table, now that its first packet is about to leave, and tells what has happened.
  ///
  /// When another packet of the same flow was confirmed first, the packet moves over to that connection, or, under NAT, its own one
  /// stands in the table for answers alone. The corresponding kernel function is `nf_conntrack_confirm`.
  /// - Returns: `.drop` when the table has no room for the connection beside those it has.
  mutating func confirm(attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    guard case .connection(let handle, let info) = attachment, let slot = slot(handle) else { return .accept }
    if !entries[slot].status.contains(.confirmed) {
      // An answer made by REJECT carries the connection of the packet it answers, which is not yet confirmed and will not be.
      guard info.direction == .original else { return .accept }
      let verdict = insert(slot, &attachment, now: now)
      guard verdict == .accept else { return verdict }
    }
    deliver(attachment, now: now)
    return .accept
  }

  private mutating func insert(_ slot: Int, _ attachment: inout Attachment, now: Instant) -> NetfilterVerdict {
    let entry = entries[slot]
    guard !entry.status.contains(.dying) else {
      statistics.insertFailed += 1
      return .drop
    }
    let originalHash = entry.original.hash(zone: entry.zone.id(.original), seed: seed)
    let replyHash = entry.reply.hash(zone: entry.zone.id(.reply), seed: seed)
    if let winner = present(entry.original, entry.zone, originalHash, .original)
      ?? present(entry.reply, entry.zone, replyHash, .reply)
    {
      return resolveClash(slot, winner, replyHash, &attachment, now: now)
    }
    entries[slot].status.insert(.confirmed)
    entries[slot].expiry = Instant(nanoseconds: now.nanoseconds &+ entry.expiry.nanoseconds)
    if settings.timestamp { extend(slot) { $0.start = now } }
    index.insert(slot, .original, hash: originalHash)
    index.insert(slot, .reply, hash: replyHash)
    statistics.insert += 1
    if entry.features.contains(.extended), extensions[UInt32(slot)]?.helper != nil {
      entries[slot].pendingEvents.insert(.helper)
    }
    let isRelated = entry.features.contains(.extended) && extensions[UInt32(slot)]?.master != nil
    entries[slot].pendingEvents.insert(isRelated ? .related : .new)
    return .accept
  }

  /// The connection in the table that has a tuple already, expired or not, in either direction.
  private func present(_ tuple: Tuple, _ zone: Zone, _ hash: UInt64, _ direction: Direction) -> Int? {
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
      if let other = present(entries[slot].reply, entries[slot].zone, replyHash, .reply) {
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

  /// Moves the packet to the connection that was there first, when both are the same flow, be it the other way round.
  /// The corresponding kernel function is `nf_ct_can_merge`.
  private mutating func joinWinner(_ slot: Int, _ winner: Int, _ attachment: inout Attachment) -> Bool {
    let (own, other) = (entries[slot], entries[winner])
    guard !other.status.contains(.dying), let info = attachment.info else { return false }
    let isSame = own.original == other.original && own.reply == other.reply
      && own.zone.id(.original) == other.zone.id(.original) && own.zone.id(.reply) == other.zone.id(.reply)
    let isReverse = own.original == other.reply && own.reply == other.original
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

  /// Puts the connection in by its reply tuple alone, for one second. The corresponding kernel function is `nf_ct_resolve_clash_harder`.
  private mutating func insertForAnswers(_ slot: Int, _ replyHash: UInt64, now: Instant) {
    entries[slot].status.formUnion([.confirmed, .fixedTimeout, .natClash])
    entries[slot].expiry = now.adding(seconds: 1)
    index.insert(slot, .reply, hash: replyHash)
    statistics.clashResolve += 1
  }

  /// Tells the events that have gathered. The corresponding kernel function is `nf_ct_deliver_cached_events`.
  private mutating func deliver(_ attachment: Attachment, now: Instant) {
    guard let handle = attachment.connection, let slot = slot(handle), !entries[slot].pendingEvents.isEmpty else { return }
    let pending = entries[slot].pendingEvents
    entries[slot].pendingEvents = []
    guard entries[slot].isConfirmed, !entries[slot].isDying else { return }
    tell(pending, slot, now: now)
  }
}
