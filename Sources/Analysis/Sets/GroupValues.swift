extension DecisionDiagram {
  /// By group of neighbouring levels: the assignments to its levels that are in a set with some assignment to the others.
  ///
  /// The set's nodes are passed once for all groups: a group has the values of each edge that leads into it, and all values if an edge
  /// leads past it.
  ///
  /// - Parameters:
  ///   - groups: the groups, in the order of their levels. The set depends on no other levels.
  ///   - set: the set.
  mutating func values(of groups: [Range<Int>], in set: UInt32) -> [UInt32] {
    var numbers = [Int](repeating: groups.count, count: groups.last?.upperBound ?? 0)
    for (number, group) in groups.enumerated() { for level in group { numbers[level] = number } }
    var entries = [[UInt32]](repeating: [], count: groups.count)
    var isSkipped = [Bool](repeating: false, count: groups.count)
    var isEntered = [Bool](repeating: false, count: nodes.count * 2)
    var isFound = isEntered
    var open: [UInt32] = []
    func follow(_ edge: UInt32, from left: Int) {
      if edge == 1 { return }
      let group = edge == 0 ? groups.count : numbers[Int(level(edge))]
      if group > left {
        for skipped in (left + 1)..<group { isSkipped[skipped] = true }
        if edge != 0, !isEntered[Int(edge)] {
          isEntered[Int(edge)] = true
          entries[group].append(edge)
        }
      }
      if edge != 0, !isFound[Int(edge)] {
        isFound[Int(edge)] = true
        open.append(edge)
      }
    }
    follow(set, from: -1)
    while let edge = open.popLast() {
      let group = numbers[Int(level(edge))]
      follow(low(edge), from: group)
      follow(high(edge), from: group)
    }
    return groups.indices.map { number in
      if isSkipped[number] { return 0 }
      var values: UInt32 = 1
      for edge in entries[number] where values != 0 {
        values = and(values ^ 1, opening(edge, from: groups[number].upperBound) ^ 1) ^ 1
      }
      return values
    }
  }

  /// The assignments to the levels before one that are in a set with some assignment to the others.
  private mutating func opening(_ set: UInt32, from end: Int) -> UInt32 {
    if set == 1 || set == 0 { return set }
    if Int(level(set)) >= end { return 0 }
    let operation = UInt32(end) << 2 | 1
    if let known = cached(set, 0, operation) { return known }
    let low = opening(low(set), from: end)
    let result = node(level(set), low, opening(high(set), from: end))
    remember(set, 0, operation, result)
    return result
  }
}
