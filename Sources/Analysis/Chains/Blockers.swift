import XTables

/// The search for the rules that decide about packets before a rule gets them.
extension TableReach {
  /// The packets that certainly do not proceed from a rule to the next one of its chain.
  mutating func taken(_ chain: Int, _ position: Int) -> PacketSet {
    if let taken = flatChains[chain]?.taken(by: position, &space) { return taken }
    let set = storedSets[chain][position]
    switch graph.steps[chain][position] {
    case .ends, .returns, .goto: return set.miss.complement
    case .proceeds: return space.union(set.miss, set.hit).complement
    case .jump(let callee): return space.union(set.miss, space.intersection(set.hit, returning[callee])).complement
    }
  }

  /// Rules of a chain, and of the chains that it leads to, that together take every packet of a set.
  ///
  /// None of the rules of this chain among them can be left out. Rules for which `prefers` is false are left out first.
  ///
  /// - Parameter positions: the rules of the chain that the packets meet, in order.
  mutating func blockers(
    of packets: PacketSet, in chain: Int, _ positions: some Collection<Int>, depth: Int = 0, prefers: (RulePosition) -> Bool
  ) -> [RulePosition] {
    var candidates: [(position: Int, taken: PacketSet)] = []
    var rest = packets
    for position in positions where !rest.isEmpty {
      let taken = taken(chain, position)
      if !space.areDisjoint(rest, taken) {
        candidates.append((position, taken))
        rest = space.difference(rest, taken)
      }
      rest = written(rest, chain, position)
      if space.isExhausted { return [] }
    }
    guard rest.isEmpty else { return [] }
    var kept = candidates
    if kept.count > 1 {
      let ordered = candidates.map(\.position).sorted { left, right in
        let (one, other) = (prefers(RulePosition(chain: chain, rule: left)), prefers(RulePosition(chain: chain, rule: right)))
        return one != other ? !one : left > right
      }
      reduce(&kept, leavingOut: ordered, packets, chain)
    }
    var places: [RulePosition] = []
    for (position, taken) in kept {
      guard let callee = callee(chain, position), depth < 64 else {
        places.append(RulePosition(chain: chain, rule: position))
        continue
      }
      let hit = sets(of: RulePosition(chain: chain, rule: position)).hit
      let inside = space.intersection(space.intersection(packets, taken), hit)
      let inner = blockers(of: inside, in: callee, graph.steps[callee].indices, depth: depth + 1, prefers: prefers)
      places += inner.isEmpty ? [RulePosition(chain: chain, rule: position)] : inner
    }
    var seen: Set<RulePosition> = []
    return places.filter { seen.insert($0).inserted }
  }

  /// Leaves out what can be left out: first pieces of many rules, then single ones.
  private mutating func reduce(
    _ kept: inout [(position: Int, taken: PacketSet)], leavingOut order: [Int], _ packets: PacketSet, _ chain: Int
  ) {
    var pieces = [order[...]]
    while let piece = pieces.popLast() {
      let without = kept.filter { !piece.contains($0.position) }
      if covers(without, packets, chain) {
        kept = without
      } else if piece.count > 1 {
        let middle = (piece.startIndex + piece.endIndex) / 2
        pieces.append(piece[middle...])
        pieces.append(piece[..<middle])
      }
      if space.isExhausted { return }
    }
  }

  private mutating func covers(_ rules: [(position: Int, taken: PacketSet)], _ packets: PacketSet, _ chain: Int) -> Bool {
    var rest = packets
    var next = 0
    let writers = graph.writes[chain].isEmpty ? [] : graph.writes[chain].keys.sorted()
    for (position, taken) in rules {
      for writer in writers where writer >= next && writer < position { rest = written(rest, chain, writer) }
      next = position
      rest = space.difference(rest, taken)
      if rest.isEmpty { return true }
    }
    return false
  }

  /// The packets behind a rule: those that it matches have any value of the fields that it may write.
  private mutating func written(_ packets: PacketSet, _ chain: Int, _ position: Int) -> PacketSet {
    var (byMatches, byTarget) = (FieldWrites(), FieldWrites())
    if let writes = graph.writes[chain][position] {
      byMatches = FieldWrites(writes.byMatches)
      byTarget = FieldWrites(writes.byTarget)
    }
    if let callee = callee(chain, position) { byTarget.formUnion(graph.chainWrites[callee]) }
    // A match may write to packets that the rule does not match.
    let result = space.preimage(packets, before: byMatches)
    if byTarget.isNothing { return result }
    let hit = space.intersection(result, sets(of: RulePosition(chain: chain, rule: position)).hit)
    return space.union(result, space.preimage(hit, before: byTarget))
  }

  private func callee(_ chain: Int, _ position: Int) -> Int? {
    switch graph.steps[chain][position] {
    case .jump(let callee), .goto(let callee): callee
    case .ends, .returns, .proceeds: nil
    }
  }

  /// Rules that keep every packet of a set from entering a chain: those before the jumps to it, or the jumps themselves.
  mutating func blockersOfCallers(of packets: PacketSet, to chain: Int, depth: Int = 0, prefers: (RulePosition) -> Bool) -> [RulePosition] {
    var places: [RulePosition] = []
    for (caller, position) in callers(of: chain).prefix(Self.callersShown) where isAttached[caller] {
      let wanted = space.intersection(packets, sets(of: RulePosition(chain: caller, rule: position)).hit)
      var possible = PacketSet.none
      for hook in hooks[caller].hooks { possible = space.union(possible, self.packets(at: hook)) }
      possible = space.intersection(possible, wanted)
      if possible.isEmpty {
        places.append(RulePosition(chain: caller, rule: position))
        continue
      }
      let entering = space.intersection(entries[caller], wanted)
      if !entering.isEmpty {
        places += blockers(of: entering, in: caller, 0..<position, prefers: prefers)
      } else if depth < 16 {
        places += blockersOfCallers(of: wanted, to: caller, depth: depth + 1, prefers: prefers)
      }
    }
    var seen: Set<RulePosition> = []
    return places.filter { seen.insert($0).inserted }
  }

  /// The greatest number of jumps to a chain that are searched for what keeps packets away.
  private static let callersShown = 8

  private func callers(of chain: Int) -> [(chain: Int, rule: Int)] {
    graph.steps.indices.flatMap { caller in
      graph.steps[caller].indices.compactMap { callee(caller, $0) == chain ? (caller, $0) : nil }
    }
  }
}
