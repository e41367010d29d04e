/// What came of a scenario: one line of answer in the lab's protocol.
public struct LabResult: Sendable, Equatable {
  public var name: String
  /// Why the scenario could not be played; all else is then left out of the answer.
  public var error: String?
  public var steps: [LabStep] = []
  /// The tables of the IPv4 rules in the order of their text, with all counters at the end.
  public var counters: [LabTable] = []
  /// The same for IPv6; not in the answer when empty.
  public var counters6: [LabTable] = []
  /// What conntrack held at the end; nil when the scenario did not ask.
  public var connections: [LabConnection]?
  public var expectations: [LabExpectation]?

  public init(name: String, error: String? = nil) {
    self.name = name
    self.error = error
  }

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

/// Packets and bytes.
public struct LabCount: Sendable, Hashable {
  public var packets: UInt64
  public var bytes: UInt64

  public init(_ packets: UInt64 = 0, _ bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }

  public var json: JSONValue { [JSONValue(packets), JSONValue(bytes)] }
}

/// A table's counters.
public struct LabTable: Sendable, Equatable {
  public struct Chain: Sendable, Equatable {
    public var name: String
    /// `ACCEPT` or `DROP`; nil for a chain of the user's.
    public var policy: String?
    public var count: LabCount
    public var rules: [LabCount]

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
  public var name: String
  /// The built-in chains by hook, then the user's.
  public var chains: [Chain]

  public init(name: String, chains: [Chain]) {
    self.name = name
    self.chains = chains
  }

  static func json(_ tables: [LabTable]) -> JSONValue {
    .object(JSONObject(tables.map { JSONObject.Member($0.name, .object(JSONObject($0.chains.map(\.member)))) }))
  }

  /// The counters that moved between two readings of the same tables, by table, chain, and rule, the policy last.
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
  /// Counters wrap around; so does their difference.
  static func - (a: LabCount, b: LabCount) -> LabCount { LabCount(a.packets &- b.packets, a.bytes &- b.bytes) }
}

/// A counter that moved.
public struct LabHit: Sendable, Hashable {
  public var table: String
  public var chain: String
  /// From 1; 0 is the policy.
  public var rule: Int
  public var count: LabCount

  public init(table: String, chain: String, rule: Int, count: LabCount) {
    self.table = table
    self.chain = chain
    self.rule = rule
    self.count = count
  }

  public var json: JSONValue {
    [.string(table), .string(chain), .integer(rule), JSONValue(count.packets), JSONValue(count.bytes)]
  }
}
