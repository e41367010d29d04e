extension ConntrackCore {
  /// Makes room in a full table by removing the unassured connections of the first bucket near the new one's hash that has any. As in the
  /// kernel, eight buckets of `nf_conntrack_buckets` are looked at and no more. The corresponding kernel function is `early_drop`.
  mutating func dropEarly(_ hash: UInt64, now: Instant) -> Bool {
    let buckets = UInt64(max(settings.buckets, 1))
    // `>>` binds tighter than `&*`, so the product is bracketed.
    func bucket(_ hash: UInt64) -> UInt64 { ((hash >> 33) &* buckets) >> 31 }
    let first = bucket(hash)
    let range: UInt64 = min(8, buckets)
    // Homes are ordered as hashes are: the words of these buckets stand from the home of the lowest hash on, to the first empty
    // place behind the home of the highest.
    let span = ((range << 31) / buckets) + 1
    let start = index.home(((first << 31) / buckets) << 33)
    let homes = Int(truncatingIfNeeded: (span &* UInt64(index.words.count)) >> 31) + 1
    var victims: [(bucket: UInt64, slot: Int)] = []
    var place = start
    for step in 0..<index.words.count {
      let word = index.words[place]
      if word == 0, step > homes { break }
      let distance = (bucket(word) &+ buckets &- first) % buckets
      if word != 0, distance < range { victims.append((distance, TupleIndex.slot(word))) }
      place = index.after(place)
    }
    victims.sort { $0.bucket < $1.bucket }
    var dropped = 0
    var droppedFrom: UInt64?
    for (bucket, slot) in victims where droppedFrom == nil || droppedFrom == bucket {
      guard entries[slot].features.contains(.live), !entries[slot].isDying else { continue }
      if isExpired(slot, now: now) {
        remove(slot, now: now)
      } else if !entries[slot].status.contains(.assured) {
        remove(slot, now: now)
        dropped += 1
        droppedFrom = bucket
      }
    }
    statistics.earlyDrop += UInt64(dropped)
    if dropped > 0 { emptyGraveyard() }
    return dropped > 0
  }

  /// Removes what has expired, and under pressure also unassured and closing connections as long as the table is 95 % full.
  /// `incoming` calls it once a minute of the injected clock. The corresponding kernel function is `gc_worker`.
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
