/// A set of packets in a ``DecisionDiagram``: an edge of the diagram, whose lowest bit complements the node that the other bits name.
///
/// Equal sets of one diagram have equal edges.
public struct PacketSet: Sendable, Hashable {
  let edge: UInt32

  init(edge: UInt32) { self.edge = edge }

  /// The set of all packets.
  public static let all = PacketSet(edge: 0)
  /// The empty set.
  public static let none = PacketSet(edge: 1)

  /// Whether the set is empty.
  public var isEmpty: Bool { edge == 1 }
  /// The packets that are not in the set.
  public var complement: PacketSet { PacketSet(edge: edge ^ 1) }
}

/// A reduced ordered binary decision diagram with complement edges: sets of assignments to numbered variables, here called levels.
///
/// Nodes are stored once, in one array, and are never freed. If there would be more of them than the limit, every further result is
/// meaningless and ``isExhausted`` is true: the caller must then answer that the question is undecided.
struct DecisionDiagram {
  /// A node: where it leads if its variable is 0 and if it is 1. The edge for 1 is never complemented.
  struct Node {
    let level: UInt32
    let low: UInt32
    let high: UInt32
  }

  private struct CacheEntry {
    var left: UInt32 = .max
    var right: UInt32 = .max
    var operation: UInt32 = .max
    var result: UInt32 = 0
    /// The passing calculation that found the result; 0 for results that stay.
    var passing: UInt32 = 0
  }

  /// How one level changes: what replaces its variable in a set.
  enum Replacement: UInt8, Sendable, Hashable {
    case itself, zero, one, negation
  }

  private(set) var nodes: [Node] = [Node(level: .max, low: 0, high: 0)]
  /// The index of a node by the hash of its content; 0 for a free place.
  private var places: [UInt32]
  private var cache: [CacheEntry]
  private let limit: Int
  /// The passing calculations that were begun and not ended, the innermost last: the number, the nodes before it, and whether the limit
  /// was reached before it.
  private var calculations: [(number: UInt32, start: Int, wasExhausted: Bool)] = []
  /// The number of the innermost passing calculation; 0 outside of one.
  private var passing: UInt32 = 0
  private var passingCount: UInt32 = 0
  /// Whether the limit was reached, so that results are meaningless.
  private(set) var isExhausted = false
  /// By node: the number of the last visit.
  private var visited: [UInt32] = []
  private var visit: UInt32 = 0
  /// The levels of each quantification, and the greatest of them.
  private var quantified: [(levels: [Bool], last: UInt32)] = []
  private var replacements: [(levels: [Replacement], last: UInt32)] = []

  /// Creates a diagram of at most `limit` nodes.
  ///
  /// - Parameter expected: about how many nodes there will be; for these, nothing has to grow.
  init(limit: Int, expected: Int = 0) {
    self.limit = limit
    let size = 1 << (Int.bitWidth - (2 * min(max(expected, 1 << 9), 1 << 17, limit) - 1).leadingZeroBitCount)
    nodes.reserveCapacity(size / 2)
    places = [UInt32](repeating: 0, count: size)
    cache = [CacheEntry](repeating: CacheEntry(), count: Self.results(size))
  }

  /// The number of nodes.
  var count: Int { nodes.count }

  /// Whether sets are calculated that are forgotten afterwards.
  var isPassing: Bool { passing != 0 }

  /// Begins a calculation whose sets are not needed afterwards; it may be inside another one.
  mutating func beginPassing() {
    passingCount += 1
    passing = passingCount
    calculations.append((passing, nodes.count, isExhausted))
  }

  /// Forgets the nodes of the calculation begun last; its sets are meaningless from now on. If it reached the limit, there is room again.
  mutating func endPassing() {
    guard let ended = calculations.popLast() else { return }
    let mask = places.count - 1
    // No kept node was placed behind one that was made after it, so that the last ones can be taken out.
    for index in (ended.start..<nodes.count).reversed() {
      let node = nodes[index]
      var place = Int(truncatingIfNeeded: Self.hash(node.level, node.low, node.high)) & mask
      while places[place] != index { place = (place + 1) & mask }
      places[place] = 0
    }
    nodes.removeLast(nodes.count - ended.start)
    passing = calculations.last?.number ?? 0
    isExhausted = ended.wasExhausted
  }

  @inline(__always)
  func level(_ edge: UInt32) -> UInt32 { nodes[Int(edge >> 1)].level }

  @inline(__always)
  func low(_ edge: UInt32) -> UInt32 { nodes[Int(edge >> 1)].low ^ (edge & 1) }

  @inline(__always)
  func high(_ edge: UInt32) -> UInt32 { nodes[Int(edge >> 1)].high ^ (edge & 1) }

  /// The edge of the set that is `low` where the variable of a level is 0, and `high` where it is 1. Both may depend only on later
  /// levels.
  mutating func node(_ level: UInt32, _ low: UInt32, _ high: UInt32) -> UInt32 {
    if low == high { return low }
    let flip = high & 1
    let (low, high) = (low ^ flip, high ^ flip)
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: Self.hash(level, low, high)) & mask
    while places[place] != 0 {
      let found = nodes[Int(places[place])]
      if found.level == level, found.low == low, found.high == high { return places[place] << 1 | flip }
      place = (place + 1) & mask
    }
    guard nodes.count < limit else {
      isExhausted = true
      return 1
    }
    let index = UInt32(nodes.count)
    nodes.append(Node(level: level, low: low, high: high))
    places[place] = index
    if nodes.count * 2 > places.count { grow() }
    return index << 1 | flip
  }

  private mutating func grow() {
    let size = places.count * 2
    places = [UInt32](repeating: 0, count: size)
    for index in 1..<nodes.count {
      let node = nodes[index]
      var place = Int(truncatingIfNeeded: Self.hash(node.level, node.low, node.high)) & (size - 1)
      while places[place] != 0 { place = (place + 1) & (size - 1) }
      places[place] = UInt32(index)
    }
    let count = Self.results(size)
    guard count > cache.count else { return }
    let known = cache
    cache = [CacheEntry](repeating: CacheEntry(), count: count)
    for entry in known where entry.operation != .max {
      cache[Int(truncatingIfNeeded: Self.hash(entry.left, entry.right, entry.operation)) & (count - 1)] = entry
    }
  }

  /// The number of results that are kept: about one for each node. With more, few more are found, and they do not fit into the processor's
  /// cache.
  private static func results(_ places: Int) -> Int { min(max(places / 4, 1 << 10), 1 << 20) }

  @inline(__always)
  private static func hash(_ one: UInt32, _ two: UInt32, _ three: UInt32) -> UInt64 {
    var word = UInt64(one) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(two) << 32 ^ UInt64(three)
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    return word ^ (word >> 29)
  }

  @inline(__always)
  func cached(_ left: UInt32, _ right: UInt32, _ operation: UInt32) -> UInt32? {
    let entry = cache[Int(truncatingIfNeeded: Self.hash(left, right, operation)) & (cache.count - 1)]
    let isMeant = entry.left == left && entry.right == right && entry.operation == operation
    return isMeant && (entry.passing == 0 || entry.passing == passing) ? entry.result : nil
  }

  @inline(__always)
  mutating func remember(_ left: UInt32, _ right: UInt32, _ operation: UInt32, _ result: UInt32) {
    cache[Int(truncatingIfNeeded: Self.hash(left, right, operation)) & (cache.count - 1)] = CacheEntry(
      left: left, right: right, operation: operation, result: result, passing: passing)
  }
}

// MARK: Operations

extension DecisionDiagram {
  /// The greatest number of levels on a path. The operations recurse from level to level; more could overflow the stack.
  private static let deepest = 8192

  /// Whether an operation has recursed too far; nothing is known then.
  @inline(__always)
  private mutating func isTooDeep(_ depth: Int) -> Bool {
    if depth > Self.deepest { isExhausted = true }
    return depth > Self.deepest
  }

  /// The intersection of two sets.
  mutating func and(_ left: UInt32, _ right: UInt32, _ depth: Int = 0) -> UInt32 {
    if left == right || right == 0 { return left }
    if left == 0 { return right }
    if left == 1 || right == 1 || left == right ^ 1 { return 1 }
    let (left, right) = left < right ? (left, right) : (right, left)
    if let known = cached(left, right, 0) { return known }
    if isTooDeep(depth) { return 1 }
    let top = min(level(left), level(right))
    let (leftLow, leftHigh) = level(left) == top ? (low(left), high(left)) : (left, left)
    let (rightLow, rightHigh) = level(right) == top ? (low(right), high(right)) : (right, right)
    let low = and(leftLow, rightLow, depth + 1)
    if isExhausted { return 1 }
    let result = node(top, low, and(leftHigh, rightHigh, depth + 1))
    remember(left, right, 0, result)
    return result
  }

  /// Whether two sets have no packet in common. Makes no node.
  mutating func areDisjoint(_ left: UInt32, _ right: UInt32, _ depth: Int = 0) -> Bool {
    if left == 1 || right == 1 || left == right ^ 1 { return true }
    if left == right || left == 0 || right == 0 { return false }
    let (left, right) = left < right ? (left, right) : (right, left)
    if let known = cached(left, right, 0) { return known == 1 }
    if let known = cached(left, right, 1) { return known == 1 }
    if isTooDeep(depth) { return false }
    let top = min(level(left), level(right))
    let (leftLow, leftHigh) = level(left) == top ? (low(left), high(left)) : (left, left)
    let (rightLow, rightHigh) = level(right) == top ? (low(right), high(right)) : (right, right)
    let result = areDisjoint(leftLow, rightLow, depth + 1) && areDisjoint(leftHigh, rightHigh, depth + 1)
    if isExhausted { return false }
    remember(left, right, 1, result ? 1 : 0)
    return result
  }

  /// Registers a set of levels for ``project(_:_:)``.
  mutating func quantification(of levels: [Int]) -> Int {
    let last = levels.max() ?? -1
    var flags = [Bool](repeating: false, count: last + 1)
    for level in levels { flags[level] = true }
    quantified.append((flags, UInt32(last + 1)))
    return quantified.count - 1
  }

  /// The assignments that are in the set with some values of the quantified levels.
  mutating func project(_ set: UInt32, _ quantification: Int, _ depth: Int = 0) -> UInt32 {
    if set < 2 || level(set) >= quantified[quantification].last { return set }
    let operation = UInt32(quantification) << 2 | 2
    if let known = cached(set, 0, operation) { return known }
    if isTooDeep(depth) { return 1 }
    let top = level(set)
    let (low, high) = (low(set), high(set))
    let one = project(low, quantification, depth + 1)
    if isExhausted { return 1 }
    let isQuantified = quantified[quantification].levels[Int(top)]
    let other = isQuantified && one == 0 ? 0 : project(high, quantification, depth + 1)
    if isExhausted { return 1 }
    let result = isQuantified ? and(one ^ 1, other ^ 1) ^ 1 : node(top, one, other)
    remember(set, 0, operation, result)
    return result
  }

  /// Registers what replaces the variables of levels for ``replace(_:_:)``.
  mutating func replacement(_ levels: [Replacement]) -> Int {
    let last = levels.lastIndex { $0 != .itself } ?? -1
    replacements.append((levels, UInt32(last + 1)))
    return replacements.count - 1
  }

  /// The assignments that are in the set after the replacement.
  mutating func replace(_ set: UInt32, _ replacement: Int, _ depth: Int = 0) -> UInt32 {
    if set < 2 || level(set) >= replacements[replacement].last { return set }
    let sign = set & 1
    let operation = UInt32(replacement) << 2 | 3
    if let known = cached(set ^ sign, 0, operation) { return known ^ sign }
    if isTooDeep(depth) { return 1 }
    let top = level(set)
    let (low, high) = (low(set ^ sign), high(set ^ sign))
    let result: UInt32
    switch replacements[replacement].levels[Int(top)] {
    case .zero: result = replace(low, replacement, depth + 1)
    case .one: result = replace(high, replacement, depth + 1)
    case .itself:
      let one = replace(low, replacement, depth + 1)
      result = node(top, one, replace(high, replacement, depth + 1))
    case .negation:
      let one = replace(high, replacement, depth + 1)
      result = node(top, one, replace(low, replacement, depth + 1))
    }
    if isExhausted { return 1 }
    remember(set ^ sign, 0, operation, result)
    return result ^ sign
  }

  /// The share of all assignments that are in a set.
  func share(_ set: UInt32) -> Double {
    var known: [UInt32: Double] = [0: 1]
    var open = [set >> 1]
    while let index = open.last {
      let node = nodes[Int(index)]
      if known[index] != nil {
        open.removeLast()
      } else if let low = known[node.low >> 1], let high = known[node.high >> 1] {
        known[index] = ((node.low & 1 == 1 ? 1 - low : low) + (node.high & 1 == 1 ? 1 - high : high)) / 2
        open.removeLast()
      } else {
        open.append(node.low >> 1)
        open.append(node.high >> 1)
      }
    }
    let share = known[set >> 1] ?? 0
    return set & 1 == 1 ? 1 - share : share
  }

  /// Begins a visit of sets, which passes each of their nodes once.
  mutating func beginVisit() {
    visit += 1
    if visited.count < nodes.count { visited += [UInt32](repeating: 0, count: nodes.count - visited.count) }
  }

  /// Visits a set.
  ///
  /// - Parameter pass: called with the level of each node that was not visited before; false ends the visit.
  mutating func visit(_ set: UInt32, _ pass: (Int) -> Bool) {
    var open = [set >> 1]
    while let index = open.popLast() {
      let node = nodes[Int(index)]
      guard node.level != .max, visited[Int(index)] != visit else { continue }
      visited[Int(index)] = visit
      guard pass(Int(node.level)) else { return }
      open.append(node.low >> 1)
      open.append(node.high >> 1)
    }
  }

  /// Whether a set depends on a level that is marked.
  mutating func depends(_ set: UInt32, on levels: [Bool]) -> Bool {
    var isFound = false
    beginVisit()
    visit(set) { level in
      isFound = level < levels.count && levels[level]
      return !isFound
    }
    return isFound
  }
}
