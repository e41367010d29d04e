extension Table {
  /// `NFT_JUMP_STACK_SIZE`: how many chains nf_tables allows to follow one another by jumps, the built-in chain included. ip_tables has no
  /// such limit.
  public static let nfTablesJumpStack = 16

  /// The longest sequence of chains in which each jumps or goes to the next, from a built-in chain on; only that chain if no rule jumps.
  /// Chains in a loop are left out.
  public func deepestChains() -> [String] {
    var numbers: [String: Int] = [:]
    for (number, chain) in chains.enumerated() where numbers[chain.name] == nil { numbers[chain.name] = number }
    let targets = chains.map { chain in Array(Set(chain.rules.compactMap { $0.target.chain.flatMap { numbers[$0] } })) }
    let starts = chains.indices.filter { chains[$0].hook != nil }
    // Only what packets can reach counts, as in the kernel.
    var isReached = [Bool](repeating: false, count: chains.count)
    var sources = [Int](repeating: 0, count: chains.count)
    var waiting = starts
    for start in starts { isReached[start] = true }
    while let chain = waiting.popLast() {
      for target in targets[chain] {
        sources[target] += 1
        if !isReached[target] {
          isReached[target] = true
          waiting.append(target)
        }
      }
    }
    var (depth, previous) = ([Int](repeating: 0, count: chains.count), [Int?](repeating: nil, count: chains.count))
    var ready = chains.indices.filter { isReached[$0] && sources[$0] == 0 }
    var deepest = ready.first
    while let chain = ready.popLast() {
      if depth[chain] > deepest.map({ depth[$0] }) ?? -1 { deepest = chain }
      for target in targets[chain] {
        if depth[chain] >= depth[target] { (depth[target], previous[target]) = (depth[chain] + 1, chain) }
        sources[target] -= 1
        if sources[target] == 0 { ready.append(target) }
      }
    }
    var path: [String] = []
    while let chain = deepest {
      path.append(chains[chain].name)
      deepest = previous[chain]
    }
    return path.reversed()
  }
}
