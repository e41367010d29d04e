import Wire

/// Why an expectation was refused.
public enum ExpectationError: Error, Sendable, Equatable {
  /// Another master expects an overlapping tuple (EBUSY).
  case clash
  /// An equal expectation exists with another class or, with `ofAnyMaster`, another master (EALREADY).
  case already
  /// The limit of the policy or of the table is reached (EMFILE).
  case limit
  /// The master was removed or has no helper (ESHUTDOWN).
  case noMaster
}

/// The expectations, newest first for each destination.
struct ExpectationTable: Sendable {
  struct Destination: Hashable {
    var bits: UInt128
    var id: UInt16
    var proto: IPProtocol
    var family: Family

    init(_ tuple: Tuple) {
      bits = tuple.destinationBits
      id = tuple.destinationID
      proto = tuple.proto
      family = tuple.family
    }
  }

  private(set) var all: [ExpectationHandle: Expectation] = [:]
  private(set) var byDestination: [Destination: [ExpectationHandle]] = [:]
  private var serial: UInt32 = 0
  /// When the last expectation was added.
  var lastMade = Instant(nanoseconds: 0)

  subscript(_ handle: ExpectationHandle) -> Expectation? { all[handle] }

  func matching(_ tuple: Tuple) -> [ExpectationHandle] { byDestination[Destination(tuple)] ?? [] }

  mutating func insert(_ expectation: Expectation) -> ExpectationHandle {
    serial &+= 1
    let handle = ExpectationHandle(index: serial, generation: 0)
    all[handle] = expectation
    byDestination[Destination(expectation.tuple), default: []].insert(handle, at: 0)
    return handle
  }

  mutating func change(_ handle: ExpectationHandle, _ change: (inout Expectation) -> Void) {
    guard all[handle] != nil else { return }
    change(&all[handle]!)
  }

  mutating func remove(_ handle: ExpectationHandle) -> Expectation? {
    guard let expectation = all.removeValue(forKey: handle) else { return nil }
    let destination = Destination(expectation.tuple)
    byDestination[destination]?.removeAll { $0 == handle }
    if byDestination[destination]?.isEmpty == true { byDestination[destination] = nil }
    return expectation
  }
}

extension ConntrackCore {
  /// Adds an expectation. Renews an expectation of the same master and tuple. If the policy's maximum is reached, the master's
  /// oldest expectation of the class is removed. The corresponding kernel function is `nf_ct_expect_related`.
  /// - Parameter ofAnyMaster: throws `.already` if any other master has an equal expectation. Kernel: `NF_CT_EXP_F_SKIP_MASTER`.
  @discardableResult
  mutating func expect(
    _ expectation: Expectation, ofAnyMaster: Bool, now: Instant
  ) throws(ExpectationError) -> ExpectationHandle {
    guard let slot = slot(expectation.master), let more = extensions[UInt32(slot)],
      let helper = more.helper.flatMap({ Int($0.rawValue) < helpers.count ? helpers[Int($0.rawValue)] : nil })
    else { throw .noMaster }
    try replaceEqual(expectation, ofAnyMaster: ofAnyMaster, now: now)
    let policies = helper.policies
    let policy = policies[min(max(expectation.policyClass, 0), policies.count - 1)]
    let ofClass = (extensions[UInt32(slot)]?.expectations ?? []).filter { expectations[$0]?.policyClass == expectation.policyClass }
    if policy.maximum != 0, ofClass.count >= policy.maximum {
      guard let oldest = ofClass.first else { throw .limit }
      removeExpectation(oldest, now: now)
    }
    guard expectations.all.count < Int(settings.expectMax) else { throw .limit }
    var expectation = expectation
    expectation.expiry = now.adding(seconds: policy.timeout)
    let handle = expectations.insert(expectation)
    expectations.lastMade = now
    extend(slot) { $0.expectations.append(handle) }
    statistics.expectCreate += 1
    tellExpectation(handle, isNew: true, now: now)
    return handle
  }

  /// The corresponding kernel function is `__nf_ct_expect_check`.
  private mutating func replaceEqual(
    _ expectation: Expectation, ofAnyMaster: Bool, now: Instant
  ) throws(ExpectationError) {
    for handle in expectations.matching(expectation.tuple) {
      guard let other = expectations[handle] else { continue }
      if other.expiry <= now {
        removeExpectation(handle, now: now)
      } else if ofAnyMaster || other.master == expectation.master, other.tuple == expectation.tuple,
        other.sourceMask == expectation.sourceMask, other.sourceIDMask == expectation.sourceIDMask
      {
        guard other.policyClass == expectation.policyClass, other.master == expectation.master else { throw .already }
        removeExpectation(handle, now: now)
        return
      } else if clashes(other, expectation) {
        throw .clash
      }
    }
  }

  /// The corresponding kernel function is `expect_clash`.
  private func clashes(_ a: Expectation, _ b: Expectation) -> Bool {
    var common = a
    common.sourceMask &= b.sourceMask
    common.sourceIDMask &= b.sourceIDMask
    return common.matches(b.tuple) && self[a.master]?.zone.id == self[b.master]?.zone.id
  }

  /// The expectation that a new connection fulfils; removed unless permanent. The corresponding kernel function is
  /// `nf_ct_find_expectation`.
  private mutating func takeExpectation(_ tuple: Tuple, _ zone: Zone, now: Instant) -> Expectation? {
    guard !expectations.all.isEmpty else { return nil }
    for handle in expectations.matching(tuple) {
      guard let expectation = expectations[handle], expectation.matches(tuple), !expectation.flags.contains(.inactive),
        let master = self[expectation.master], master.zone.id == zone.id
      else { continue }
      // A master that is unconfirmed or being removed fulfils no expectation.
      guard master.isConfirmed, !master.isDying, expectation.expiry > now else { return nil }
      if !expectation.flags.contains(.permanent) { removeExpectation(handle, now: now, isFulfilled: true) }
      return expectation
    }
    return nil
  }

  /// Sets the master of a new connection to the one that expected it and returns the expectation; nil if none matches.
  mutating func adoptExpected(_ slot: Int, _ tuple: Tuple, _ zone: Zone, now: Instant) -> Expectation? {
    guard let expectation = takeExpectation(tuple, zone, now: now) else { return nil }
    entries[slot].status.insert(.expected)
    entries[slot].mark = self[expectation.master]?.mark ?? 0
    extend(slot) {
      $0.master = expectation.master
      $0.helper = expectation.helper
    }
    statistics.expectNew += 1
    return expectation
  }

  mutating func takeFulfilled() -> Expectation? {
    defer {
      fulfilled = nil
      isFulfilling = false
    }
    return fulfilled
  }

  /// The expectations of a master, oldest first.
  func expectations(of handle: ConnectionHandle) -> [ExpectationHandle] {
    slot(handle).flatMap { extensions[UInt32($0)]?.expectations } ?? []
  }

  /// The live expectation that a tuple would fulfil; it is not removed. The corresponding kernel function is `__nf_ct_expect_find`.
  func findExpectation(_ tuple: Tuple, zone: Zone, now: Instant) -> ExpectationHandle? {
    expectations.matching(tuple).first { handle in
      guard let expectation = expectations[handle], expectation.expiry > now else { return false }
      return expectation.matches(tuple) && self[expectation.master]?.zone.id == zone.id
    }
  }

  mutating func removeExpectation(_ handle: ExpectationHandle, now: Instant, isFulfilled: Bool = false) {
    guard let expectation = expectations[handle] else { return }
    tellExpectation(handle, isNew: false, now: now)
    _ = expectations.remove(handle)
    statistics.expectDelete += 1
    if let slot = slot(expectation.master) {
      extensions[UInt32(slot)]?.expectations.removeAll { $0 == handle }
    }
  }

  /// Removes the expectations of a removed master. The corresponding kernel function is `nf_ct_remove_expectations`.
  mutating func removeExpectations(of slot: Int, now: Instant) {
    guard entries[slot].features.contains(.extended), let list = extensions[UInt32(slot)]?.expectations, !list.isEmpty else {
      return
    }
    for handle in list.reversed() { removeExpectation(handle, now: now) }
  }

  /// Removes the expired expectations in the order of their timers: the earliest first.
  mutating func expireExpectations(now: Instant) {
    let expired = expectations.all.filter { $0.value.expiry <= now }
    for (handle, _) in expired.sorted(by: { ($0.value.expiry.nanoseconds, $0.key.index) < ($1.value.expiry.nanoseconds, $1.key.index) }) {
      removeExpectation(handle, now: now)
    }
  }

  /// Every live expectation in the order of creation, as `conntrack -L expect` lists them.
  mutating func dumpExpectations(now: Instant) -> [ExpectationSnapshot] {
    expireExpectations(now: now)
    return expectations.all.sorted { $0.key.index < $1.key.index }.map { snapshot($0.value, now: now) }
  }

  private func snapshot(_ expectation: Expectation, now: Instant) -> ExpectationSnapshot {
    ExpectationSnapshot(
      expectation: expectation, master: self[expectation.master]?.original,
      timeout: expectation.expiry.wholeSeconds(since: now), helper: expectation.maker.flatMap { helperName($0) })
  }

  private mutating func tellExpectation(_ handle: ExpectationHandle, isNew: Bool, now: Instant) {
    guard recordsEvents, settings.events != 0, let expectation = expectations[handle] else { return }
    let snapshot = snapshot(expectation, now: now)
    events.append(isNew ? .expectationNew(snapshot) : .expectationDestroy(snapshot))
  }
}
