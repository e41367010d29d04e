/// Finds the rules of a long chain that may match a packet, without a look at every rule.
///
/// Each rule is a box of codes (``RuleBox``), and each box is in one of several trees. An inner node divides the codes of one dimension among
/// its children; a leaf has a few rules in their order. A packet therefore has one leaf in each tree, and no rule outside of these leaves
/// matches it. The trees are cut as `ChainIndexBuilder` describes.
final class ChainIndex: Sendable {
  /// A node of a tree, as long as a cache line.
  struct Node: BitwiseCopyable, Sendable {
    /// The greatest number of keys.
    static let mostKeys = 14
    private static let leaf: UInt8 = 0xff

    /// In ascending order: the least code of every child but the first. Keys that are not in use are the greatest code.
    private var keys = InlineArray<14, UInt32>(repeating: .max)
    /// The index of the first child, or of the leaf's first rule.
    private(set) var first: UInt32 = 0
    private var length: UInt32 = 0

    /// A leaf without rules.
    init() { self.init(leafAt: 0, count: 0) }

    /// A leaf.
    init(leafAt first: Int, count: Int) {
      self.first = UInt32(first)
      keys[0] = UInt32(count)
      length = UInt32(Self.leaf)
    }

    /// An inner node.
    init(_ cut: Cut, firstChild: Int) {
      first = UInt32(firstChild)
      for (place, key) in cut.keys.enumerated() { keys[place] = key }
      length = UInt32(cut.dimension) | UInt32(cut.keys.count) << 8
    }

    var isLeaf: Bool { length == UInt32(Self.leaf) }
    /// The number of rules of a leaf.
    var ruleCount: UInt32 { keys[0] }

    /// The index of the child that has a packet's code.
    @inline(__always)
    func child(_ codes: PacketCodes) -> Int {
      let code = codes[Int(length & 0xff)]
      var number = 0
      for place in 0..<14 { number &+= keys[place] <= code ? 1 : 0 }
      // The greatest code is not less than the keys that are not in use.
      return Int(first) &+ min(number, Int(length >> 8))
    }
  }

  /// A rule in a leaf: what can be told of its box without ranks of interfaces, which only the nodes ask for.
  struct IndexedRule: BitwiseCopyable, Sendable {
    private let source, sourceSpan: UInt32
    private let destination, destinationSpan: UInt32
    private let firstHalf, firstHalfSpan: UInt16
    private let secondHalf, secondHalfSpan: UInt16
    private let proto, protoSpan: UInt8
    let entry: Int32

    init(_ box: RuleBox) {
      func word(_ dimension: Int) -> (UInt32, UInt32) {
        (box.ranges[dimension].low, box.ranges[dimension].high &- box.ranges[dimension].low)
      }
      func half(_ dimension: Int) -> (UInt16, UInt16) {
        let low = UInt16(clamping: box.ranges[dimension].low)
        return (low, UInt16(clamping: box.ranges[dimension].high) &- low)
      }
      (source, sourceSpan) = word(IndexDimension.source)
      (destination, destinationSpan) = word(IndexDimension.destination)
      (firstHalf, firstHalfSpan) = half(IndexDimension.firstHalf)
      (secondHalf, secondHalfSpan) = half(IndexDimension.secondHalf)
      let range = box.ranges[IndexDimension.protocol]
      proto = UInt8(clamping: range.low)
      protoSpan = UInt8(clamping: range.high) &- proto
      entry = box.entry
    }

    @inline(__always)
    func holds(_ codes: PacketCodes) -> Bool {
      codes[IndexDimension.source] &- source <= sourceSpan && codes[IndexDimension.destination] &- destination <= destinationSpan
        && UInt16(truncatingIfNeeded: codes[IndexDimension.secondHalf]) &- secondHalf <= secondHalfSpan
        && UInt8(truncatingIfNeeded: codes[IndexDimension.protocol]) &- proto <= protoSpan
        && UInt16(truncatingIfNeeded: codes[IndexDimension.firstHalf]) &- firstHalf <= firstHalfSpan
    }
  }

  /// The greatest number of trees.
  static let mostTrees = 8

  private let coding: PacketCoding
  private let roots: [UInt32]
  private let nodes: [Node]
  private let rules: [IndexedRule]
  /// The entry of the chain's end, which every packet matches.
  private let end: Int32

  init(_ program: TableProgram, entries: Range<Int>) {
    let chain = ChainBoxes(program, entries: entries)
    var builder = ChainIndexBuilder(chain.boxes)
    builder.build()
    coding = chain.codes
    roots = builder.roots
    nodes = Self.trimmed(builder.nodes)
    rules = Self.trimmed(builder.rules)
    end = Int32(entries.upperBound)
  }

  private static func trimmed<Element>(_ elements: [Element]) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(elements.count)
    result.append(contentsOf: elements)
    return result
  }

  /// The bytes that it occupies.
  var size: Int {
    coding.size + roots.count * 4 + nodes.capacity * MemoryLayout<Node>.stride + rules.capacity * MemoryLayout<IndexedRule>.stride
  }

  /// Finds the packet's leaves. Returns false if the rules from `entry` on must be tested one by one: because a test may drop the packet, or
  /// because the leaves have so many rules that looking through them would take as long.
  func open(_ cursor: inout RuleCursor, _ head: PacketHead, _ bytes: borrowing [UInt8], from entry: Int) -> Bool {
    guard let codes = coding.codes(head, bytes) else { return false }
    var count: UInt32 = 0
    for tree in roots.indices {
      var at = Int(roots[tree])
      while !nodes[at].isLeaf { at = nodes[at].child(codes) }
      let (first, length) = (nodes[at].first, nodes[at].ruleCount)
      cursor.leaves[tree] = RuleCursor.Leaf(next: -1, rule: first, end: first &+ length)
      count &+= length
    }
    guard Int(count) &* 2 <= Int(end) &- entry else { return false }
    cursor.codes = codes
    cursor.isOpen = true
    return true
  }

  /// The first entry from `entry` on that may match the packet of an open cursor; the end of the chain if no rule does.
  func next(_ cursor: inout RuleCursor, from entry: Int) -> Int {
    let entry = Int32(truncatingIfNeeded: entry)
    var least = end
    for tree in roots.indices {
      var leaf = cursor.leaves[tree]
      if leaf.next < entry {
        leaf.next = end
        while leaf.rule < leaf.end {
          let rule = Int(leaf.rule)
          leaf.rule &+= 1
          if rules[rule].entry >= entry, rules[rule].holds(cursor.codes) {
            leaf.next = rules[rule].entry
            break
          }
        }
        cursor.leaves[tree] = leaf
      }
      least = min(least, leaf.next)
    }
    return Int(least)
  }
}

/// The place of a packet in the chain that it passes.
struct RuleCursor {
  /// The place in one of the packet's leaves.
  struct Leaf: BitwiseCopyable {
    /// The first entry of the leaf that may match and was not passed yet; -1 before the first search.
    var next: Int32
    /// The leaf's rules that were not looked at yet.
    var rule: UInt32
    var end: UInt32
  }

  /// The number of rules of a chain that are tested one by one before its index is asked: most packets match one of the first rules.
  private static let start = 8

  /// How many further rules are tested one by one if they do not match.
  private(set) var patience: Int
  /// True if `leaves` and `codes` are those of the packet in this chain.
  fileprivate(set) var isOpen = false
  fileprivate var leaves = InlineArray<8, Leaf>(repeating: Leaf(next: -1, rule: 0, end: 0))
  fileprivate var codes = PacketCodes(repeating: 0)
  private let isSearching: Bool

  /// - Parameter isSearching: false if every rule is to be tested.
  @inline(__always)
  init(isSearching: Bool) {
    self.isSearching = isSearching
    patience = isSearching ? Self.start : .max
  }

  /// Called when the packet goes to another chain, or has changed.
  @inline(__always)
  mutating func restart() {
    guard isSearching else { return }
    isOpen = false
    patience = Self.start
  }

  /// Called when a rule does not match. Returns true if the index is to be asked for the next one.
  @inline(__always)
  mutating func isSpent() -> Bool {
    patience &-= 1
    return patience == 0
  }

  /// Asks the index again after the next rule that does not match.
  mutating func search() { patience = 1 }

  /// Tests the rest of the chain one by one.
  mutating func walk() { patience = .max }
}
