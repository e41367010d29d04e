public import Wire

/// Which fields the chains of a table may write, those they lead to included.
public struct TableWrites: Sendable {
  private let family: Family
  private let chains: [String: FieldWrites]

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
    // What a chain writes its callers write too; each chain is visited again only when it has got something new.
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

  /// What a rule writes of the packets it matches, and its matches of the packets they see, until they come to the next rule.
  public func writes(of rule: Rule) -> FieldWrites {
    var writes = rule.ownWrites(family)
    if let chain = rule.target.chain { writes.formUnion(chains[chain] ?? FieldWrites()) }
    return writes
  }
}

extension Rule {
  /// What its matches and its target write themselves.
  fileprivate func ownWrites(_ family: Family) -> FieldWrites {
    var writes = FieldWrites()
    for use in matches { writes.formUnion(use.descriptor.writes(use.payload, family)) }
    writes.formUnion(target.writes(family))
    return writes
  }
}

extension RuleTarget {
  /// Whether packets that the rule matches go on to the next rule of its chain. A jump may come back.
  public var ending: TargetEnding {
    switch self {
    case .verdict, .goto: .always
    case .none: .never
    case .jump: .sometimes
    case .use(let use):
      if case .target(let behaviour) = use.descriptor.behaviour { behaviour.ending } else { .sometimes }
    }
  }

  /// The fields that the target itself may write, whatever the chain does that it leads to. Who listens to a queue may give the packet
  /// back changed.
  public func writes(_ family: Family) -> FieldWrites {
    switch self {
    case .use(let use): use.descriptor.writes(use.payload, family)
    case .verdict(.queue): FieldWrites([.anything])
    case .none, .verdict, .jump, .goto: FieldWrites()
    }
  }
}
