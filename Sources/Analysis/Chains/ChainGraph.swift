import Netfilter
public import XTables

/// The chains of a table and where their rules lead.
public struct ChainGraph: Sendable {
  /// What happens to packets that a rule matches, as far as the walk through chains is concerned.
  enum Step: Sendable {
    /// They get a verdict.
    case ends
    /// They leave the chain for the caller's next rule.
    case returns
    /// They, or some of them, proceed to the next rule.
    case proceeds
    case jump(Int)
    case goto(Int)
  }

  let table: Table
  /// By chain and rule.
  let steps: [[Step]]
  /// The chains, each after all chains that lead to it.
  let order: [Int]
  /// What matches and targets write: by chain, then by rule, for rules that write.
  let writes: [[Int: RuleWrites]]
  /// The fields that a chain may write before packets leave it, including the chains that it leads to.
  let chainWrites: [FieldWrites]
  /// The fields that targets may write which give a verdict, such as those of the nat table.
  let endingWrites: FieldWrites

  /// What one rule writes.
  struct RuleWrites: Sendable {
    /// By its matches, to packets that reach them.
    let byMatches: [FieldEffect]
    /// By its target, to packets that it matches.
    let byTarget: [FieldEffect]
  }

  /// Whether a chain is a built-in one without jumps and effects, so that nothing follows from the packets at its end.
  func isFlat(_ index: Int) -> Bool {
    guard table.chains[index].hook != nil, writes[index].isEmpty else { return false }
    return steps[index].allSatisfy { $0.callee == nil }
  }

  /// Whether the table does nothing at a hook: its chain there has no rules, and lets packets pass.
  func passesAll(at hook: Hook) -> Bool {
    table.chains.allSatisfy { $0.hook != hook || $0.rules.isEmpty && $0.policy != .drop }
  }

  /// Creates the graph. Nil if a rule leads to a chain that does not exist, or chains lead to each other in a loop.
  public init?(_ table: Table) {
    self.table = table
    var steps: [[Step]] = []
    var writes: [[Int: RuleWrites]] = []
    for chain in table.chains {
      var chainSteps: [Step] = []
      var chainWrites: [Int: RuleWrites] = [:]
      for (position, rule) in chain.rules.enumerated() {
        guard let step = Self.step(rule.target, table) else { return nil }
        chainSteps.append(step)
        let rules = RuleWrites(
          byMatches: rule.matches.flatMap { $0.effects(table.family) }, byTarget: rule.target.effects(table.family))
        if !rules.byMatches.isEmpty || !rules.byTarget.isEmpty { chainWrites[position] = rules }
      }
      steps.append(chainSteps)
      writes.append(chainWrites)
    }
    guard let order = Self.order(steps) else { return nil }
    self.steps = steps
    self.writes = writes
    self.order = order
    // What a target writes that ends the walk is seen by no rule of this table.
    var ending = FieldWrites()
    var all = [FieldWrites](repeating: FieldWrites(), count: writes.count)
    for (index, rules) in writes.enumerated() {
      for (position, rule) in rules {
        all[index].formUnion(FieldWrites(rule.byMatches))
        if case .ends = steps[index][position] {
          ending.formUnion(FieldWrites(rule.byTarget))
        } else {
          all[index].formUnion(FieldWrites(rule.byTarget))
        }
      }
    }
    endingWrites = ending
    for index in order.reversed() {
      for step in steps[index] {
        switch step {
        case .jump(let callee), .goto(let callee): all[index].formUnion(all[callee])
        case .ends, .returns, .proceeds: break
        }
      }
    }
    chainWrites = all
  }

  /// The fields that some rule may write.
  var allWrites: FieldWrites { chainWrites.reduce(into: FieldWrites()) { $0.formUnion($1) } }

  /// The chains that some rule leads to.
  var called: Set<Int> {
    var called: Set<Int> = []
    for chain in steps {
      for step in chain {
        switch step {
        case .jump(let callee), .goto(let callee): called.insert(callee)
        case .ends, .returns, .proceeds: break
        }
      }
    }
    return called
  }

  private static func step(_ target: RuleTarget, _ table: Table) -> Step? {
    switch target {
    case .none: return .proceeds
    case .verdict(.return): return .returns
    case .verdict: return .ends
    case .jump(let name): return table.index(of: name).map { .jump($0) }
    case .goto(let name): return table.index(of: name).map { .goto($0) }
    case .use: return target.ending == .always ? .ends : .proceeds
    }
  }

  /// Depth first and without recursion, because chains may be nested as deep as there are chains.
  private static func order(_ steps: [[Step]]) -> [Int]? {
    enum Mark { case new, open, done }
    let callees = steps.map { chain in
      chain.compactMap { step in
        switch step {
        case .jump(let callee), .goto(let callee): callee
        case .ends, .returns, .proceeds: nil
        }
      }
    }
    var marks = [Mark](repeating: .new, count: steps.count)
    var finished: [Int] = []
    for start in steps.indices where marks[start] == .new {
      var stack: [(chain: Int, next: Int)] = [(start, 0)]
      marks[start] = .open
      while let top = stack.last {
        guard top.next < callees[top.chain].count else {
          marks[top.chain] = .done
          finished.append(top.chain)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let callee = callees[top.chain][top.next]
        switch marks[callee] {
        case .new:
          marks[callee] = .open
          stack.append((callee, 0))
        case .open: return nil
        case .done: break
        }
      }
    }
    return finished.reversed()
  }
}
