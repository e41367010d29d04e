import Wire

extension ConntrackCore {
  /// The confirmed connection that has a tuple in a zone, and the direction of that tuple. Removes expired connections that it
  /// meets. The corresponding kernel function is `nf_conntrack_find_get`.
  mutating func find(_ tuple: Tuple, zone: Zone = .default, now: Instant) -> (handle: ConnectionHandle, direction: Direction)? {
    findSlot(tuple, zone: zone, now: now).map { (handle($0.slot), $0.direction) }
  }

  @inline(__always)
  mutating func findSlot(_ tuple: Tuple, zone: Zone, now: Instant) -> (slot: Int, direction: Direction)? {
    let originalID = zone.id(.original)
    let replyID = zone.id(.reply)
    if let found = probe(tuple, zone, hash: tuple.hash(zone: originalID, seed: seed), now: now) { return found }
    guard originalID != replyID else { return nil }
    return probe(tuple, zone, hash: tuple.hash(zone: replyID, seed: seed), now: now)
  }

  private mutating func probe(_ tuple: Tuple, _ zone: Zone, hash: UInt64, now: Instant) -> (slot: Int, direction: Direction)? {
    var place = index.home(hash)
    while true {
      let word = index.words[place]
      if word == 0 { return nil }
      if TupleIndex.matches(word, hash) {
        let slot = TupleIndex.slot(word)
        let direction = TupleIndex.direction(word)
        if isEqual(slot, direction, tuple, zone) {
          if !isExpired(slot, now: now) { return (slot, direction) }
          // Removal moves index words, so the search starts again.
          remove(slot, now: now)
          place = index.home(hash)
          continue
        }
      }
      place = index.after(place)
    }
  }

  /// The corresponding kernel function is `nf_ct_key_equal`.
  @inline(__always)
  func isEqual(_ slot: Int, _ direction: Direction, _ tuple: Tuple, _ zone: Zone) -> Bool {
    let hasTuple =
      direction == .reply && entries[slot].features.contains(.wideReply) ? reply(slot) == tuple : entries[slot].has(tuple, direction)
    return hasTuple && entries[slot].zone.id(direction) == zone.id(direction)
  }

  /// True if another connection already has the tuple, so NAT must choose a different one.
  /// The corresponding kernel function is `nf_conntrack_tuple_taken`.
  mutating func isTaken(_ tuple: Tuple, ignoring handle: ConnectionHandle, now: Instant) -> Bool {
    guard let own = slot(handle) else { return false }
    let zone = entries[own].zone
    guard let found = probe(tuple, zone, hash: tuple.hash(zone: zone.id(.reply), seed: seed), now: now), found.slot != own
    else { return false }
    // Two threads that send through one socket can create the same flow twice. `confirm` resolves this.
    if entries[found.slot].original == entries[own].original, entries[found.slot].zone.id(.original) == zone.id(.original) {
      return false
    }
    statistics.found += 1
    return true
  }

  /// Every confirmed connection in the order of the slots, as `conntrack -L` lists them. Removes expired connections first.
  mutating func dump(now: Instant) -> [ConnectionSnapshot] {
    // Removes all expired connections before listing: removing a PPTP session also removes its tunnels, in any slot.
    for slot in entries.indices where entries[slot].isListed && isExpired(slot, now: now) { remove(slot, now: now) }
    return entries.indices.filter { entries[$0].isListed && !entries[$0].status.contains(.natClash) }.map { snapshot($0, now: now) }
  }

  /// All data of one connection at `now`; nil if it was removed.
  func snapshot(of handle: ConnectionHandle, now: Instant) -> ConnectionSnapshot? {
    slot(handle).map { snapshot($0, now: now) }
  }

  func snapshot(_ slot: Int, now: Instant) -> ConnectionSnapshot {
    let entry = entries[slot]
    let more = entry.features.contains(.extended) ? extensions[UInt32(slot)] : nil
    var state: String?
    switch entry.tracker {
    case .tcp(let tcp): state = tcp.state.name
    case .sctp(let sctp): state = sctp.state.name
    default: break
    }
    var snapshot = ConnectionSnapshot(
      original: entry.original, reply: reply(slot), status: entry.status, state: state, timeout: remaining(slot, now: now))
    snapshot.handle = handle(slot)
    snapshot.mark = entry.mark
    snapshot.zone = entry.zone
    if entry.features.contains(.accounting) { snapshot.accounting = accounting[slot] }
    guard let more else { return snapshot }
    snapshot.labels = more.labels
    snapshot.helper = more.helper.flatMap { helperName($0) }
    snapshot.master = more.master.flatMap { self[$0]?.original }
    if entry.status.contains(.sequenceAdjust) { snapshot.sequenceAdjustments = (more.sequenceAdjustments[0], more.sequenceAdjustments[1]) }
    snapshot.start = more.start
    return snapshot
  }
}

extension ConntrackCore {
  /// Records an event if the table records events and the connection's mask permits it.
  mutating func tell(_ kind: ConnectionEvents, _ slot: Int, now: Instant) {
    guard recordsEvents, settings.events != 0 else { return }
    if entries[slot].features.contains(.eventMask), let mask = extensions[UInt32(slot)]?.eventMask,
      kind.isDisjoint(with: mask)
    {
      return
    }
    var snapshot = snapshot(slot, now: now)
    snapshot.changes = kind
    if kind.contains(.destroy) {
      events.append(.destroy(snapshot))
    } else if !kind.isDisjoint(with: [.new, .related]) {
      events.append(.new(snapshot))
    } else {
      events.append(.update(snapshot))
    }
  }

  /// Returns the events recorded since the last call and clears them.
  mutating func takeEvents() -> [ConntrackEvent] {
    defer { events = [] }
    return events
  }
}
