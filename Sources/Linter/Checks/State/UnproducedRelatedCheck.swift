import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules for RELATED packets that nothing sends.
public enum UnproducedRelatedCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE055"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "related-unproduced"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a rule is for packets in the state RELATED, and nothing makes such packets RELATED"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A packet is RELATED if it is an ICMP error about a packet of a connection, the first of a connection that a helper has announced, or the \
    TCP reset by which REJECT refuses a connection. Since Linux 4.7 the kernel assigns no helper of its own accord, and since 6.0 it cannot be told to. So \
    without a rule such as -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp a RELATED rule for TCP or UDP matches nothing, and \
    the data connections that it was meant for are decided by other rules. Assign the helper, or remove the rule. If another \
    program assigns helpers or expects connections, suppress the finding.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n↓-A INPUT -p tcp -m conntrack --ctstate RELATED -m tcp --dport 1024:65535 -j ACCEPT\nCOMMIT\n",
      says: ["nothing makes such a packet RELATED: it is no ICMP error, and no rule of the file assigns a helper"]),
    .bad(
      "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
        + "*filter\n↓-A INPUT -p icmp -m icmp --icmp-type 8 -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n",
      says: ["nothing makes such a packet RELATED: it is an ICMP message, but no error"]),
    .bad(
      "*filter\n↓-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n",
      says: ["nothing makes such a packet RELATED: it is an ICMP message, but no error"], .ipv6),
    .good("*filter\n-A INPUT -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n-A INPUT -p icmp -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n-A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"),
    .good(
      "*filter\n-A INPUT -p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset\n-A OUTPUT -p tcp -m conntrack --ctstate RELATED -j ACCEPT\nCOMMIT\n"
    ),
    .good(
      "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
        + "*filter\n-A INPUT -p tcp -m conntrack --ctstate RELATED -m tcp --dport 1024:65535 -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each rule that only RELATED packets match, if it is proved that none of them can arrive.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    // A line that is not read may assign a helper or refuse a connection.
    guard context.probes != nil, let helpers = context.assignedHelpers else { return [] }
    let producers = Producers(hasHelper: !helpers.isEmpty, mayReset: context.tables.contains { $0.table.mayReset })
    return context.tables.flatMap { facts in
      facts.table.chains.enumerated().flatMap { index, chain in
        chain.rules.compactMap { rule in
          producers.sentence(rule, facts.table.family, at: facts.reach.hooks[index].hooks).map { finding($0, at: rule.source) }
        }
      }
    }
  }
}

/// What can make a packet RELATED besides an ICMP error.
private struct Producers {
  /// A helper may announce connections of any protocol but ICMP.
  let hasHelper: Bool
  /// REJECT may send a TCP reset, which stays RELATED over lo.
  let mayReset: Bool

  /// Why no RELATED packet matches a rule that only such packets could match; nil if it is another rule, or some may.
  func sentence(_ rule: Rule, _ family: Family, at hooks: [Hook]) -> String? {
    let condition = rule.condition(family)
    guard !hooks.isEmpty, let state = condition.fields.first(where: { $0.name == "ct.state" }) else { return nil }
    // Most rules name other states: no sets are made for them.
    if Self.admitsOthers(condition, state, family) { return nil }
    let related = Condition.masked(state, ConntrackState.related, mask: ConntrackState.related)
    func isImpossible(_ parts: [Condition]) -> Bool { hooks.allSatisfy { Condition.all(parts).isImpossible(family, at: $0) } }
    // A rule that no packet at all matches is the finding of another check.
    guard !isImpossible([condition, related]), isImpossible([condition, .not(related)]),
      isImpossible([condition, related, produced(family)])
    else { return nil }
    let reason =
      isImpossible([condition, related, .not(Self.message(family))])
      ? "it is an ICMP message, but no error" : "it is no ICMP error, and no rule of the file assigns a helper"
    return "nothing makes such a packet RELATED: \(reason)"
  }

  /// Whether the tests of the state hold for another one than RELATED.
  private static func admitsOthers(_ condition: Condition, _ state: Field, _ family: Family) -> Bool {
    var tests: [Condition] = [condition]
    while let index = tests.firstIndex(where: { if case .all = $0 { true } else { false } }), case .all(let parts) = tests.remove(at: index)
    {
      tests += parts
    }
    tests.removeAll { $0.fields != [state] }
    return state.values(at: .prerouting, family).map(\.lowerBound).contains { value in
      value & UInt128(ConntrackState.related) == 0 && tests.allSatisfy { $0.holds(for: value) }
    }
  }

  private static func message(_ family: Family) -> Condition {
    .equals(.protocolNumber, (family == .ipv4 ? IPProtocol.icmp : .icmpv6).rawValue)
  }

  /// The packets that tracking can find RELATED. Kernel: `icmp_is_err` in `nf_conntrack_icmpv4_error`, `nf_conntrack_icmpv6_error`,
  /// `init_conntrack`, `nf_ct_attach`.
  private func produced(_ family: Family) -> Condition {
    let errors: [ClosedRange<UInt16>] = family == .ipv4 ? [3...5, 11...12] : [0...127]
    let error = Condition.any(errors.map { .inRange(.icmpTypeAndCode, $0.lowerBound << 8, $0.upperBound << 8 | 0xff) })
    var kinds = [Condition.all([Self.message(family), error])]
    if hasHelper { kinds.append(.not(Self.message(family))) }
    if mayReset { kinds.append(.equals(.protocolNumber, IPProtocol.tcp.rawValue)) }
    return .any(kinds)
  }
}

extension Condition {
  /// Whether the condition, which tests one field alone, holds for a value.
  fileprivate func holds(for value: UInt128) -> Bool {
    switch self {
    case .test(_, let test): test.holds(for: value)
    case .not(let inner): !inner.holds(for: value)
    case .all(let parts): parts.allSatisfy { $0.holds(for: value) }
    case .any(let parts): parts.contains { $0.holds(for: value) }
    case .never: false
    case .always, .has, .opaque, .unknown: true
    }
  }
}

extension Table {
  /// Whether a rule may answer a TCP packet with a reset: it is for TCP only, as the kernel demands, and its target ends the packet's way.
  fileprivate var mayReset: Bool {
    name == .filter
      && chains.contains { chain in
        chain.rules.contains { rule in
          guard rule.header.protocolNumber == IPProtocol.tcp.rawValue, case .use(let use) = rule.target,
            case .target(let behaviour) = use.descriptor.behaviour
          else { return false }
          return behaviour.ending == .always
        }
      }
  }
}
