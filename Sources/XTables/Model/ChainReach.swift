import Conntrack

/// The hooks from which each chain can be reached, and the first loop of jumps.
///
/// The corresponding kernel function is `mark_source_chains`. Like the kernel, the walk ends a chain at its first unconditional
/// verdict: rules behind it are not checked and are part of no loop.
public struct ChainReach: Sendable {
  /// A jump that leads back to a chain which the packet has not left yet.
  public struct Loop: Sendable, Hashable {
    /// The chains of the loop: first the chain that is entered twice, last the chain with the closing jump.
    public let chains: [String]
    /// The zero-based position of the closing jump in the last chain.
    public let rule: Int
  }

  /// The hooks that reach each chain, by the index of the chain in the table.
  public let hooks: [HookMask]
  /// A loop of jumps, which the kernel refuses with ELOOP; nil if there is none.
  public let loop: Loop?
  /// The number of walked rules of each chain: up to and including the first unconditional verdict.
  public let walked: [Int]

  /// Walks all chains of `table` from each of its hooks.
  public init(_ table: Table) {
    self.init(
      table,
      table.chains.map { chain in
        var outline = ChainOutline()
        for rule in chain.rules { outline.add(endsWalk: rule.endsWalk, jumpingTo: rule.target.chain.flatMap { table.index(of: $0) }) }
        return outline
      })
  }

  /// - Parameter outlines: the jumps of each chain, by chain index. The rules in `table` itself are ignored.
  package init(_ table: Table, _ outlines: [ChainOutline]) {
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

  /// Walks depth first and without recursion, because chains may be nested as deep as there are chains.
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

/// What the walk needs to know about one chain: its jumps and where it ends.
package struct ChainOutline {
  /// The number of walked rules so far.
  package private(set) var walked = 0
  private(set) var jumps: [(rule: Int, chain: Int)] = []
  private var isEnded = false
  private let isWhole: Bool

  /// - Parameter isWhole: whether all rules are walked, and not only those up to the first unconditional verdict.
  package init(isWhole: Bool = false) { self.isWhole = isWhole }

  /// Adds the next rule of the chain.
  ///
  /// - Parameter endsWalk: ``Rule/endsWalk`` of the rule.
  package mutating func add(endsWalk: Bool, jumpingTo chain: Int?) {
    guard !isEnded else { return }
    if let chain { jumps.append((walked, chain)) }
    walked += 1
    if !isWhole, endsWalk { isEnded = true }
  }
}

extension Rule {
  /// Whether the rule is an unconditional verdict, behind which the kernel's check of a table walks no rule of the chain.
  package var endsWalk: Bool {
    if case .verdict = target { matches.isEmpty && header.isUnconditional } else { false }
  }
}
