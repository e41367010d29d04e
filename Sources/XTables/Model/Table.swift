public import Diagnostics
public import Netfilter
public import Wire

/// A chain with its rules in order. A built-in chain also has a policy.
public struct Chain: Sendable {
  /// The name: at most 28 bytes.
  public let name: String
  /// The hook of a built-in chain; nil for a user chain.
  public let hook: Hook?
  /// The verdict at the end of a built-in chain: accept or drop. Nil for a user chain.
  public var policy: StandardVerdict?
  /// The counters of the policy; zero for a user chain.
  public var counters: Counters
  /// The rules in order.
  public var rules: [Rule]
  /// The place of the declaration in a file; nil if there is none.
  public var source: SourceRange?

  /// Creates a chain; by default an empty user chain.
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

  /// Whether the chain belongs to a hook.
  public var isBuiltin: Bool { hook != nil }
}

/// A table: the built-in chains in the order of their hooks, then the user chains in the order of their creation.
public struct Table: Sendable {
  /// The name of the table.
  public let name: TableName
  /// The family of the table.
  public let family: Family
  /// All chains. ``saveOrder`` gives the order of iptables-save.
  public private(set) var chains: [Chain]
  private var indices: [String: Int]
  /// The place of `*name` in a file; nil if there is none.
  public var source: SourceRange?
  /// The place of `COMMIT` in a file; nil if there is none.
  public var commit: SourceRange?

  /// Creates a table as the kernel does: only built-in chains, with the policy ACCEPT.
  public init(_ name: TableName, _ family: Family) {
    self.name = name
    self.family = family
    chains = name.hooks.map { Chain(name: $0.name, hook: $0, policy: .accept) }
    indices = Dictionary(uniqueKeysWithValues: chains.enumerated().map { ($1.name, $0) })
  }

  /// The chain with a name; nil if there is none.
  public subscript(chain name: String) -> Chain? { indices[name].map { chains[$0] } }

  /// The index in ``chains`` of the chain with a name; nil if there is none.
  public func index(of name: String) -> Int? { indices[name] }

  /// Adds an empty user chain. Returns false if a chain of that name exists.
  public mutating func addChain(_ name: String, source: SourceRange? = nil) -> Bool {
    guard indices[name] == nil else { return false }
    indices[name] = chains.count
    chains.append(Chain(name: name, source: source))
    return true
  }

  /// Removes a chain. Jumps to it are not changed.
  public mutating func removeChain(at index: Int) {
    chains.remove(at: index)
    indices = Dictionary(uniqueKeysWithValues: chains.enumerated().map { ($1.name, $0) })
  }

  /// Renames a user chain and changes every jump to it.
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

  /// The indices of the chains in the order of iptables-save: built-in chains by hook, then user chains in byte order of their
  /// names.
  public var saveOrder: [Int] {
    chains.indices.filter { chains[$0].isBuiltin }
      + chains.indices.filter { !chains[$0].isBuiltin }.sorted {
        chains[$0].name.utf8.lexicographicallyPrecedes(chains[$1].name.utf8)
      }
  }

  /// The chains in the order of iptables-save.
  public var chainsInSaveOrder: [Chain] { saveOrder.map { chains[$0] } }
}

/// The tables of one family in the order in which they were written.
public struct Ruleset: Sendable {
  /// The family of the tables.
  public let family: Family
  /// The tables; each name occurs at most once.
  public var tables: [Table]

  /// Creates a ruleset.
  public init(_ family: Family, tables: [Table] = []) {
    self.family = family
    self.tables = tables
  }

  /// The table with a name; nil if there is none.
  public subscript(table name: TableName) -> Table? { tables.first { $0.name == name } }
}
