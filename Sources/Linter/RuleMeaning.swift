import XTables

/// What the checks ask of a rule's matches and target.
enum RuleMeaning {
  /// Whether every packet passes a match: `comment`, or a range that holds everything.
  static func isAlways(_ use: ExtensionUse, _ family: Family) -> Bool {
    guard case .match(let behaviour) = use.descriptor.behaviour else { return false }
    if case .always = behaviour.condition(use.payload, family) { return true }
    return false
  }

  /// Whether a packet that the rule matches never comes to the next rule of the chain.
  static func isFinal(_ target: RuleTarget) -> Bool {
    switch target {
    case .verdict, .goto: true
    case .none, .jump: false
    case .use(let use):
      if case .target(let behaviour) = use.descriptor.behaviour { behaviour.isFinal } else { false }
    }
  }

  /// How far a rule's conditions stay true for one packet on its way through a chain.
  enum Stability {
    case lasting
    /// They ask what a target may have changed in between.
    case changeable
  }

  /// Nothing for a rule with memory or chance, or one whose meaning is not known.
  static func stability(_ rule: Rule, _ family: Family) -> Stability? {
    var result = Stability.lasting
    for use in rule.matches {
      guard case .match(let behaviour) = use.descriptor.behaviour,
        let stability = stability(behaviour.condition(use.payload, family))
      else { return nil }
      if stability == .changeable { result = .changeable }
    }
    return result
  }

  private static func stability(_ condition: Condition) -> Stability? {
    switch condition {
    case .always, .never: return .lasting
    case .test(let field, _), .has(let field): return changeable(field) ? .changeable : .lasting
    case .not(let inner): return stability(inner)
    case .all(let parts), .any(let parts):
      var result = Stability.lasting
      for part in parts {
        guard let one = stability(part) else { return nil }
        if one == .changeable { result = .changeable }
      }
      return result
    case .opaque, .unknown: return nil
    }
  }

  /// Addresses, ports and the like are what they are within a chain; marks, labels, priorities, TOS and TTL have targets that
  /// set them, and SYNPROXY, CT and NAT work on the connection.
  private static func changeable(_ field: Field) -> Bool {
    !["tcp.", "udp.", "icmp", "sctp.", "dccp.", "transport.", "ip.src", "ip.dst", "ip.length", "link.", "owner.", "addrtype."]
      .contains { field.name.hasPrefix($0) }
  }
}
