import Wire

/// Invariants between expectations, their masters and the source index.
extension TableCheck {
  /// Each expectation has a live master that lists it, appears once under its destination, and respects its policy's limit.
  mutating func checkExpectations(_ now: Instant) {
    let core = core
    let table = core.expectations
    var filed = 0
    for (destination, list) in table.byDestination {
      require(!list.isEmpty, "an empty list of expectations is kept")
      filed += list.count
      for handle in list {
        guard let expectation = table[handle] else {
          findings.append("the index of expectations leads to one that is gone")
          continue
        }
        require(
          ExpectationTable.Destination(expectation.tuple) == destination, "\(expectation.tuple) is expected under another destination")
      }
    }
    require(filed == table.all.count, "\(table.all.count) expectations are filed as \(filed)")
    require(table.all.count <= Int(core.settings.expectMax), "\(table.all.count) expectations are more than may be")
    let balance = core.statistics.expectCreate &- core.statistics.expectDelete
    require(balance == UInt64(table.all.count), "\(table.all.count) expectations are there, and \(balance) by the statistics")
    var known = 0
    for (slot, more) in core.extensions where !more.expectations.isEmpty {
      known += more.expectations.count
      checkMaster(Int(slot), more)
    }
    require(known == table.all.count, "masters know \(known) of \(table.all.count) expectations")
  }

  private mutating func checkMaster(_ slot: Int, _ more: ConnectionExtension) {
    let core = core
    let master = core.entries[slot]
    require(master.features.contains(.live) && !master.isDying, "\(master.original) is gone and still expects connections")
    guard let helper = more.helper, Int(helper.rawValue) < core.helpers.count else {
      findings.append("\(master.original) expects connections without a helper")
      return
    }
    let policies = core.helpers[Int(helper.rawValue)].policies
    var counts = [Int](repeating: 0, count: policies.count)
    for handle in more.expectations {
      guard let expectation = core.expectations[handle] else {
        findings.append("\(master.original) knows an expectation that is gone")
        continue
      }
      require(expectation.master == core.handle(slot), "\(expectation.tuple) is known to another master than its own")
      require(expectation.tuple.sourceBits & ~expectation.sourceMask == 0, "\(expectation.tuple) has a source outside its mask")
      let policy = min(max(expectation.policyClass, 0), policies.count - 1)
      counts[policy] += 1
    }
    for (policy, count) in zip(policies, counts) {
      require(
        policy.maximum == 0 || count <= policy.maximum,
        "\(master.original) expects \(count) connections of \(policy.name), of \(policy.maximum)")
    }
  }

  /// The source index holds each connection with source NAT set up exactly once, in the chain of its source.
  mutating func checkSources() {
    let core = core
    var isSeen = [Bool](repeating: false, count: core.entries.count)
    var count = 0
    for bucket in core.sources.heads.indices {
      var next = core.sources.heads[bucket]
      while next != .max {
        let slot = Int(next)
        guard slot < isSeen.count, !isSeen[slot], core.entries[slot].features.isSuperset(of: [.live, .inSourceIndex]) else {
          findings.append("a chain of sources leads to slot \(next) again, or to nothing")
          break
        }
        isSeen[slot] = true
        count += 1
        let entry = core.entries[slot]
        require(core.sources.bucket(entry.original, entry.zone, core.seed) == bucket, "\(entry.original) is filed under another source")
        next = entry.next
      }
    }
    let expected = core.entries.count { $0.features.isSuperset(of: [.live, .inSourceIndex]) }
    require(count == expected, "\(expected) connections are filed under their sources as \(count)")
    require(core.sources.used == count, "\(count) sources are counted as \(core.sources.used)")
  }
}
