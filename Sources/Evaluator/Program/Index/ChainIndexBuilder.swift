/// A division of the codes of one dimension among the children of a node.
struct Cut {
  var dimension: Int
  /// In ascending order: the least code of every child but the first.
  var keys: [UInt32]

  /// The number of the child that has a code.
  func child(_ code: UInt32) -> Int {
    var number = 0
    for key in keys { number &+= key <= code ? 1 : 0 }
    return number
  }

  /// The codes of a child among those of the node.
  func range(_ child: Int, of node: CodeRange) -> CodeRange {
    CodeRange(low: child == 0 ? node.low : keys[child - 1], high: child == keys.count ? node.high : keys[child] - 1)
  }
}

/// Cuts the trees of a ``ChainIndex``.
///
/// A node is cut in the dimension in which the most rules fall into the most children. A rule that falls into several children is put into each
/// of them as long as the node's allowance lasts; else it is left to the next tree, which is cut by what the rules left over have in common. So
/// no rule takes more than a bounded number of places, and the number of trees is bounded too: the last one is a list of all that is left.
struct ChainIndexBuilder {
  /// A leaf with this many rules is not cut.
  private static let leafSize = 8
  /// A node of at most this many rules is not cut if many of them would be left over.
  private static let smallSize = 48
  private static let mostDepth = 24
  private static let sampleSize = 64

  private let boxes: [RuleBox]
  private(set) var nodes: [ChainIndex.Node] = []
  private(set) var rules: [ChainIndex.IndexedRule] = []
  private(set) var roots: [UInt32] = []
  /// The rules that the current tree leaves over.
  private var rest: [Int32] = []
  /// How many places beyond one for each rule are still to be given away.
  private var allowance: Int

  private typealias Space = InlineArray<7, CodeRange>

  init(_ boxes: [RuleBox]) {
    self.boxes = boxes
    allowance = boxes.count / 2
  }

  mutating func build() {
    var members = boxes.indices.map { Int32($0) }
    rules.reserveCapacity(members.count + allowance)
    while !members.isEmpty {
      rest = []
      let root = nodes.count
      roots.append(UInt32(root))
      nodes.append(ChainIndex.Node())
      if roots.count == ChainIndex.mostTrees {
        addLeaf(members, at: root)
      } else {
        grow(members, at: root, in: Space(repeating: .all), depth: 0)
      }
      rest.sort()
      var last: Int32 = -1
      members = rest.filter { member in
        defer { last = member }
        return member != last
      }
    }
  }

  private mutating func addLeaf(_ members: [Int32], at node: Int) {
    nodes[node] = ChainIndex.Node(leafAt: rules.count, count: members.count)
    for member in members { rules.append(ChainIndex.IndexedRule(boxes[Int(member)])) }
  }

  private mutating func grow(_ members: [Int32], at node: Int, in space: Space, depth: Int) {
    guard members.count > Self.leafSize, depth < Self.mostDepth, let cut = bestCut(members, in: space, isRoot: depth == 0) else {
      return addLeaf(members, at: node)
    }
    var parts = [[Int32]](repeating: [], count: cut.keys.count + 1)
    // What is left over for long has little to be cut by: later trees are freer with places.
    var spare = min(members.count * roots.count / 8, allowance)
    for member in members {
      let range = boxes[Int(member)].ranges[cut.dimension].clipped(to: space[cut.dimension])
      let (first, last) = (cut.child(range.low), cut.child(range.high))
      if first == last {
        parts[first].append(member)
      } else if last - first <= spare {
        spare -= last - first
        allowance -= last - first
        for child in first...last { parts[child].append(member) }
      } else {
        rest.append(member)
      }
    }
    let first = nodes.count
    nodes[node] = ChainIndex.Node(cut, firstChild: first)
    nodes.append(contentsOf: repeatElement(ChainIndex.Node(), count: parts.count))
    for child in parts.indices where !parts[child].isEmpty {
      var part = space
      part[cut.dimension] = cut.range(child, of: space[cut.dimension])
      let members = parts[child]
      parts[child] = []
      grow(members, at: first + child, in: part, depth: depth + 1)
    }
  }

  /// The most useful cut; nil if none is worth it.
  private func bestCut(_ members: [Int32], in space: Space, isRoot: Bool) -> Cut? {
    let step = max(1, members.count / Self.sampleSize)
    let sample = stride(from: step / 2, to: members.count, by: step).map { members[$0] }
    let most = min(ChainIndex.Node.mostKeys, max(1, members.count / 4 - 1))
    let leastKept = isRoot || members.count > Self.smallSize ? 0.125 : 0.75
    var best: Cut?
    var bestGain = 0.0
    for dimension in 0..<IndexDimension.count where space[dimension].low < space[dimension].high {
      guard let cut = cut(sample, in: dimension, space[dimension], keys: most) else { continue }
      var counts = InlineArray<15, Double>(repeating: 0)
      var kept = 0.0
      for member in sample {
        let range = boxes[Int(member)].ranges[dimension].clipped(to: space[dimension])
        let child = cut.child(range.low)
        guard child == cut.child(range.high) else { continue }
        counts[child] += 1
        kept += 1
      }
      guard kept >= leastKept * Double(sample.count) else { continue }
      var squares = 0.0
      for child in 0...cut.keys.count { squares += counts[child] * counts[child] }
      // The number of children among which the rules are spread.
      let spread = kept * kept / squares
      let gain = kept * (spread - 1) / (spread + 2)
      if spread >= 1.25, gain > bestGain { (best, bestGain) = (cut, gain) }
    }
    return best
  }

  /// A cut where rules begin and end, so that its children have about as many of them each.
  private func cut(_ sample: [Int32], in dimension: Int, _ space: CodeRange, keys most: Int) -> Cut? {
    var starts: [UInt32] = []
    for member in sample {
      let range = boxes[Int(member)].ranges[dimension]
      if range.low > space.low { starts.append(range.low) }
      if range.high < space.high { starts.append(range.high + 1) }
    }
    guard !starts.isEmpty else { return nil }
    starts.sort()
    var keys: [UInt32] = []
    for share in 0..<most {
      // Around the middle of each share of the starts, the roundest number divides the fewest prefixes.
      let (low, high) = ((4 * share + 1) * starts.count / (4 * most), (4 * share + 3) * starts.count / (4 * most))
      var key = starts[low]
      for start in starts[low..<max(low, high)] where start.trailingZeroBitCount > key.trailingZeroBitCount { key = start }
      if keys.last != key { keys.append(key) }
    }
    return Cut(dimension: dimension, keys: keys)
  }
}
