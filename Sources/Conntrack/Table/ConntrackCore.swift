import Wire

/// The storage of a table. One value type: a packet's processing needs no exclusivity checks and no reference counting.
///
/// Never calls back into the table. `ConntrackTable` calls helpers and address translation.
struct ConntrackCore {
  var settings: ConntrackSettings
  var statistics = ConntrackStatistics()
  var count = 0
  var recordsEvents = false
  var events: [ConntrackEvent] = []

  let seed: HashSeed
  let transitions = TCPTransitions.standard
  var entries: [ConnectionEntry] = []
  /// The reply tuples that are too long for their entries, by slot: those of translated IPv6 connections.
  var wideReplies: [UInt32: Tuple] = [:]
  var accounting: [ConnectionAccounting] = []
  var extensions: [UInt32: ConnectionExtension] = [:]
  var freeSlot: UInt32 = .max
  var index = TupleIndex()
  var sources = SourceIndex()
  /// Connections that have left the table while a packet may still carry them.
  var graveyard: [UInt32] = []
  var expectations = ExpectationTable()
  /// The expectation that the current packet fulfilled, until `ConntrackTable` takes it.
  var fulfilled: Expectation?
  /// True if `fulfilled` is set; cheaper to test.
  var isFulfilling = false
  var helpers: [any ConntrackHelper] = []
  var timeoutPolicies: [TimeoutPolicy] = []
  var greKeys: [GREKey] = []
  var nextCollection = Instant(nanoseconds: 0)
  /// True if the table was full: the next collection also removes unassured and closing connections.
  var isUnderPressure = false
  /// Why the last INVALID packet was INVALID.
  var lastInvalid: InvalidReason?

  init(settings: ConntrackSettings, seed: UInt64) {
    self.settings = settings
    self.seed = HashSeed(seed)
  }

  // MARK: Connections by handle

  /// The slot of a handle; nil if its connection was removed.
  @inline(__always)
  func slot(_ handle: ConnectionHandle) -> Int? {
    let slot = Int(handle.index)
    guard slot < entries.count, entries[slot].generation == handle.generation,
      entries[slot].features.contains(.live)
    else { return nil }
    return slot
  }

  @inline(__always)
  func handle(_ slot: Int) -> ConnectionHandle {
    ConnectionHandle(index: UInt32(truncatingIfNeeded: slot), generation: entries[slot].generation)
  }

  /// The connection of a handle; nil if it was removed.
  subscript(_ handle: ConnectionHandle) -> Connection? {
    slot(handle).map { Connection(entries[$0], reply: reply($0)) }
  }

  /// The rarely used fields of a connection: empty for most connections, nil if the connection was removed.
  func details(of handle: ConnectionHandle) -> ConnectionExtension? {
    slot(handle).map { extensions[UInt32($0)] ?? ConnectionExtension() }
  }

  func accounting(of handle: ConnectionHandle) -> ConnectionAccounting? {
    guard let slot = slot(handle), entries[slot].features.contains(.accounting) else { return nil }
    return accounting[slot]
  }

  /// Whole seconds until a connection expires; nil if it was removed.
  func timeout(of handle: ConnectionHandle, now: Instant) -> UInt32? {
    slot(handle).map { remaining($0, now: now) }
  }

  /// Sets the mark, as the CONNMARK target does. Kernel: `ct->mark`.
  mutating func setMark(_ mark: UInt32, of handle: ConnectionHandle) {
    guard let slot = slot(handle), entries[slot].mark != mark else { return }
    entries[slot].mark = mark
    entries[slot].pendingEvents.insert(.mark)
  }

  /// Sets the labels. The corresponding kernel function is `nf_connlabels_replace`.
  mutating func setLabels(_ labels: UInt128, of handle: ConnectionHandle) {
    guard let slot = slot(handle) else { return }
    guard extensions[UInt32(slot)]?.labels ?? 0 != labels else { return }
    extend(slot) { $0.labels = labels }
    entries[slot].pendingEvents.insert(.label)
  }

  /// Changes the rarely used fields of a connection. Does nothing if the connection was removed.
  mutating func update(_ handle: ConnectionHandle, _ change: (inout ConnectionExtension) -> Void) {
    guard let slot = slot(handle) else { return }
    extend(slot, change)
  }

  mutating func extend(_ slot: Int, _ change: (inout ConnectionExtension) -> Void) {
    entries[slot].features.insert(.extended)
    change(&extensions[UInt32(slot), default: ConnectionExtension()])
  }

  /// The handle of the connection that expected this one; nil if there is none.
  func master(of handle: ConnectionHandle) -> ConnectionHandle? {
    guard let slot = slot(handle), entries[slot].features.contains(.extended) else { return nil }
    return extensions[UInt32(slot)]?.master
  }

  /// The name of the helper assigned to a connection; nil if it has none or was removed.
  func helperName(of handle: ConnectionHandle) -> String? {
    guard let slot = slot(handle), entries[slot].features.contains(.extended) else { return nil }
    return extensions[UInt32(slot)]?.helper.flatMap { helperName($0) }
  }

  // MARK: Time

  @inline(__always)
  func remaining(_ slot: Int, now: Instant) -> UInt32 {
    entries[slot].expiry.wholeSeconds(since: entries[slot].isConfirmed ? now : Instant(nanoseconds: 0))
  }

  @inline(__always)
  func isExpired(_ slot: Int, now: Instant) -> Bool { entries[slot].expiry <= now }

  /// The settings for a connection: those of its timeout policy, or the table's.
  @inline(__always)
  func timeouts(of slot: Int) -> ConntrackSettings {
    guard entries[slot].features.contains(.timeoutPolicy) else { return settings }
    return policySettings(slot)
  }

  func policySettings(_ slot: Int) -> ConntrackSettings {
    guard let policy = extensions[UInt32(slot)]?.timeoutPolicy, Int(policy.rawValue) < timeoutPolicies.count else {
      return settings
    }
    return timeoutPolicies[Int(policy.rawValue)].settings
  }

  /// Sets a connection to expire `timeout` seconds after `now` and counts the packet. The corresponding kernel function is
  /// `__nf_ct_refresh_acct`.
  @inline(__always)
  mutating func refresh(_ slot: Int, _ direction: Direction, timeout: UInt32, bytes: Int, now: Instant) {
    if !entries[slot].status.contains(.fixedTimeout) {
      let start = entries[slot].status.contains(.confirmed) ? now : Instant(nanoseconds: 0)
      entries[slot].expiry = start.adding(seconds: timeout)
    }
    account(slot, direction, bytes: bytes)
  }

  @inline(__always)
  mutating func account(_ slot: Int, _ direction: Direction, bytes: Int) {
    guard entries[slot].features.contains(.accounting) else { return }
    accounting[slot].count(direction, bytes: bytes)
  }

  // MARK: Slots

  /// A slot for a new connection, not yet in the index.
  mutating func allocate(_ original: Tuple, _ reply: Tuple, zone: Zone) -> Int {
    count += 1
    let slot: Int
    if freeSlot != .max {
      slot = Int(freeSlot)
      freeSlot = entries[slot].next
      let generation = entries[slot].generation
      entries[slot] = ConnectionEntry(original: original, reply: reply, zone: zone, generation: generation)
    } else {
      slot = entries.count
      entries.append(ConnectionEntry(original: original, reply: reply, zone: zone, generation: 1))
    }
    entries[slot].features = .live
    if original.family == .ipv6 { setReply(slot, reply) }
    if settings.accounting {
      while accounting.count <= slot { accounting.append(ConnectionAccounting()) }
      accounting[slot] = ConnectionAccounting()
      entries[slot].features.insert(.accounting)
    }
    return slot
  }

  /// Returns a slot to the free list. The corresponding kernel function is `nf_conntrack_free`.
  mutating func free(_ slot: Int) {
    guard entries[slot].features.contains(.live) else { return }
    // Only an unconfirmed connection still has expectations: its own first packet added them.
    removeExpectations(of: slot, now: expectations.lastMade)
    if entries[slot].features.contains(.inSourceIndex) { sources.remove(slot, &entries, seed) }
    if entries[slot].features.contains(.extended) { extensions[UInt32(slot)] = nil }
    if entries[slot].features.contains(.wideReply) { wideReplies[UInt32(slot)] = nil }
    entries[slot].features = []
    entries[slot].tracker = .stateless
    entries[slot].generation &+= 1
    entries[slot].next = freeSlot
    freeSlot = UInt32(truncatingIfNeeded: slot)
    count -= 1
  }

  /// Removes a connection from the table. Its data stays readable until the packet that carries it is released.
  /// The corresponding kernel function is `nf_ct_delete`.
  mutating func remove(_ slot: Int, now: Instant) {
    guard !entries[slot].status.contains(.dying) else { return }
    if entries[slot].status.contains(.confirmed) {
      tell(.destroy, slot, now: now)
      unlink(slot)
      removeExpectations(of: slot, now: now)
      graveyard.append(UInt32(truncatingIfNeeded: slot))
    }
    entries[slot].status.insert(.dying)
    if entries[slot].features.contains(.extended), case .pptp(let state)? = extensions[UInt32(slot)]?.helperState {
      forgetTunnels(handle(slot), state, now: now)
    }
    if graveyard.count > 1024 { emptyGraveyard() }
  }

  private mutating func unlink(_ slot: Int) {
    let zone = entries[slot].zone
    index.remove(slot, .reply, hash: reply(slot).hash(zone: zone.id(.reply), seed: seed))
    guard !entries[slot].status.contains(.natClash) else { return }
    index.remove(slot, .original, hash: entries[slot].original.hash(zone: zone.id(.original), seed: seed))
  }

  mutating func emptyGraveyard() {
    for slot in graveyard { free(Int(slot)) }
    graveyard.removeAll(keepingCapacity: true)
  }

  /// Ends the use of an attachment after its packet was dropped, stolen or delivered. Frees the packet's connection if it is unconfirmed.
  ///
  /// Replies and copies of a packet carry the same connection: release them first.
  mutating func release(_ attachment: Attachment) {
    guard case .connection(let handle, _) = attachment, let slot = slot(handle) else { return }
    let status = entries[slot].status
    if status.contains(.dying), status.contains(.confirmed) {
      guard let position = graveyard.lastIndex(of: handle.index) else { return }
      graveyard.remove(at: position)
      free(slot)
    } else if !status.contains(.confirmed) {
      free(slot)
    }
  }

  /// Removes a connection, as `conntrack -D` does. False if it is unconfirmed or was removed before.
  @discardableResult
  mutating func delete(_ handle: ConnectionHandle, now: Instant) -> Bool {
    guard let slot = slot(handle), entries[slot].isConfirmed, !entries[slot].isDying else { return false }
    remove(slot, now: now)
    return true
  }

  /// Removes every confirmed connection, as `conntrack -F` does.
  mutating func flush(now: Instant) {
    for slot in entries.indices where entries[slot].features.contains(.live) && entries[slot].isConfirmed {
      remove(slot, now: now)
    }
    emptyGraveyard()
  }
}
