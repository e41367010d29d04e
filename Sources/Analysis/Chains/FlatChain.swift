import Wire
import XTables

/// The search for rules that no packet reaches in a long chain without jumps, where the set of packets that get to each rule would become
/// too large: each rule is compared only with earlier rules that take one of its packets.
///
/// A packet of the rule is chosen, and the first earlier rule that takes it is found. Its packets are subtracted, and another packet is
/// chosen, until none is left, or no earlier rule takes one.
public struct FlatChain: Sendable {
  /// The number of rules from which a chain without jumps is searched in this way.
  public static let leastRules = 1000
  /// The greatest number of earlier rules that are subtracted for one rule; then nothing is known of it.
  static let steps = 200

  /// What is known of a rule.
  enum Answer {
    /// No packet of the set matches.
    case none
    /// A packet that gets to the rule and matches, as an assignment to all levels.
    case reached([Bool])
    /// Earlier rules that take all packets that match.
    case taken(by: [Int])
    case unknown
  }

  /// How much work a search may be for each rule of the chain; then nothing is known of the rules that are left. Trying a stored set on a
  /// packet counts 1, calculating a set 32, and eight rules that the index finds unfit count 1.
  private static let workPerRule = 2000
  /// The greatest number of rules of which the index says nothing whose sets are stored.
  private static let mostStored = 4096

  let rules: [Rule]
  let conditions: [Condition]
  /// What the rules take of which the index says nothing: every packet is tried on them. Those of other rules are calculated anew each time:
  /// that is faster than a diagram that does not fit into the processor's cache.
  private var stored: [Int: PacketSet] = [:]
  /// By rule: a packet that gets to it and matches, if one was found.
  private(set) var shown: [Int: [Bool]] = [:]
  /// The work that may still be done.
  var work: Int
  /// The part of it that the search for rules which later ones make superfluous may still do.
  var laterWork: Int
  /// What the rules' headers ask for; calculated for the first rule that later ones may make superfluous.
  var headers: HeaderBounds?
  /// By rule: whether packets that it matches may proceed to the next rule.
  private let isOpen: [Bool]
  let index: RankIndex

  init(_ rules: [Rule], _ steps: [ChainGraph.Step], _ space: inout PacketSpace) {
    self.rules = rules
    conditions = rules.map { $0.condition(space.family) }
    isOpen = steps.map { step in
      if case .ends = step { return false }
      if case .returns = step { return false }
      return true
    }
    index = RankIndex(conditions, space)
    work = rules.count * Self.workPerRule
    laterWork = work / 5
    guard index.others.count <= Self.mostStored else { return }
    for rule in index.others { stored[Int(rule)] = taken(by: Int(rule), &space) }
  }

  /// What a rule matches.
  func sets(of position: Int, _ space: inout PacketSpace) -> RuleSets { RuleSets(conditions[position], in: &space) }

  /// Whether a rule takes all packets of a set.
  func takesAll(_ position: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> Bool {
    if isOpen[position] || index.isRestricted(position) { return false }
    return space.passing { $0.difference(packets, taken(by: position, &$0)).isEmpty }
  }

  /// The packets that certainly do not get from a rule to the next one.
  func taken(by position: Int, _ space: inout PacketSpace) -> PacketSet {
    if let known = stored[position] { return known }
    let sets = sets(of: position, &space)
    return (isOpen[position] ? space.union(sets.miss, sets.hit) : sets.miss).complement
  }

  /// Whether packets of a set get to a rule and match it.
  mutating func answer(_ position: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> Answer {
    if work < 0 { return .unknown }
    return space.passing { space in
      let matching = space.intersection(packets, sets(of: position, &space).hit)
      if matching.isEmpty { return .none }
      var random = SeededRandom(seed: UInt64(position))
      var takers: [Int: PacketSet] = [:]
      var rest = matching
      while !rest.isEmpty {
        if space.isExhausted || takers.count > Self.steps || work < 0 { return .unknown }
        let point = space.point(in: rest, &random)
        guard let taker = findTaker(of: point, before: position, &takers, &space) else { return reached(position, point) }
        rest = space.difference(rest, taker)
      }
      return space.isExhausted ? .unknown : .taken(by: takers.keys.sorted())
    }
  }

  /// The answer for a packet that no earlier rule takes.
  private mutating func reached(_ position: Int, _ point: [Bool]) -> Answer {
    if work < 0 { return .unknown }
    shown[position] = point
    return .reached(point)
  }

  /// The packets that the first rule takes which takes a packet; nil if none does.
  mutating func findTaker(of point: [Bool], before position: Int, _ takers: inout [Int: PacketSet], _ space: inout PacketSpace)
    -> PacketSet?
  {
    let isWhole = space.isWhole(point)
    var (done, examined) = (0, 0)
    defer { work -= done + examined / 8 }
    let found = index.first(of: point, isWhole: isWhole, in: 0..<position, examined: &examined) { candidate in
      if isWhole, isTaker(candidate) {
        done += 1
        return done <= work
      }
      let known = takers[candidate] ?? stored[candidate]
      done += known == nil ? 32 : 1
      // Without work left nothing is taken, and the answer is thrown away.
      if done > work { return false }
      let packets = known ?? taken(by: candidate, &space)
      guard space.contains(packets, point) else { return false }
      takers[candidate] = packets
      return true
    }
    guard let found else { return nil }
    if let known = takers[found] { return known }
    done += 32
    let packets = taken(by: found, &space)
    takers[found] = packets
    return packets
  }

  /// Whether a rule takes every packet with a transport header whose intervals it asks for, so that no set is needed to know that.
  func isTaker(_ position: Int) -> Bool { !isOpen[position] && index.isExact(position) }
}

extension PacketSpace {
  /// A random assignment to all levels that is in a set, which is not empty. It has a transport header if the set has such packets.
  func point(in packets: PacketSet, _ random: inout SeededRandom) -> [Bool] {
    var word: UInt64 = 0
    var point = (0..<levelCount).map { level in
      if level % 64 == 0 { word = random.next() }
      return word >> UInt64(level % 64) & 1 == 1
    }
    for code in codes {
      if code.field == .isLaterFragment { for level in code.levels { point[level] = false } }
      if code.field == .transportRoom { for level in code.levels { point[level] = true } }
      for level in code.outcomeLevels { point[level] = false }
    }
    var edge = packets.edge
    while edge > 1 {
      let level = Int(diagram.level(edge))
      var next = point[level] ? diagram.high(edge) : diagram.low(edge)
      if next == 1 {
        point[level].toggle()
        next = point[level] ? diagram.high(edge) : diagram.low(edge)
      }
      edge = next
    }
    return point
  }

  /// Whether an assignment is that of a packet with a transport header of which nothing is cut off.
  func isWhole(_ point: [Bool]) -> Bool {
    if let fragment = code(of: .isLaterFragment), fragment.levels.contains(where: { point[$0] }) { return false }
    return code(of: .transportRoom)?.levels.allSatisfy { point[$0] } ?? true
  }

  /// The set of one assignment to all levels.
  mutating func packet(_ point: [Bool]) -> PacketSet {
    var edge: UInt32 = 0
    for level in point.indices.reversed() { edge = diagram.node(UInt32(level), point[level] ? 1 : edge, point[level] ? edge : 1) }
    return PacketSet(edge: edge)
  }

  /// Whether an assignment is in a set.
  func contains(_ packets: PacketSet, _ point: [Bool]) -> Bool {
    var edge = packets.edge
    while edge > 1 { edge = point[Int(diagram.level(edge))] ? diagram.high(edge) : diagram.low(edge) }
    return edge == 0
  }
}
