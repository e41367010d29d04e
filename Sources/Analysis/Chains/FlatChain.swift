import XTables

/// The search for rules that no packet reaches in a long chain without jumps, where the set of packets that get to each rule would become
/// too large: each rule is compared only with earlier rules that take one of its packets.
///
/// A packet of the rule is chosen, and the first earlier rule that takes it is found. Its packets are subtracted, and another packet is
/// chosen, until none is left, or no earlier rule takes one.
public struct FlatChain {
  /// The number of rules from which a chain without jumps is searched in this way.
  public static let leastRules = 1000
  /// The greatest number of earlier rules that are subtracted for one rule; then nothing is known of it.
  private static let steps = 200

  /// What is known of a rule.
  enum Answer {
    /// A packet that gets to the rule and matches.
    case reached([Bool])
    /// Earlier rules that take all its packets.
    case taken(by: [Int])
    case unknown
  }

  /// By rule: the packets that certainly do not get to the next rule.
  private let taken: [PacketSet]
  /// The rules by an interval of a field that is all of theirs, in ascending order: each rule at the first of ``fields`` that it restricts
  /// to few intervals.
  private var indices: [(code: FieldCode, rules: [Int: [Int32]])] = []
  /// The rules that restrict none of them.
  private var others: [Int32] = []

  private static let fields: [Field] = [.sourceAddress, .destinationAddress, .destinationPort, .sourcePort]

  init(_ rules: [Rule], taken: [PacketSet], _ space: PacketSpace) {
    self.taken = taken
    indices = Self.fields.compactMap { field in
      space.code(of: field).flatMap { $0.starts == nil ? nil : (code: $0, rules: [:]) }
    }
    for (position, rule) in rules.enumerated() where !taken[position].isEmpty {
      var tests: [(field: Field, test: ValueTest)] = []
      Self.collect(rule.condition(space.family), &tests)
      var found: (number: Int, ranks: ClosedRange<Int>)?
      for number in indices.indices where found == nil {
        if let ranks = Self.ranks(tests, indices[number].code) { found = (number, ranks) }
      }
      if let found {
        for rank in found.ranks { indices[found.number].rules[rank, default: []].append(Int32(position)) }
      } else {
        others.append(Int32(position))
      }
    }
  }

  /// The tests that every packet of a condition passes.
  private static func collect(_ condition: Condition, _ tests: inout [(field: Field, test: ValueTest)]) {
    switch condition {
    case .all(let parts): for part in parts { collect(part, &tests) }
    case .test(let field, let test): tests.append((field, test))
    case .always, .never, .not, .any, .has, .opaque, .unknown: break
    }
  }

  /// The intervals of a field, if they are few; nil otherwise.
  private static func ranks(_ tests: [(field: Field, test: ValueTest)], _ code: FieldCode) -> ClosedRange<Int>? {
    guard let starts = code.starts, let test = tests.first(where: { $0.field == code.field })?.test,
      let range = test.range(width: code.width) ?? nil
    else { return nil }
    let ranks = code.rank(of: range.lowerBound, in: starts)...code.rank(of: range.upperBound, in: starts)
    return ranks.count <= 16 ? ranks : nil
  }

  /// Whether packets of a set get to a rule.
  func answer(_ position: Int, _ packets: PacketSet, _ space: inout PacketSpace) -> Answer {
    space.diagram.beginPassing()
    defer { space.diagram.endPassing() }
    var rest = packets
    var takers: [Int] = []
    while !rest.isEmpty {
      let point = space.point(in: rest)
      guard let taker = firstTaker(of: point, before: position, space) else { return .reached(point) }
      takers.append(taker)
      if takers.count > Self.steps { return .unknown }
      rest = space.difference(rest, taken[taker])
      if space.isExhausted { return .unknown }
    }
    return .taken(by: takers.sorted())
  }

  private func firstTaker(of point: [Bool], before position: Int, _ space: PacketSpace) -> Int? {
    var first = position
    func search(_ rules: [Int32]?) {
      for rule in rules ?? [] {
        if rule >= first { return }
        if space.contains(taken[Int(rule)], point) {
          first = Int(rule)
          return
        }
      }
    }
    for index in indices { search(index.rules[Self.rank(of: point, index.code)]) }
    search(others)
    return first < position ? first : nil
  }

  private static func rank(of point: [Bool], _ code: FieldCode) -> Int {
    let number = code.levels.reduce(0) { $0 << 1 | (point[$1] ? 1 : 0) }
    return min(number, (code.starts?.count ?? 1) - 1)
  }
}

extension PacketSpace {
  /// An assignment to all levels that is in a set, which is not empty.
  func point(in packets: PacketSet) -> [Bool] {
    var point = [Bool](repeating: false, count: levelCount)
    var edge = packets.edge
    while edge > 1 {
      let low = diagram.low(edge)
      point[Int(diagram.level(edge))] = low == 1
      edge = low == 1 ? diagram.high(edge) : low
    }
    return point
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
