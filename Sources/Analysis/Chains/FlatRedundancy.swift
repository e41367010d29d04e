import Wire
import XTables

/// The search for rules of a long chain that later rules make superfluous: all packets that get to the rule and match it would get the same
/// verdict from later rules, and nothing would happen to them before.
extension FlatChain {
  /// The number of packets of a rule that are tried before any set is calculated.
  private static let tries = 6

  /// Later rules that give the packets of a rule the verdict that the rule gives them, and these packets, or more. Nil if they do not, or if
  /// that is not decided with the work that is left.
  ///
  /// - Parameter entering: the packets that enter the chain.
  mutating func successors(
    of position: Int, _ entering: PacketSet, _ space: inout PacketSpace
  ) -> (packets: PacketSet, rules: [Int])? {
    guard laterWork > 0, case .verdict(let verdict) = rules[position].target, verdict == .accept || verdict == .drop else { return nil }
    let before = work
    let least = work - laterWork
    defer { laterWork -= before - work }
    // The packet that showed that the rule matches something mostly shows also that no later rule does the same.
    if let point = shown[position], !isFollowed(point, position, verdict, &space) { return nil }
    var packets = space.intersection(entering, sets(of: position, &space).hit)
    var takers: [Int: PacketSet] = [:]
    guard mayBeFollowed(position, verdict, packets, &takers, &space) else { return nil }
    for taker in takers.keys.sorted() { packets = space.difference(packets, takers[taker] ?? .none) }
    // Those that get to no later rule yet.
    var rest = packets

    /// Whether earlier rules take all of some packets, which are then left out.
    func areTaken(_ others: PacketSet) -> Bool {
      var others = others
      var random = SeededRandom(seed: UInt64(position))
      while !others.isEmpty {
        if space.isExhausted || takers.count > Self.steps || work < least { return false }
        let point = space.point(in: others, &random)
        guard let taken = findTaker(of: point, before: position, &takers, &space) else { return false }
        others = space.difference(others, taken)
        rest = space.difference(rest, taken)
        packets = space.difference(packets, taken)
      }
      return true
    }

    let headers = self.headers ?? HeaderBounds(rules, space)
    self.headers = headers
    var found: [Int] = []
    for next in (position + 1)..<rules.count where !rest.isEmpty {
      if next % 8 == 0 { work -= 1 }
      guard headers.mayMeet(position, next) else { continue }
      work -= 32
      if work < least { return nil }
      let result = fate(of: rest, next, verdict, &space)
      if !result.decided.isEmpty { found.append(next) }
      rest = result.proceeding
      guard areTaken(result.others) else { return nil }
    }
    guard areTaken(rest), !space.isExhausted, !found.isEmpty else { return nil }
    return (packets, found)
  }

  /// What a rule does with packets.
  ///
  /// - Returns: those that get the verdict, those that proceed without any effect, and all others.
  private func fate(
    of packets: PacketSet, _ position: Int, _ verdict: StandardVerdict, _ space: inout PacketSpace
  ) -> (decided: PacketSet, proceeding: PacketSet, others: PacketSet) {
    let rule = rules[position]
    guard rule.isDecided(space.family) else {
      // Chance and state are changed by asking for them.
      let proceeding = space.intersection(packets, rule.header.condition(space.family).decide(&space).fails)
      return (.none, proceeding, space.difference(packets, proceeding))
    }
    let decision = conditions[position].decide(&space)
    let failing = space.difference(space.union(decision.fails, decision.absent), decision.doomed)
    let proceeding = space.intersection(packets, failing)
    let matched = space.intersection(packets, space.difference(decision.holds, decision.doomed))
    guard rule.target == .verdict(verdict) else { return (.none, proceeding, space.difference(packets, proceeding)) }
    // A packet whose header is cut short is dropped.
    let others = verdict == .drop ? PacketSet.none : space.difference(packets, space.union(proceeding, matched))
    return (space.difference(space.difference(packets, proceeding), others), proceeding, others)
  }

  /// Whether each of a few packets that get to a rule would get its verdict from a later rule.
  private mutating func mayBeFollowed(
    _ position: Int, _ verdict: StandardVerdict, _ packets: PacketSet, _ takers: inout [Int: PacketSet], _ space: inout PacketSpace
  ) -> Bool {
    guard !packets.isEmpty else { return false }
    var random = SeededRandom(seed: UInt64(position))
    for _ in 0..<Self.tries {
      let point = space.point(in: packets, &random)
      if findTaker(of: point, before: position, &takers, &space) != nil { continue }
      if !isFollowed(point, position, verdict, &space) { return false }
    }
    return true
  }

  /// Whether a packet gets a verdict from a rule after another one.
  private mutating func isFollowed(_ point: [Bool], _ position: Int, _ verdict: StandardVerdict, _ space: inout PacketSpace) -> Bool {
    guard let next = nextTaker(of: point, after: position, &space) else { return false }
    return rules[next].target == .verdict(verdict)
  }

  /// The first later rule that takes a packet.
  private mutating func nextTaker(of point: [Bool], after position: Int, _ space: inout PacketSpace) -> Int? {
    var (done, examined) = (0, 0)
    defer { work -= done + examined / 8 }
    let isWhole = space.isWhole(point)
    return index.first(of: point, isWhole: isWhole, in: (position + 1)..<rules.count, examined: &examined) { candidate in
      if isWhole, isTaker(candidate) { return true }
      done += 32
      return space.passing { space in
        let packets = taken(by: candidate, &space)
        return space.contains(packets, point)
      }
    }
  }
}
