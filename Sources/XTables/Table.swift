public import Conntrack
public import Diagnostics

/// A chain: its rules in order, and for a built-in one its policy.
public struct Chain: Sendable {
  public let name: String
  /// The hook of a built-in chain.
  public let hook: Hook?
  /// What happens at the end of a built-in chain: accept or drop. Nothing for a user chain.
  public var policy: StandardVerdict?
  public var counters: Counters
  public var rules: [Rule]
  /// Where the chain was declared.
  public var source: SourceRange?

  public init(
    name: String, hook: Hook? = nil, policy: StandardVerdict? = nil, counters: Counters = .zero, rules: [Rule] = [],
    source: SourceRange? = nil
  ) {
    self.name = name
    self.hook = hook
    self.policy = policy
    self.counters = counters
    self.rules = rules
    self.source = source
  }

  public var isBuiltin: Bool { hook != nil }
}

/// A table: the built-in chains in the order of their hooks, then the user's chains.
public struct Table: Sendable {
  public let name: TableName
  public let family: Family
  public private(set) var chains: [Chain]
  private var indices: [String: Int]
  /// Where `*name` stands.
  public var source: SourceRange?
  /// Where its `COMMIT` stands.
  public var commit: SourceRange?

  /// A table as the kernel makes it: built-in chains only, policy ACCEPT.
  public init(_ name: TableName, _ family: Family) {
    self.name = name
    self.family = family
    chains = name.hooks.map { Chain(name: $0.name, hook: $0, policy: .accept) }
    indices = Dictionary(uniqueKeysWithValues: chains.enumerated().map { ($1.name, $0) })
  }

  public subscript(chain name: String) -> Chain? { indices[name].map { chains[$0] } }

  public func index(of name: String) -> Int? { indices[name] }

  /// Adds an empty user chain; false where the name is taken.
  public mutating func addChain(_ name: String, source: SourceRange? = nil) -> Bool {
    guard indices[name] == nil else { return false }
    indices[name] = chains.count
    chains.append(Chain(name: name, source: source))
    return true
  }

  public mutating func removeChain(at index: Int) {
    chains.remove(at: index)
    indices = Dictionary(uniqueKeysWithValues: chains.enumerated().map { ($1.name, $0) })
  }

  /// Renames a user chain, and every jump to it.
  public mutating func renameChain(at index: Int, to name: String) {
    let old = chains[index]
    chains[index] = Chain(
      name: name, hook: old.hook, policy: old.policy, counters: old.counters, rules: old.rules, source: old.source)
    indices[old.name] = nil
    indices[name] = index
    for chain in chains.indices {
      for rule in chains[chain].rules.indices where chains[chain].rules[rule].target.chain == old.name {
        if case .jump = chains[chain].rules[rule].target {
          chains[chain].rules[rule].target = .jump(name)
        } else {
          chains[chain].rules[rule].target = .goto(name)
        }
      }
    }
  }

  /// Edits a chain in place.
  public mutating func update<Result>(at index: Int, _ body: (inout Chain) throws -> Result) rethrows -> Result {
    try body(&chains[index])
  }

  /// The indices of the chains as save lists them: built-in ones by hook, then the user's in byte order.
  public var saveOrder: [Int] {
    chains.indices.filter { chains[$0].isBuiltin }
      + chains.indices.filter { !chains[$0].isBuiltin }.sorted {
        chains[$0].name.utf8.lexicographicallyPrecedes(chains[$1].name.utf8)
      }
  }

  /// The chains in that order.
  public var chainsInSaveOrder: [Chain] { saveOrder.map { chains[$0] } }
}

/// All tables of one family, in the order in which they were written.
public struct Ruleset: Sendable {
  public let family: Family
  public var tables: [Table]

  public init(_ family: Family, tables: [Table] = []) {
    self.family = family
    self.tables = tables
  }

  public subscript(table name: TableName) -> Table? { tables.first { $0.name == name } }
}
