import XTables

/// Finds the rules of a chain that may take a packet, by the intervals of addresses, ports, protocols and interfaces that they ask for.
///
/// Each rule is stored at one field, the one of which it asks for the smallest share of the intervals, in a segment tree: at the few nodes
/// that together are its intervals. The rules of a packet are then at the nodes from a leaf to the root.
struct RankIndex: Sendable {
  private struct Tree: Sendable {
    /// The position of the field among ``codes``.
    let field: Int
    /// The number of leaves, a power of two.
    let leaves: Int
    /// By node, the root at 1 and the leaves last: the rules, ascending.
    var nodes: [[Int32]]
    /// All its rules, ascending.
    var rules: [Int32] = []

    init(_ field: Int, _ code: FieldCode) {
      self.field = field
      leaves = 1 << code.levels.count
      nodes = [[Int32]](repeating: [], count: 2 * leaves)
    }

    mutating func insert(_ rule: Int, at ranks: Range<UInt32>) {
      rules.append(Int32(rule))
      var (low, high) = (Int(ranks.lowerBound) + leaves, Int(ranks.upperBound) + leaves)
      while low < high {
        if low & 1 == 1 {
          nodes[low].append(Int32(rule))
          low += 1
        }
        if high & 1 == 1 {
          high -= 1
          nodes[high].append(Int32(rule))
        }
        (low, high) = (low / 2, high / 2)
      }
    }
  }

  /// The fields that have a tree.
  private static let treeFields: [Field] = [.sourceAddress, .destinationAddress, .destinationPort, .sourcePort]
  /// All fields: those with a tree are the first ones.
  private static let fields = treeFields + [.protocolNumber, .inputInterface, .outputInterface]

  private let codes: [FieldCode]
  /// Whether a field is read from the transport header, which a packet may lack.
  private let isTransport: [Bool]
  private var trees: [Tree]
  /// The rules that ask for no field of a tree.
  private(set) var others: [Int32] = []
  /// By rule and field: the intervals that the rule asks for.
  private var bounds: [Range<UInt32>] = []
  /// By rule: whether it asks for these intervals and for nothing else.
  private var isBox: [Bool] = []

  init(_ conditions: [Condition], _ space: PacketSpace) {
    let codes = Self.fields.compactMap { field in
      space.code(of: field).flatMap { $0.starts == nil || $0.levels.isEmpty || $0.levels.count > 30 ? nil : $0 }
    }
    self.codes = codes
    isTransport = codes.map { $0.field.transportExtent != nil }
    trees = codes.indices.filter { Self.treeFields.contains(codes[$0].field) }.map { Tree($0, codes[$0]) }
    bounds.reserveCapacity(conditions.count * codes.count)
    isBox.reserveCapacity(conditions.count)
    func isBounded(_ part: (field: Field, test: ValueTest)) -> Bool {
      guard let code = codes.first(where: { $0.field == part.field }), let range = part.test.range(width: code.width) else { return false }
      return range != nil
    }
    for (position, condition) in conditions.enumerated() {
      var tests: [(field: Field, test: ValueTest)] = []
      Self.collect(condition, &tests)
      for code in codes { bounds.append(Self.ranks(tests, code)) }
      isBox.append(Self.isBox(condition) && tests.count == Set(tests.map(\.field)).count && tests.allSatisfy { isBounded($0) })
      var best: (tree: Int, share: Double)?
      for (number, tree) in trees.enumerated() {
        let share = Double(bounds[position * codes.count + tree.field].count) / Double(tree.leaves)
        if share < best?.share ?? 1 { best = (number, share) }
      }
      if let best {
        trees[best.tree].insert(position, at: bounds[position * codes.count + trees[best.tree].field])
      } else {
        others.append(Int32(position))
      }
    }
  }

  /// Whether a condition is nothing but tests that all must hold.
  private static func isBox(_ condition: Condition) -> Bool {
    switch condition {
    case .all(let parts): parts.allSatisfy(isBox)
    case .test, .always: true
    case .never, .not, .any, .has, .opaque, .unknown: false
    }
  }

  /// Whether a rule matches every packet with a transport header whose intervals it asks for.
  func isExact(_ position: Int) -> Bool { isBox[position] }

  /// The tests that every packet of a condition passes.
  static func collect(_ condition: Condition, _ tests: inout [(field: Field, test: ValueTest)]) {
    switch condition {
    case .all(let parts): for part in parts { collect(part, &tests) }
    case .test(let field, let test): tests.append((field, test))
    case .always, .never, .not, .any, .has, .opaque, .unknown: break
    }
  }

  /// The intervals of a field that a rule asks for; all of them if it does not ask for a range. The last interval has the spare numbers too.
  static func ranks(_ tests: [(field: Field, test: ValueTest)], _ code: FieldCode) -> Range<UInt32> {
    let all = UInt32(1) << UInt32(code.levels.count)
    guard let starts = code.starts, let test = tests.first(where: { $0.field == code.field })?.test,
      let range = test.range(width: code.width) ?? nil
    else { return 0..<all }
    let last = UInt32(code.rank(of: range.upperBound, in: starts))
    return UInt32(code.rank(of: range.lowerBound, in: starts))..<(Int(last) == starts.count - 1 ? all : last + 1)
  }

  /// Whether a rule asks for some of the fields.
  func isRestricted(_ position: Int) -> Bool {
    codes.indices.contains { bounds[position * codes.count + $0].count < 1 << codes[$0].levels.count }
  }

  /// The first of some rules that takes a packet.
  ///
  /// - Parameters:
  ///   - positions: the rules in question.
  ///   - isWhole: whether the packet has a transport header; without one, rules that ask for ports drop it.
  ///   - examined: how many rules were looked at so far.
  ///   - takes: whether a rule takes the packet. It is asked only of rules whose intervals have the packet.
  func first(
    of point: [Bool], isWhole: Bool, in positions: Range<Int>, examined: inout Int, where takes: (Int) -> Bool
  ) -> Int? {
    let ranks = codes.map { code in code.levels.reduce(UInt32(0)) { $0 << 1 | (point[$1] ? 1 : 0) } }
    var (first, count) = (positions.upperBound, 0)
    defer { examined += count }
    func search(_ rules: [Int32]) {
      for rule in rules[Self.start(of: positions.lowerBound, in: rules)...] {
        if rule >= first { return }
        count += 1
        let start = Int(rule) * ranks.count
        var isPossible = true
        for field in ranks.indices where isWhole || !isTransport[field] {
          if !bounds[start + field].contains(ranks[field]) {
            isPossible = false
            break
          }
        }
        if isPossible, takes(Int(rule)) {
          first = Int(rule)
          return
        }
      }
    }
    for tree in trees {
      if !isWhole, isTransport[tree.field] {
        search(tree.rules)
        continue
      }
      var node = Int(ranks[tree.field]) + tree.leaves
      while node > 0 {
        search(tree.nodes[node])
        node /= 2
      }
    }
    search(others)
    return first < positions.upperBound ? first : nil
  }

  /// The index of the first of ascending numbers that is at least a bound.
  private static func start(of bound: Int, in rules: [Int32]) -> Int {
    var (low, high) = (0, bound == 0 ? 0 : rules.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(rules[middle]) < bound { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
