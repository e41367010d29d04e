import Conntrack
public import XTables

/// From which hooks each chain can be reached, and where a loop closes.
///
/// The corresponding kernel function is `mark_source_chains`: like it, the walk ends a chain at its first unconditional
/// verdict, so that what stands behind is neither checked nor part of any loop.
public struct ChainReach: Sendable {
  /// A jump that leads back to a chain the packet is still in.
  public struct Loop: Sendable, Hashable {
    /// The chains from the one that is entered again to the one that jumps back.
    public let chains: [String]
    /// The position of the closing jump in the last of them, from zero.
    public let rule: Int
  }

  /// By chain index in the table.
  public let hooks: [HookMask]
  public let loop: Loop?
  /// How many rules of each chain are walked: those up to and with the first unconditional verdict.
  public let walked: [Int]

  public init(_ table: Table) {
    self.init(
      table,
      table.chains.map { chain in
        var outline = ChainOutline()
        for rule in chain.rules { outline.add(rule, jumpingTo: rule.target.chain.flatMap { table.index(of: $0) }) }
        return outline
      })
  }

  /// - Parameter outlines: by chain index; the rules of `table` do not count.
  init(_ table: Table, _ outlines: [ChainOutline]) {
    let jumps = outlines.map(\.jumps)
    var hooks = [HookMask](repeating: [], count: table.chains.count)
    var loop: Loop?
    for (start, chain) in table.chains.enumerated() {
      guard let hook = chain.hook else { continue }
      let found = Self.walk(from: start, jumps: jumps, mark: HookMask(hook), &hooks)
      if let found, loop == nil {
        loop = Loop(chains: found.path.map { table.chains[$0].name }, rule: found.rule)
      }
    }
    self.hooks = hooks
    self.loop = loop
    walked = outlines.map(\.walked)
  }

  /// Depth first, without recursion: a ruleset may nest as deep as it has chains.
  private static func walk(
    from start: Int, jumps: [[(rule: Int, chain: Int)]], mark: HookMask, _ hooks: inout [HookMask]
  ) -> (path: [Int], rule: Int)? {
    var stack: [(chain: Int, next: Int)] = [(start, 0)]
    var isOnStack = [Bool](repeating: false, count: jumps.count)
    isOnStack[start] = true
    hooks[start].insert(mark)
    var loop: (path: [Int], rule: Int)?
    while let top = stack.last {
      guard top.next < jumps[top.chain].count else {
        isOnStack[top.chain] = false
        stack.removeLast()
        continue
      }
      let jump = jumps[top.chain][top.next]
      stack[stack.count - 1].next += 1
      if isOnStack[jump.chain] {
        if loop == nil {
          let path = stack.map(\.chain)
          loop = (Array(path[(path.firstIndex(of: jump.chain) ?? 0)...]), jump.rule)
        }
      } else if !hooks[jump.chain].contains(mark) {
        hooks[jump.chain].insert(mark)
        isOnStack[jump.chain] = true
        stack.append((jump.chain, 0))
      }
    }
    return loop
  }
}

/// What a walk from chain to chain needs to know of one.
struct ChainOutline {
  /// How many rules are walked so far.
  private(set) var walked = 0
  private(set) var jumps: [(rule: Int, chain: Int)] = []
  private var isEnded = false

  /// Adds the chain's next rule.
  mutating func add(_ rule: Rule, jumpingTo chain: Int?) {
    guard !isEnded else { return }
    if let chain { jumps.append((walked, chain)) }
    walked += 1
    if case .verdict = rule.target, rule.matches.isEmpty, rule.header.isUnconditional { isEnded = true }
  }
}
