extension ConntrackCore {
  /// Removes unassured connections to make room in a full table. Searches at most eight buckets (of `nf_conntrack_buckets`) from the
  /// new connection's hash on and empties the first that has any. The corresponding kernel function is `early_drop`.
  /// - Returns: false if no connection was removed.
  mutating func dropEarly(_ hash: UInt64, now: Instant) -> Bool {
    let buckets = UInt64(max(settings.buckets, 1))
    // `>>` binds tighter than `&*`, so the product is bracketed.
    func bucket(_ hash: UInt64) -> UInt64 { ((hash >> 33) &* buckets) >> 31 }
    let first = bucket(hash)
    let range: UInt64 = min(8, buckets)
    // Words are ordered by hash. The words of these buckets lie between the home of the lowest hash and the first empty place
    // after the home of the highest hash.
    let span = ((range << 31) / buckets) + 1
    let start = index.home(((first << 31) / buckets) << 33)
    let homes = Int(truncatingIfNeeded: (span &* UInt64(index.words.count)) >> 31) + 1
    var victims: [(bucket: UInt64, slot: Int)] = []
    var place = start
    for step in 0..<index.words.count {
      let word = index.words[place]
      if word == 0, step > homes { break }
      let (own, slot) = (bucket(word), TupleIndex.slot(word))
      let distance = own >= first ? own - first : own &+ buckets &- first
      if word != 0, distance < range, givesWay(slot, now: now) { victims.append((distance, slot)) }
      place = index.after(place)
    }
    if victims.count > 1 { victims.sort { $0.bucket < $1.bucket } }
    var dropped = 0
    var droppedFrom: UInt64?
    for (bucket, slot) in victims where droppedFrom == nil || droppedFrom == bucket {
      // The removal of another one may have removed it too.
      guard givesWay(slot, now: now) else { continue }
      let isExpired = isExpired(slot, now: now)
      remove(slot, now: now)
      if isExpired { continue }
      dropped += 1
      droppedFrom = bucket
    }
    statistics.earlyDrop += UInt64(dropped)
    if dropped > 0 { emptyGraveyard() }
    return dropped > 0
  }

  /// Whether a connection is removed for a new one: an expired one, or one that is not assured.
  private func givesWay(_ slot: Int, now: Instant) -> Bool {
    guard entries[slot].features.contains(.live), !entries[slot].isDying else { return false }
    return !entries[slot].status.contains(.assured) || isExpired(slot, now: now)
  }

  /// Removes expired connections. After the table was full, also removes unassured and closing connections while it is at least
  /// 95 % full. `incoming` calls this once a minute of the injected clock. The corresponding kernel function is `gc_worker`.
  mutating func collectGarbage(now: Instant) {
    nextCollection = now.adding(seconds: 60)
    let limit = Int(settings.max) / 100 * 95
    emptyGraveyard()
    for slot in entries.indices {
      let entry = entries[slot]
      guard entry.features.contains(.live), entry.isConfirmed, !entry.isDying else { continue }
      if isExpired(slot, now: now) {
        remove(slot, now: now)
      } else if isUnderPressure, settings.max != 0, count - graveyard.count >= limit, canBeDroppedEarly(slot) {
        remove(slot, now: now)
      }
    }
    isUnderPressure = false
    emptyGraveyard()
    expireExpectations(now: now)
  }

  private func canBeDroppedEarly(_ slot: Int) -> Bool {
    guard entries[slot].status.contains(.assured) else { return true }
    return switch entries[slot].tracker {
    case .tcp(let tcp): tcp.canBeDroppedEarly
    case .sctp(let sctp): sctp.canBeDroppedEarly
    default: false
    }
  }
}
