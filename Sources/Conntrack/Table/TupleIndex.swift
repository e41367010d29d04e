/// Finds connections by the hash of a tuple: open addressing with linear probing over 8-byte words, at most ⅝ full.
///
/// A word holds the upper 31 bits of the hash, the direction, and the slot plus one; 0 is empty. The highest bits of the hash give the
/// home of a word, so words are ordered by hash and a range of hashes corresponds to a range of the kernel's buckets.
struct TupleIndex: Sendable {
  private(set) var words: [UInt64] = [UInt64](repeating: 0, count: 64)
  private(set) var used = 0
  private var shift: UInt64 = 58

  @inline(__always)
  private static func word(_ slot: Int, _ direction: Direction, hash: UInt64) -> UInt64 {
    hash & ~0x1_FFFF_FFFF | UInt64(direction.rawValue) << 32 | UInt64(UInt32(truncatingIfNeeded: slot) &+ 1)
  }

  @inline(__always) static func slot(_ word: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: word) &- 1) }
  @inline(__always) static func direction(_ word: UInt64) -> Direction { word >> 32 & 1 == 0 ? .original : .reply }
  /// True if the word's hash bits equal those of the hash.
  @inline(__always) static func matches(_ word: UInt64, _ hash: UInt64) -> Bool { (word ^ hash) >> 33 == 0 }

  @inline(__always) func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> shift) }
  @inline(__always) func after(_ place: Int) -> Int { (place &+ 1) & (words.count &- 1) }

  /// Inserts a word before all words of the same hash, as the kernel inserts at the head of a bucket. With zones of one direction two
  /// connections can have one tuple; the newer is found.
  mutating func insert(_ slot: Int, _ direction: Direction, hash: UInt64) {
    if (used + 1) * 8 > words.count * 5 { grow() }
    var word = TupleIndex.word(slot, direction, hash: hash)
    var place = home(hash)
    while words[place] != 0 {
      if TupleIndex.matches(words[place], hash) { swap(&words[place], &word) }
      place = after(place)
    }
    words[place] = word
    used += 1
  }

  /// Doubles the table. Starts after an empty place, so the words keep their order.
  private mutating func grow() {
    let old = words
    words = [UInt64](repeating: 0, count: old.count * 2)
    shift -= 1
    let start = old.firstIndex(of: 0) ?? 0
    for word in old[start...] + old[..<start] where word != 0 {
      var place = home(word)
      while words[place] != 0 { place = after(place) }
      words[place] = word
    }
  }

  /// Removes a word and moves back the words that it had displaced.
  mutating func remove(_ slot: Int, _ direction: Direction, hash: UInt64) {
    let word = TupleIndex.word(slot, direction, hash: hash)
    var hole = home(hash)
    while words[hole] != word {
      guard words[hole] != 0 else { return }
      hole = after(hole)
    }
    used -= 1
    var place = after(hole)
    while words[place] != 0 {
      let wanted = home(words[place])
      // Moves a word back only if it does not come before its home.
      let distanceToHole = (hole &- wanted) & (words.count &- 1)
      let distanceToPlace = (place &- wanted) & (words.count &- 1)
      if distanceToHole < distanceToPlace {
        words[hole] = words[place]
        hole = place
      }
      place = after(place)
    }
    words[hole] = 0
  }
}

/// Finds connections by their source before NAT. Kernel: `nf_nat_bysource`.
///
/// Chains are linked by `ConnectionEntry.next`, newest first.
struct SourceIndex: Sendable {
  private(set) var heads: [UInt32] = [UInt32](repeating: .max, count: 1024)
  private(set) var used = 0

  func bucket(_ tuple: Tuple, _ zone: Zone, _ seed: HashSeed) -> Int {
    var source = tuple
    source.destinationBits = 0
    source.destinationID = 0
    return Int(truncatingIfNeeded: source.hash(zone: zone.id(.original), seed: seed) >> 32) & (heads.count - 1)
  }

  func first(_ tuple: Tuple, _ zone: Zone, _ seed: HashSeed) -> UInt32 { heads[bucket(tuple, zone, seed)] }

  mutating func insert(_ slot: Int, _ entries: inout [ConnectionEntry], _ seed: HashSeed) {
    if used > heads.count { grow(&entries, seed) }
    let bucket = bucket(entries[slot].original, entries[slot].zone, seed)
    entries[slot].next = heads[bucket]
    entries[slot].features.insert(.inSourceIndex)
    heads[bucket] = UInt32(truncatingIfNeeded: slot)
    used += 1
  }

  mutating func remove(_ slot: Int, _ entries: inout [ConnectionEntry], _ seed: HashSeed) {
    let bucket = bucket(entries[slot].original, entries[slot].zone, seed)
    let wanted = UInt32(truncatingIfNeeded: slot)
    var previous: UInt32 = .max
    var current = heads[bucket]
    while current != .max, current != wanted {
      previous = current
      current = entries[Int(current)].next
    }
    guard current == wanted else { return }
    if previous == .max {
      heads[bucket] = entries[slot].next
    } else {
      entries[Int(previous)].next = entries[slot].next
    }
    entries[slot].features.remove(.inSourceIndex)
    used -= 1
  }

  private mutating func grow(_ entries: inout [ConnectionEntry], _ seed: HashSeed) {
    let old = heads
    heads = [UInt32](repeating: .max, count: old.count * 4)
    for head in old {
      // Reinserts oldest first, so chains keep their order.
      var chain: [UInt32] = []
      var current = head
      while current != .max {
        chain.append(current)
        current = entries[Int(current)].next
      }
      for slot in chain.reversed() {
        let bucket = bucket(entries[Int(slot)].original, entries[Int(slot)].zone, seed)
        entries[Int(slot)].next = heads[bucket]
        heads[bucket] = slot
      }
    }
  }
}
