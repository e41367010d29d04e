public import Wire

/// The fields that the chains of a table may write, including the chains that they jump to.
public struct TableWrites: Sendable {
  private let family: Family
  private let chains: [String: FieldWrites]

  /// Collects the writes of all chains of a table.
  public init(_ table: Table) {
    family = table.family
    var writes: [FieldWrites] = []
    var callers: [[Int]] = Array(repeating: [], count: table.chains.count)
    for (index, chain) in table.chains.enumerated() {
      var own = FieldWrites()
      for rule in chain.rules {
        own.formUnion(rule.ownWrites(table.family))
        if let callee = rule.target.chain.flatMap({ table.index(of: $0) }) { callers[callee].append(index) }
      }
      writes.append(own)
    }
    // A caller writes what its chain writes. A chain is visited again only if its set has grown.
    var pending = table.chains.indices.filter { !writes[$0].isNothing }
    while let index = pending.popLast() {
      for caller in callers[index] {
        let before = writes[caller]
        writes[caller].formUnion(writes[index])
        if writes[caller] != before { pending.append(caller) }
      }
    }
    chains = Dictionary(zip(table.chains.map(\.name), writes)) { first, _ in first }
  }

  /// The fields that a rule may write: in packets that it matches, in packets that its matches see, and in the chain it jumps to.
  public func writes(of rule: Rule) -> FieldWrites {
    var writes = rule.ownWrites(family)
    if let chain = rule.target.chain { writes.formUnion(chains[chain] ?? FieldWrites()) }
    return writes
  }
}

extension Rule {
  /// The fields that the matches and the target write themselves.
  fileprivate func ownWrites(_ family: Family) -> FieldWrites {
    var writes = FieldWrites()
    for use in matches { writes.formUnion(use.descriptor.writes(use.payload, family)) }
    writes.formUnion(target.writes(family))
    return writes
  }
}

extension RuleTarget {
  /// Whether packets that the rule matches proceed to the next rule of its chain. After a jump some may.
  public var ending: TargetEnding {
    switch self {
    case .verdict, .goto: .always
    case .none: .never
    case .jump: .sometimes
    case .use(let use):
      if case .target(let behaviour) = use.descriptor.behaviour { behaviour.ending } else { .sometimes }
    }
  }

  /// The fields that the target itself may write, without those of a chain that it jumps to. A program that reads a queue may
  /// return the packet changed.
  public func writes(_ family: Family) -> FieldWrites {
    switch self {
    case .use(let use): use.descriptor.writes(use.payload, family)
    case .verdict(.queue): FieldWrites([.anything])
    case .none, .verdict, .jump, .goto: FieldWrites()
    }
  }
}
