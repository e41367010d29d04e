public import Documents

/// The answer to a scenario: one line of the lab's protocol.
public struct LabResult: Sendable, Equatable {
  /// The name of the scenario.
  public var name: String
  /// The reason why the scenario could not be played; nil if it was played. The answer then contains nothing else.
  public var error: String?
  /// The results of the steps, in order.
  public var steps: [LabStep] = []
  /// The IPv4 tables in the order of their text, with their counters at the end.
  public var counters: [LabTable] = []
  /// The same for IPv6; omitted from the answer if empty.
  public var counters6: [LabTable] = []
  /// Conntrack's entries at the end; nil if the scenario does not request them.
  public var connections: [LabConnection]?
  /// Conntrack's expectations at the end; nil if the scenario does not request them.
  public var expectations: [LabExpectation]?

  /// Creates an answer without steps.
  public init(name: String, error: String? = nil) {
    self.name = name
    self.error = error
  }

  /// The answer as JSON, in the lab's protocol.
  public var json: JSONValue {
    var line: JSONObject = ["name": .string(name)]
    if let error {
      line["error"] = .string(error)
      return .object(line)
    }
    line["steps"] = .array(steps.map(\.json))
    line["counters"] = LabTable.json(counters)
    if !counters6.isEmpty { line["counters6"] = LabTable.json(counters6) }
    if let connections { line["conntrack"] = .array(connections.map(\.json)) }
    if let expectations { line["expect"] = .array(expectations.map(\.json)) }
    return .object(line)
  }
}

/// A pair of packet and byte counters.
public struct LabCount: Sendable, Hashable {
  /// Packets counted.
  public var packets: UInt64
  /// Bytes counted, from the network header on.
  public var bytes: UInt64

  /// Creates counters.
  public init(_ packets: UInt64 = 0, _ bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }

  /// `[packets, bytes]`.
  public var json: JSONValue { [JSONValue(packets), JSONValue(bytes)] }
}

/// A table's counters.
public struct LabTable: Sendable, Equatable {
  /// A chain's counters.
  public struct Chain: Sendable, Equatable {
    /// The chain's name.
    public var name: String
    /// `ACCEPT` or `DROP`; nil for a user-defined chain.
    public var policy: String?
    /// The counters of the policy.
    public var count: LabCount
    /// The counters of the rules, in order.
    public var rules: [LabCount]

    /// Creates the counters of a chain.
    public init(name: String, policy: String?, count: LabCount = LabCount(), rules: [LabCount] = []) {
      self.name = name
      self.policy = policy
      self.count = count
      self.rules = rules
    }

    var member: JSONObject.Member {
      JSONObject.Member(name, ["policy": .string(policy ?? "-"), "count": count.json, "rules": .array(rules.map(\.json))])
    }
  }
  /// The table's name.
  public var name: String
  /// The built-in chains by hook, then the user-defined ones.
  public var chains: [Chain]

  /// Creates the counters of a table.
  public init(name: String, chains: [Chain]) {
    self.name = name
    self.chains = chains
  }

  static func json(_ tables: [LabTable]) -> JSONValue {
    .object(JSONObject(tables.map { JSONObject.Member($0.name, .object(JSONObject($0.chains.map(\.member)))) }))
  }

  /// The counters that changed between two readings of the same tables, by table, chain and rule; the policy comes last.
  public static func hits(from before: [LabTable], to after: [LabTable]) -> [LabHit] {
    var hits: [LabHit] = []
    for table in after {
      guard let earlier = before.first(where: { $0.name == table.name }) else { continue }
      for (position, chain) in table.chains.enumerated() {
        guard position < earlier.chains.count, earlier.chains[position].name == chain.name else { continue }
        let old = earlier.chains[position]
        for (index, count) in chain.rules.enumerated() where index < old.rules.count && old.rules[index] != count {
          hits.append(LabHit(table: table.name, chain: chain.name, rule: index + 1, count: count - old.rules[index]))
        }
        if chain.policy != nil, chain.count != old.count {
          hits.append(LabHit(table: table.name, chain: chain.name, rule: 0, count: chain.count - old.count))
        }
      }
    }
    return hits
  }
}

extension LabCount {
  /// The difference of two counters, modulo 2^64.
  static func - (a: LabCount, b: LabCount) -> LabCount { LabCount(a.packets &- b.packets, a.bytes &- b.bytes) }
}

/// A counter that changed.
public struct LabHit: Sendable, Hashable {
  /// The rule's table.
  public var table: String
  /// The rule's chain.
  public var chain: String
  /// The rule's number, from 1; 0 for the policy.
  public var rule: Int
  /// By how much the counters changed.
  public var count: LabCount

  /// Creates a hit.
  public init(table: String, chain: String, rule: Int, count: LabCount) {
    self.table = table
    self.chain = chain
    self.rule = rule
    self.count = count
  }

  /// `[table, chain, rule, packets, bytes]`.
  public var json: JSONValue {
    [.string(table), .string(chain), .integer(rule), JSONValue(count.packets), JSONValue(count.bytes)]
  }
}
