import Conntrack
public import Diagnostics
public import Wire
public import XTables

/// Finds helpers of connection tracking that do not exist for the protocol or family of their rule.
public enum HelperProtocolCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE040"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.kernel
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "helper-protocol"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a conntrack helper does not exist for the protocol of its rule"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The kernel looks a helper up by its name, the family and the protocol of -p. The kernel's helper of this name is for another \
    protocol or family, so that the kernel refuses the whole table with ENOENT, and nothing says which rule it was. Only a helper that \
    a process registered under the same name would be found.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*raw\n↓-A PREROUTING -p tcp -m tcp --dport 69 -j CT --helper tftp\nCOMMIT\n",
      says: ["the kernel has no conntrack helper `tftp' for tcp: it is for udp"]),
    .good("*raw\n-A PREROUTING -p udp -m udp --dport 69 -j CT --helper tftp\nCOMMIT\n"),
  ]

  /// Reports each rule that names such a helper.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.flatMap { chain in
        chain.rules.compactMap { rule in sentence(rule, facts.table.family).map { finding($0, at: rule.source) } }
      }
    }
  }

  /// What is wrong with the helper that a rule names; nil if it exists for the rule's protocol, or is none of the kernel's.
  public static func sentence(_ rule: Rule, _ family: Family) -> String? {
    guard case .use(let use) = rule.target, rule.header.protocolNumber != 0 else { return nil }
    for case .needs(.conntrackHelper(let name)) in use.descriptor.objects(use.payload) {
      let known = ConntrackTable.standardHelpers.filter { $0.name == name }
      let proto = IPProtocol(rawValue: rule.header.protocolNumber)
      guard !known.isEmpty, !known.contains(where: { $0.family == family && $0.proto == proto }) else { continue }
      let own = Set(known.filter { $0.family == family }.map(\.proto.description)).sorted()
      let what = own.isEmpty ? "it is for \(family == .ipv4 ? "IPv6" : "IPv4") only" : "it is for \(own.joined(separator: " and "))"
      return "the kernel has no conntrack helper `\(name)' for \(proto): \(what)"
    }
    return nil
  }
}
