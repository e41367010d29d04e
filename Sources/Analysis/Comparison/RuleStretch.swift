import XTables

/// A rule of a chain, or several consecutive ones, as one step of a walk: what becomes of the packets that come to the first of them.
struct RuleStretch {
  /// The rules.
  let rules: Range<Int>
  /// The packets that are matched: by a rule, or by rules that send them to the same place, of which one is named. They are disjoint.
  let hits: [(rule: Int, packets: PacketSet)]
  /// The packets that proceed without being matched.
  let miss: PacketSet
  /// The packets that are dropped in a match, or after the rule.
  let dropped: PacketSet
  /// The packets of which it is not known whether a rule matches, drops or passes them.
  let doubtful: PacketSet
  /// Whether the sets are exact.
  let isExact: Bool

  /// One rule, by the decision of its condition, in which chance has names.
  init(_ position: Int, _ rule: Rule, _ decision: Decision<PacketSet>, _ space: inout PacketSpace) {
    var isExact = decision.undecided.isEmpty
    if !decision.doomed.isEmpty, case .use = rule.target { isExact = false }
    // What a match of the rule itself writes is not followed.
    if rule.matches.contains(where: { !$0.effects(space.family).isEmpty }) { isExact = false }
    let hit = space.difference(decision.holds, decision.doomed)
    let miss = space.difference(space.union(decision.fails, decision.absent), decision.doomed)
    rules = position..<(position + 1)
    hits = [(position, hit)]
    self.miss = miss
    dropped = hit.complement == miss ? .none : space.union(hit, miss).complement
    doubtful = space.union(decision.undecided, decision.doomed)
    self.isExact = isExact
  }

  fileprivate init(_ rules: Range<Int>, _ hits: [(rule: Int, packets: PacketSet)], miss: PacketSet, dropped: PacketSet) {
    (self.rules, self.hits, self.miss, self.dropped) = (rules, hits, miss, dropped)
    (doubtful, isExact) = (.none, true)
  }
}

/// The division of a table's chains into stretches.
///
/// Consecutive rules that test one field first, such as the addresses of many hosts, are one stretch: for each elementary interval of the
/// field, the few rules that ask for it are tried in turn. That makes the sets of the whole stretch without those behind each of its rules.
struct RuleStretches {
  private let graph: ChainGraph
  private let conditions: TableConditions
  /// The rules that are stretches of their own.
  private let apart: Set<RulePosition>
  /// By chain: the stretches of its first rules.
  private var known: [[RuleStretch]]
  /// By chain: the levels that its stretches test, and those of the chains to which they lead.
  private var tested: [Int: [Int]] = [:]
  /// The greatest number of chains that call each other of which it is known what they test.
  private static let deepest = 64
  /// The least number of rules of a stretch that is calculated by intervals.
  private static let least = 4
  /// The greatest number of rules that are tried, for each rule of a stretch.
  private static let mostTried = 8

  init(_ graph: ChainGraph, _ conditions: TableConditions, apart: Set<RulePosition>) {
    (self.graph, self.conditions, self.apart) = (graph, conditions, apart)
    known = [[RuleStretch]](repeating: [], count: graph.steps.count)
  }

  /// The stretch of a number in a chain; nil behind the last rule.
  ///
  /// - Parameter end: the number of the chain's rules that are walked through.
  mutating func stretch(_ number: Int, of chain: Int, before end: Int, _ space: inout PacketSpace) -> RuleStretch? {
    if number < known[chain].count { return known[chain][number] }
    let start = known[chain].last?.rules.upperBound ?? 0
    guard start < end else { return nil }
    let members = members(from: start, of: chain, before: end, space)
    if let members, let stretch = RuleStretch(start, members, graph.table.chains[chain].rules, &space) {
      known[chain].append(stretch)
    } else {
      for position in start..<(start + max(members?.count ?? 0, 1)) {
        let decision = conditions[chain, position].condition.decide(&space)
        known[chain].append(RuleStretch(position, graph.table.chains[chain].rules[position], decision, &space))
      }
    }
    return known[chain][number]
  }

  /// The number of the stretches of a chain that were asked for.
  func count(of chain: Int) -> Int { known[chain].count }

  /// The levels on which it does not depend what becomes of packets in some stretches that were asked for, and in the chains to which they
  /// lead.
  mutating func untested(_ part: Range<Int>, of chain: Int, _ space: inout PacketSpace) -> [Int] {
    var isTested = [Bool](repeating: false, count: space.levelCount)
    mark(part, of: chain, &isTested, depth: 0, &space)
    return isTested.indices.filter { !isTested[$0] }
  }

  private mutating func mark(_ part: Range<Int>, of chain: Int, _ isTested: inout [Bool], depth: Int, _ space: inout PacketSpace) {
    // Deeper chains are assumed to test everything.
    guard depth < Self.deepest else {
      for level in isTested.indices { isTested[level] = true }
      return
    }
    var sets: [PacketSet] = []
    var callees: Set<Int> = []
    for stretch in known[chain][part] {
      sets += stretch.hits.map(\.packets) + [stretch.miss, stretch.dropped, stretch.doubtful]
      for hit in stretch.hits { if let callee = graph.steps[chain][hit.rule].callee { callees.insert(callee) } }
      let named = conditions[chain, stretch.rules.lowerBound]
      if !named.chances.isEmpty { sets.append(named.header.decide(&space).holds) }
    }
    space.mark(sets, in: &isTested)
    for callee in callees {
      let levels = tested[callee] ?? levels(of: callee, depth, &space)
      for level in levels { isTested[level] = true }
    }
  }

  /// The levels that a chain tests.
  private mutating func levels(of chain: Int, _ depth: Int, _ space: inout PacketSpace) -> [Int] {
    var isTested = [Bool](repeating: false, count: space.levelCount)
    mark(0..<known[chain].count, of: chain, &isTested, depth: depth + 1, &space)
    let levels = isTested.indices.filter { isTested[$0] }
    tested[chain] = levels
    return levels
  }

  /// The rules from one on that can be one stretch; nil if they are too few.
  private func members(from start: Int, of chain: Int, before end: Int, _ space: PacketSpace) -> [FieldRule]? {
    var members: [FieldRule] = []
    for position in start..<end {
      guard let member = member(chain, position, space), members.isEmpty || member.code.levels == members[0].code.levels else { break }
      members.append(member)
    }
    return members.count < Self.least ? nil : members
  }

  /// A rule as a test of a field and the rest of its condition; nil if it is not one, or does more than to send packets to a place.
  private func member(_ chain: Int, _ position: Int, _ space: PacketSpace) -> FieldRule? {
    switch graph.steps[chain][position] {
    case .ends, .returns: break
    case .proceeds, .jump, .goto: return nil
    }
    let named = conditions[chain, position]
    guard graph.writes[chain][position] == nil, named.chances.isEmpty, !apart.contains(RulePosition(chain: chain, rule: position)) else {
      return nil
    }
    return FieldRule(named.condition, space)
  }

  fileprivate static func limit(_ rules: Int) -> Int { rules * mostTried }
}

/// The condition of a rule: that a field has a value of a range, and a rest.
private struct FieldRule {
  let code: FieldCode
  /// The numbers of the first and the last interval of the range.
  let first, last: Int
  let rest: Condition

  /// The field is the one of the lowest level among those that are tested first. Nil if there is none, or its values are no range.
  init?(_ condition: Condition, _ space: PacketSpace) {
    var parts = [condition]
    if case .all(let several) = condition { parts = several }
    var found: (code: FieldCode, starts: [UInt128], range: ClosedRange<UInt128>, part: Int)?
    for (number, part) in parts.enumerated() {
      // Reading such a field has no other outcome, so that it does not matter in which order it is tested.
      guard case .test(let field, let test) = part, field.isSteady, field.traits.outcomes == .value, field.transportExtent == nil,
        let code = space.code(of: field)
      else { break }
      guard let starts = code.starts, let range = test.range(width: code.width) ?? nil else { continue }
      if found.map({ code.levels.lowerBound < $0.code.levels.lowerBound }) ?? true { found = (code, starts, range, number) }
    }
    guard let found, !found.code.levels.isEmpty else { return nil }
    code = found.code
    (first, last) = (code.rank(of: found.range.lowerBound, in: found.starts), code.rank(of: found.range.upperBound, in: found.starts))
    parts.remove(at: found.part)
    rest = .all(parts)
  }
}

extension RuleStretch {
  /// What the rest of a rule's condition does with packets, and the number of the place to which it sends those that it matches.
  private struct Rest: Hashable {
    let hit, miss: PacketSet
    let place: Int
  }

  /// Rules that test one field first. Nil if they test a field of a lower level too, or too many of them ask for the same values.
  fileprivate init?(_ start: Int, _ members: [FieldRule], _ rules: [Rule], _ space: inout PacketSpace) {
    let code = members[0].code
    var places: [RuleTarget: Int] = [:]
    var named: [Int] = []
    var rests: [Rest] = []
    for (number, member) in members.enumerated() {
      let target = rules[start + number].target
      let place = places[target] ?? named.count
      if place == named.count {
        places[target] = place
        named.append(start + number)
      }
      let decision = member.rest.decide(&space)
      let rest = Rest(hit: decision.holds, miss: space.union(decision.fails, decision.absent), place: place)
      guard decision.undecided.isEmpty, decision.doomed.isEmpty, space.isBehind(code, rest.hit), space.isBehind(code, rest.miss) else {
        return nil
      }
      rests.append(rest)
    }
    let starts = Set([0] + members.flatMap { [$0.first, $0.last + 1] }).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: starts.enumerated().map { ($0.element, $0.offset) })
    var asking = [[Int]](repeating: [], count: starts.count)
    var tried = 0
    for (number, member) in members.enumerated() {
      guard let one = numbers[member.first], let other = numbers[member.last + 1] else { return nil }
      tried += other - one
      if tried > RuleStretches.limit(members.count) { return nil }
      for interval in one..<other { asking[interval].append(number) }
    }
    var outcomes: [[Rest]: [PacketSet]] = [:]
    let sets = asking.map { numbers in
      let asked = numbers.map { rests[$0] }
      if let known = outcomes[asked] { return known }
      let outcome = Self.outcome(of: asked, places: named.count, &space)
      outcomes[asked] = outcome
      return outcome
    }
    let whole = (0...(named.count + 1)).map { place in space.choosing(code, starts, sets.map { $0[place] }) }
    self.init(
      start..<(start + members.count), zip(named, whole).map { ($0, $1) }, miss: whole[named.count], dropped: whole[named.count + 1])
  }

  /// By place: the packets that some rules in turn send there; then those that none matches, and those that are dropped in a match.
  private static func outcome(of rests: [Rest], places: Int, _ space: inout PacketSpace) -> [PacketSet] {
    var sets = [PacketSet](repeating: .none, count: places)
    var (open, dropped) = (PacketSet.all, PacketSet.none)
    for rest in rests where !open.isEmpty {
      sets[rest.place] = space.union(sets[rest.place], space.intersection(open, rest.hit))
      dropped = space.union(dropped, space.difference(open, space.union(rest.hit, rest.miss)))
      open = space.intersection(open, rest.miss)
    }
    return sets + [open, dropped]
  }
}

extension PacketSpace {
  /// Marks the levels on which some sets depend.
  fileprivate mutating func mark(_ sets: [PacketSet], in levels: inout [Bool]) {
    diagram.beginVisit()
    for set in sets {
      diagram.visit(set.edge) { level in
        levels[level] = true
        return true
      }
    }
  }

  /// Whether a set has more nodes than a number.
  mutating func isLarger(_ packets: PacketSet, than number: Int) -> Bool {
    var count = 0
    diagram.beginVisit()
    diagram.visit(packets.edge) { _ in
      count += 1
      return count <= number
    }
    return count > number
  }

  /// Whether a set depends only on levels after those of a field's values.
  fileprivate func isBehind(_ code: FieldCode, _ packets: PacketSet) -> Bool { diagram.level(packets.edge) >= code.levels.upperBound }

  /// The packets that are in the set for the value of a field.
  ///
  /// - Parameters:
  ///   - starts: the number of the first interval for which a set is meant, ascending from 0.
  ///   - sets: sets that depend only on levels after those of the field's values.
  fileprivate mutating func choosing(_ code: FieldCode, _ starts: [Int], _ sets: [PacketSet]) -> PacketSet {
    func choose(_ level: Int, _ base: Int, _ range: Range<Int>) -> UInt32 {
      if range.count == 1 { return sets[range.lowerBound].edge }
      let middle = base + 1 << (code.levels.upperBound - level - 1)
      var split = range.lowerBound + 1
      while split < range.upperBound, starts[split] < middle { split += 1 }
      let second = split < range.upperBound && starts[split] == middle ? split : split - 1
      let low = choose(level + 1, base, range.lowerBound..<split)
      return diagram.node(UInt32(level), low, choose(level + 1, middle, second..<range.upperBound))
    }
    return PacketSet(edge: choose(code.levels.lowerBound, 0, 0..<starts.count))
  }
}
