public import Wire
import XTables

/// `ip rule add` and `ip rule del`.
public struct IPRule: Sendable, Hashable {
  /// A field that a line can set.
  public enum Field: Sendable, Hashable {
    case source, destination, mark, input, output, inversion, tos, realms, proto, sourcePorts, destinationPorts, users
    case suppressedLength, action
  }

  /// `add` or `delete`.
  public var verb: IPCommand.Verb
  /// The family of the rule.
  public var family: Family
  /// The rule; its priority is 0 if ``priority`` is nil.
  public var rule: RouteRule
  /// The priority; nil if not given.
  public var priority: UInt32?
  /// The fields that the line sets. A rule to remove must be equal in them.
  public var said: Set<Field> = []
  /// The source prefix with host bits as written; nil if not given.
  public var sourcePrefix: Host.Address?
  /// The destination prefix with host bits as written; nil if not given.
  public var destinationPrefix: Host.Address?

  init(_ verb: String, _ words: inout IPWords, _ family: Family?) throws(HostError) {
    self.verb = try IPCommand.verb(verb, of: "rule", words, among: [.add, .delete])
    self.family = family ?? .ipv4
    rule = RouteRule(priority: 0, .table(RouteTable.main))
    while let word = words.next() { try read(word, &words, family) }
    rule.family = self.family
  }

  private mutating func read(_ word: String, _ words: inout IPWords, _ given: Family?) throws(HostError) {
    switch word {
    case "from", "to":
      let value = try words.value(word)
      guard value != "all" else { return }
      guard let prefix = Host.prefix(value) else { throw words.error("\(value) is not a prefix") }
      let isOther = sourcePrefix != nil || destinationPrefix != nil || given != nil
      guard !isOther || prefix.address.family == family else { throw words.error("\(value) is of the other family") }
      family = prefix.address.family
      let mask = AddressMask(address: prefix.address.bits & prefix.mask, mask: prefix.mask)
      if word == "from" {
        sourcePrefix = prefix
        set(\.source, mask, .source)
      } else {
        destinationPrefix = prefix
        set(\.destination, mask, .destination)
      }
    case "fwmark":
      let parts = try words.value(word).split(separator: "/", omittingEmptySubsequences: false).map(IPWords.number)
      guard parts.count < 3, let mark = parts[0], let mask = parts.count == 2 ? parts[1] : .max else {
        throw words.error("fwmark needs a number, or a number and a mask as 0x1/0xff")
      }
      set(\.mark, mark, .mark)
      rule.markMask = mask
    case "iif", "dev": set(\.input, try words.interface(word), .input)
    case "oif": set(\.output, try words.interface(word), .output)
    case "not": set(\.isInverted, true, .inversion)
    case "tos", "dsfield": set(\.tos, try words.tos(word), .tos)
    case "pref", "priority", "preference", "order":
      priority = try words.number(word)
      rule.priority = priority ?? 0
    case "protocol": _ = try words.value(word)
    default:
      if try !readTransport(word, &words) { try readAction(word, &words) }
    }
  }

  private mutating func set<Value>(_ path: WritableKeyPath<RouteRule, Value>, _ value: Value, _ field: Field) {
    rule[keyPath: path] = value
    said.insert(field)
  }

  private static let protocols: [String: IPProtocol] = [
    "icmp": .icmp, "tcp": .tcp, "udp": .udp, "dccp": .dccp, "gre": .gre, "esp": .esp, "ah": .ah, "ipv6-icmp": .icmpv6, "sctp": .sctp,
    "udplite": .udplite,
  ]

  /// Parses tests of the transport header and the sender. Returns false for an unknown word.
  private mutating func readTransport(_ word: String, _ words: inout IPWords) throws(HostError) -> Bool {
    switch word {
    case "ipproto":
      let value = try words.value(word)
      let number = IPWords.number(value).flatMap { UInt8(exactly: $0) }.map { IPProtocol(rawValue: $0) }
      guard let proto = Self.protocols[value] ?? number else { throw words.error("\(value) is not a protocol") }
      set(\.proto, proto, .proto)
    case "sport": set(\.sourcePorts, try words.range(word), .sourcePorts)
    case "dport": set(\.destinationPorts, try words.range(word), .destinationPorts)
    case "uidrange": set(\.users, try words.range(word), .users)
    default: return false
    }
    return true
  }

  private mutating func readAction(_ word: String, _ words: inout IPWords) throws(HostError) {
    switch word {
    case "table", "lookup": set(\.action, .table(try words.table(word)), .action)
    case "realm", "realms": set(\.realms, try words.realms(word), .realms)
    case "suppress_prefixlength", "sup_pl":
      let length = try words.number(word)
      guard length <= 128 else { throw words.error("a prefix length is at most 128") }
      set(\.suppressedLength, Int(length), .suppressedLength)
    case "goto": set(\.action, .goto(try words.number(word)), .action)
    case "nop": set(\.action, .nop, .action)
    case "unreachable": set(\.action, .unreachable, .action)
    case "prohibit": set(\.action, .prohibit, .action)
    case "blackhole": set(\.action, .blackhole, .action)
    default: throw words.error("rule: `\(word)' is not supported")
    }
  }

  /// True if a line to remove a rule matches an existing rule.
  func means(_ other: RouteRule) -> Bool {
    guard other.family ?? family == family, priority.map({ $0 == other.priority }) ?? true else { return false }
    return said.allSatisfy { field in
      switch field {
      case .source: rule.source == other.source
      case .destination: rule.destination == other.destination
      case .mark: rule.mark == other.mark && rule.markMask == other.markMask
      case .input: rule.input == other.input
      case .output: rule.output == other.output
      case .inversion: rule.isInverted == other.isInverted
      case .tos: rule.tos == other.tos
      case .realms: rule.realms == other.realms
      case .proto: rule.proto == other.proto
      case .sourcePorts: rule.sourcePorts == other.sourcePorts
      case .destinationPorts: rule.destinationPorts == other.destinationPorts
      case .users: rule.users == other.users
      case .suppressedLength: rule.suppressedLength == other.suppressedLength
      case .action: rule.action == other.action
      }
    }
  }
}

/// `ip rule`.
extension Host {
  func apply(_ command: IPRule, _ line: String) throws(HostError) {
    guard command.verb == .add else {
      if !removeRule(where: command.means) { throw HostError(line, "there is no such rule") }
      return
    }
    var rule = command.rule
    if command.priority == nil {
      // One below the lowest existing priority, as the kernel chooses it (`fib_default_rule_pref`). Rules are sorted by priority.
      let second = rules.first { $0.priority > 0 && $0.family ?? command.family == command.family }
      rule.priority = (second?.priority ?? 32766) - 1
    }
    addRule(rule)
  }
}
