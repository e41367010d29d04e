import Wire

extension ConntrackTable {
  /// The violated invariants of the table, one sentence each; empty if all hold.
  ///
  /// Checks every structure: the cost is linear in the size of the table. For tests and for debugging. Timeouts are compared with the
  /// current settings: after a timeout was shortened, older connections may be reported until their next packet.
  /// - Parameter carried: the connections that packets carry at the moment; other unconfirmed connections are reported as leaked. Nil if
  ///   unknown: unconfirmed connections are not checked then.
  public func inconsistencies(carried: Set<ConnectionHandle>? = nil, now: Instant) -> [String] {
    var check = TableCheck(core: core)
    check.checkSlots(carried)
    check.checkConnections(now)
    check.checkIndex()
    check.checkSources()
    check.checkExpectations(now)
    return check.findings
  }
}

/// Compares the structures of a table with each other.
struct TableCheck {
  let core: ConntrackCore
  var findings: [String] = []

  init(core: ConntrackCore) { self.core = core }

  mutating func require(_ holds: Bool, _ sentence: @autoclosure () -> String) {
    if !holds { findings.append(sentence()) }
  }

  // MARK: Slots

  /// Each slot holds a connection or is free, and no unconfirmed connection is leaked.
  mutating func checkSlots(_ carried: Set<ConnectionHandle>?) {
    let core = core
    var isFree = [Bool](repeating: false, count: core.entries.count)
    var free = 0
    var next = core.freeSlot
    while next != .max {
      guard Int(next) < isFree.count, !isFree[Int(next)] else {
        findings.append("the chain of free slots leads to \(next) again, or nowhere")
        break
      }
      isFree[Int(next)] = true
      free += 1
      next = core.entries[Int(next)].next
    }
    var isBuried = [Bool](repeating: false, count: core.entries.count)
    for slot in core.graveyard.map(Int.init) {
      guard slot < isBuried.count, !isBuried[slot] else {
        findings.append("slot \(slot) is buried twice, or is none")
        continue
      }
      isBuried[slot] = true
    }
    var live = 0
    var extended = 0
    for slot in core.entries.indices {
      let entry = core.entries[slot]
      let isLive = entry.features.contains(.live)
      require(isLive != isFree[slot], "slot \(slot) is \(isLive ? "both in use and" : "neither in use nor") free")
      require(isBuried[slot] == (isLive && entry.isConfirmed && entry.isDying), "slot \(slot) is buried or dying, not both")
      guard isLive else { continue }
      live += 1
      if entry.features.contains(.extended) { extended += 1 }
      checkFeatures(slot, entry)
      if let carried, !entry.isConfirmed {
        require(carried.contains(core.handle(slot)), "no packet carries the unconfirmed \(entry.original)")
      }
    }
    require(live == core.count, "\(live) connections are counted as \(core.count)")
    require(extended == core.extensions.count, "\(core.extensions.count) extensions belong to \(extended) connections")
    let wide = core.entries.count { $0.features.isSuperset(of: [.live, .wideReply]) }
    require(wide == core.wideReplies.count, "\(core.wideReplies.count) reply tuples belong to \(wide) connections")
  }

  private mutating func checkFeatures(_ slot: Int, _ entry: ConnectionEntry) {
    let core = core
    let more = core.extensions[UInt32(slot)]
    require(entry.features.contains(.extended) == (more != nil), "\(entry.original) has an extension that is not there, or not its own")
    require(entry.features.contains(.wideReply) == (core.wideReplies[UInt32(slot)] != nil), "\(entry.original) has another's reply tuple")
    require(!entry.features.contains(.accounting) || slot < core.accounting.count, "\(entry.original) is counted nowhere")
    if entry.features.contains(.timeoutPolicy) {
      let policy = more?.timeoutPolicy.map { Int($0.rawValue) } ?? .max
      require(policy < core.timeoutPolicies.count, "\(entry.original) has a timeout policy that is not registered")
    }
    if let helper = more?.helper {
      require(Int(helper.rawValue) < core.helpers.count, "\(entry.original) has a helper that is not registered")
    }
  }

  // MARK: Index

  /// The index holds each connection under its two tuples and nothing else. A search from the home of each word finds it.
  mutating func checkIndex() {
    let core = core
    let index = core.index
    var words = 0
    for (place, word) in index.words.enumerated() where word != 0 {
      words += 1
      let slot = TupleIndex.slot(word)
      let direction = TupleIndex.direction(word)
      guard slot < core.entries.count, core.entries[slot].isListed else {
        findings.append("the index leads to slot \(slot), where no connection is")
        continue
      }
      let hash = core.hash(slot, direction)
      guard TupleIndex.matches(word, hash) else {
        findings.append("the index has \(core.tuple(slot, direction)) under another hash")
        continue
      }
      var step = index.home(hash)
      while step != place, index.words[step] != 0 { step = index.after(step) }
      require(step == place, "a search for \(core.tuple(slot, direction)) ends before it is found")
    }
    require(words == index.used, "\(words) words of the index are counted as \(index.used)")
    require(words * 8 <= index.words.count * 5, "the index is too full: \(words) of \(index.words.count)")
    for slot in core.entries.indices where core.entries[slot].isListed {
      let entry = core.entries[slot]
      // After a clash the connection is indexed under its reply tuple only.
      if !entry.status.contains(.natClash) { checkUnique(slot, entry.zone, .original) }
      checkUnique(slot, entry.zone, .reply)
    }
  }

  /// The index holds a tuple once per zone, in either direction. The two tuples of one connection may be equal (a host with itself).
  /// If a zone applies to one direction only, two connections may share a tuple as long as `nf_ct_key_equal` distinguishes them
  /// from either direction.
  private mutating func checkUnique(_ slot: Int, _ zone: Zone, _ direction: Direction) {
    let core = core
    let hash = core.hash(slot, direction)
    let tuple = core.tuple(slot, direction)
    var place = core.index.home(hash)
    var own = 0
    var others = 0
    while core.index.words[place] != 0 {
      let word = core.index.words[place]
      place = core.index.after(place)
      guard TupleIndex.matches(word, hash) else { continue }
      let found = TupleIndex.slot(word)
      let side = TupleIndex.direction(word)
      if found == slot, side == direction {
        own += 1
      } else if found != slot, found < core.entries.count, core.isEqual(found, side, tuple, zone),
        zone.id(direction) == core.entries[found].zone.id(direction)
      {
        others += 1
      }
    }
    require(own == 1, "\(tuple) stands \(own) times in the index")
    require(others == 0, "\(tuple) is another connection's too")
  }
}

extension ConntrackCore {
  /// The hash of a direction's tuple.
  fileprivate func hash(_ slot: Int, _ direction: Direction) -> UInt64 {
    tuple(slot, direction).hash(zone: entries[slot].zone.id(direction), seed: seed)
  }
}
