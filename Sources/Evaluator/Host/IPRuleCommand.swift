import Wire
import XTables

/// `ip rule`.
extension Host {
  func applyRule(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    let family = family ?? .ipv4
    let draft = try readRule(&words, family)
    switch verb {
    case "add", "a":
      var rule = draft.rule
      if draft.priority == nil {
        // One before the second, as the kernel chooses.
        rule.priority = (rules.filter { $0.family ?? family == family }.map(\.priority).filter { $0 > 0 }.min() ?? 32766) - 1
      }
      addRule(rule)
    case "del", "delete", "d":
      let isThere = removeRule { rule in
        guard rule.family ?? family == family, draft.priority.map({ $0 == rule.priority }) ?? true else { return false }
        return draft.tests.allSatisfy { $0(rule) }
      }
      if !isThere { throw words.error("there is no such rule") }
    default: throw words.error("rule \(verb) is not understood here")
    }
  }

  /// A rule as far as a line says it.
  private struct RuleDraft {
    var rule: RouteRule
    var priority: UInt32?
    /// What a rule must have to be the one that is meant.
    var tests: [(RouteRule) -> Bool] = []

    mutating func set<Value: Equatable>(_ path: WritableKeyPath<RouteRule, Value>, _ value: Value) {
      rule[keyPath: path] = value
      tests.append { $0[keyPath: path] == value }
    }
  }

  private func readRule(_ words: inout IPWords, _ family: Family) throws(HostError) -> RuleDraft {
    var draft = RuleDraft(rule: RouteRule(priority: 0, .table(RouteTable.main)))
    draft.rule.family = family
    while let word = words.next() {
      switch word {
      case "from", "to":
        let value = try words.value(word)
        guard value != "all" else { continue }
        guard let prefix = Self.prefix(value) else { throw words.error("no prefix: \(value)") }
        draft.rule.family = prefix.address.family
        let mask = AddressMask(address: prefix.address.bits & prefix.mask, mask: prefix.mask)
        draft.set(word == "from" ? \.source : \.destination, mask)
      case "fwmark":
        let parts = try words.value(word).split(separator: "/")
        guard let mark = parts.first.flatMap(IPWords.number) else { throw words.error("no mark") }
        draft.set(\.mark, mark)
        draft.set(\.markMask, parts.count == 2 ? IPWords.number(parts[1]) ?? .max : .max)
      case "iif", "dev": draft.set(\.input, try words.value(word))
      case "oif": draft.set(\.output, try words.value(word))
      case "not": draft.set(\.isInverted, true)
      case "tos", "dsfield": draft.set(\.tos, try words.tos(word))
      case "pref", "priority", "preference", "order":
        draft.priority = try words.number(word)
        draft.rule.priority = draft.priority ?? 0
      case "protocol": _ = try words.value(word)
      default:
        if try !readTransport(word, &words, &draft) { try readAction(word, &words, &draft) }
      }
    }
    return draft
  }

  private static let protocols: [String: IPProtocol] = [
    "icmp": .icmp, "tcp": .tcp, "udp": .udp, "dccp": .dccp, "gre": .gre, "esp": .esp, "ah": .ah, "ipv6-icmp": .icmpv6, "sctp": .sctp,
    "udplite": .udplite,
  ]

  /// What a rule asks of the transport header and of the sender; false for other words.
  private func readTransport(_ word: String, _ words: inout IPWords, _ draft: inout RuleDraft) throws(HostError) -> Bool {
    switch word {
    case "ipproto":
      let value = try words.value(word)
      guard let proto = Self.protocols[value] ?? UInt8(value).map({ IPProtocol(rawValue: $0) }) else { throw words.error("no protocol: \(value)") }
      draft.set(\.proto, proto)
    case "sport": draft.set(\.sourcePorts, try words.range(word))
    case "dport": draft.set(\.destinationPorts, try words.range(word))
    case "uidrange": draft.set(\.users, try words.range(word))
    default: return false
    }
    return true
  }

  private func readAction(_ word: String, _ words: inout IPWords, _ draft: inout RuleDraft) throws(HostError) {
    switch word {
    case "table", "lookup":
      let value = try words.value(word)
      guard let table = RouteTable.number(value) else { throw words.error("no table: \(value)") }
      draft.set(\.action, .table(table))
    case "realm", "realms": draft.set(\.realms, try words.realms(word))
    case "suppress_prefixlength", "sup_pl": draft.set(\.suppressedLength, Int(try words.number(word)))
    case "goto": draft.set(\.action, .goto(try words.number(word)))
    case "nop": draft.set(\.action, .nop)
    case "unreachable": draft.set(\.action, .unreachable)
    case "prohibit": draft.set(\.action, .prohibit)
    case "blackhole": draft.set(\.action, .blackhole)
    default: throw words.error("rule: \(word) is not understood")
    }
  }
}
