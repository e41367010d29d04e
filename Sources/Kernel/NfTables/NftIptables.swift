internal import Compiler
package import Netfilter
package import Wire
package import XTables

/// The place of a built-in chain of iptables in nf_tables. The corresponding C table is `xtables_ipv4`.
package struct NftBuiltinChain: Sendable {
  package let hook: Hook
  package let priority: Int32
  /// `filter`, `nat` or `route`.
  package let type: String

  package init(_ table: TableName, _ hook: Hook) {
    self.hook = hook
    type = table == .nat ? "nat" : table == .mangle && hook == .output ? "route" : "filter"
    switch table {
    case .raw: priority = -300
    case .mangle: priority = -150
    case .nat: priority = hook == .input || hook == .postrouting ? 100 : -100
    case .filter: priority = 0
    case .security: priority = 150
    }
  }

  /// Whether a chain is this one.
  func isPlace(of chain: NftChain) -> Bool {
    guard let place = chain.place else { return false }
    return chain.name == hook.name && place.hook == UInt32(hook.rawValue) && place.priority == priority && place.type == type
  }

  /// The table of iptables that a table of nf_tables is by its family and name; nil if it is none.
  package static func iptables(_ table: NftTable) -> (family: Family, name: TableName)? {
    guard table.family == 2 || table.family == 10, let name = TableName(rawValue: table.name) else { return nil }
    return (table.family == 2 ? .ipv4 : .ipv6, name)
  }

  /// A table of iptables in nf_tables; nil if there is none.
  static func find(_ name: TableName, _ family: Family, in ruleset: NftRuleset) -> NftTable? {
    ruleset.tables.first { table in iptables(table).map { $0.family == family && $0.name == name } ?? false }
  }

  /// Whether a chain of a table of nf_tables is one of iptables' built-in chains.
  static func contains(_ chain: NftChain, of table: NftTable) -> Bool {
    guard let (_, name) = iptables(table) else { return false }
    return name.hooks.contains { NftBuiltinChain(name, $0).isPlace(of: chain) }
  }
}

/// The tables of iptables in nf_tables, and what stands in them that is not iptables'.
package struct NftIptables: Sendable {
  /// The tables of the family in the order in which iptables-nft-save prints them.
  package private(set) var tables: [Table] = []
  /// The rules and other objects in these tables that iptables cannot express.
  package private(set) var natives: [NativeObject] = []
  /// The chains whose rules were printed when they were read, and which have no rules in ``tables``.
  package private(set) var printed: [TableName: [String: NftPrintedChain]] = [:]

  /// Something in a table of iptables that iptables did not write.
  package struct NativeObject: Sendable, Hashable {
    package let family: Family
    package let table: TableName
    /// The chain of a rule; empty for other objects.
    package let chain: String
    /// The number of the table's own rules before it in the chain.
    package let position: Int
    /// What it is: `native rule (handle 7): iptables has no form of the expression ct`.
    package let text: String

    /// The kernel's number of a rule; nil for other objects.
    var handle: UInt64?

    init(family: Family, table: TableName, chain: String, position: Int, text: String) {
      (self.family, self.table, self.chain, self.position, self.text) = (family, table, chain, position, text)
    }

    init(_ rule: NftRule, _ reason: NativeRuleDecoder.Native, family: Family, table: TableName, chain: String, position: Int) {
      self.init(
        family: family, table: table, chain: chain, position: position, text: "native rule (handle \(rule.handle)): \(reason.reason)")
      handle = rule.handle
    }

    /// Whether it is a rule, which packets can reach.
    package var isRule: Bool { handle != nil }

    /// For messages, with its place.
    package var description: String {
      "nf_tables table \(family == .ipv4 ? "ip" : "ip6") \(table.rawValue)\(chain.isEmpty ? "" : ", chain \(chain)"): \(text)"
    }
  }

  /// The order of iptables-nft-save, `nft_table_type`.
  package static let order: [TableName] = [.mangle, .security, .raw, .filter, .nat]

  /// - Parameter name: the only table; nil for all.
  package init(_ ruleset: NftRuleset, _ family: Family, registry: Registry, only name: TableName? = nil) {
    // The decoder makes the descriptors of all extensions, which takes time where there are no rules.
    lazy var decoder = NativeRuleDecoder(registry, family) { HostInterfaces.name(of: $0) }
    for wanted in Self.order where name == nil || name == wanted {
      guard let found = NftBuiltinChain.find(wanted, family, in: ruleset) else { continue }
      add(found, family, wanted) { rule throws(NativeRuleDecoder.Native) in try decoder.rule(comment: rule.comment, rule.forEachExpression)
      }
    }
  }

  private mutating func add(
    _ source: NftTable, _ family: Family, _ name: TableName, _ decode: (NftRule) throws(NativeRuleDecoder.Native) -> Rule
  ) {
    var table = Table(name, family)
    func note(_ chain: String, _ position: Int, _ text: String) -> NativeObject {
      NativeObject(family: family, table: name, chain: chain, position: position, text: text)
    }
    if source.isOwned { natives.append(note("", 0, "the table belongs to a running program, and only that program can change it")) }
    if source.isDormant { natives.append(note("", 0, "the table is dormant: its chains see no packets")) }
    for object in source.objects { natives.append(note("", 0, "a set, map, object or flow table named `\(object)'")) }
    var chains: [(source: NftChain, index: Int)] = []
    for chain in source.chains {
      if let place = chain.place {
        if let index = table.index(of: chain.name), NftBuiltinChain.contains(chain, of: source) {
          chains.append((chain, index))
        } else {
          let hook = "hook \(place.hook), priority \(place.priority), \(chain.ruleCount) rules"
          natives.append(note(chain.name, 0, "a base chain that is not one of iptables (\(hook))"))
        }
      } else if table.addChain(chain.name) {
        chains.append((chain, table.chains.count - 1))
      } else {
        natives.append(note(chain.name, 0, "a chain with the name of a built-in chain and no hook"))
      }
    }
    for (chain, index) in chains {
      var rules: [Rule] = []
      rules.reserveCapacity(chain.rules.count)
      for rule in chain.rules {
        do throws(NativeRuleDecoder.Native) {
          rules.append(try decode(rule))
        } catch {
          natives.append(NativeObject(rule, error, family: family, table: name, chain: chain.name, position: rules.count))
        }
      }
      if let lines = chain.printed {
        natives += lines.natives
        printed[name, default: [:]][chain.name] = lines
      }
      table.update(at: index) {
        $0.rules = rules
        guard chain.place != nil else { return }
        $0.policy = chain.drops ? .drop : .accept
        $0.counters = chain.counters
      }
    }
    tables.append(table)
  }
}
