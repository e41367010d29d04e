import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that leave one direction untracked.
public enum OneWayNotrackCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE052"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "one-way-notrack"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "only one direction of a connection is left untracked"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    If the packets of one direction are not tracked, the answers are the first packets that tracking sees: it takes them for new \
    connections, or for INVALID ones. Add the rule for the other direction, with source and destination exchanged, in OUTPUT for this \
    host's own answers.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*raw\n↓-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK\nCOMMIT\n", says: ["no rule leaves the answers to these packets untracked"]),
    .good("*raw\n-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK\n-A OUTPUT -p udp -m udp --sport 53 -j NOTRACK\nCOMMIT\n"),
    .good("*raw\n-A PREROUTING -s 10.0.0.0/8 -j NOTRACK\n-A PREROUTING -d 10.0.0.0/8 -j NOTRACK\nCOMMIT\n"),
  ]

  /// Runs the answer to a packet of each rule through the raw table, as one of this host and as one that is forwarded.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let raw = probes.ruleset[table: .raw] else { return [] }
    return raw.untrackingRules(at: .prerouting).prefix(context.mostTried).compactMap { rule in
      guard let witness = rule.condition(raw.family).witness(raw.family, at: .prerouting), witness.draft.fields.proto != .icmp,
        witness.draft.fields.proto != .icmpv6
      else { return nil }
      var answer = witness.draft
      swap(&answer.fields.source, &answer.fields.destination)
      swap(&answer.fields.sourcePort, &answer.fields.destinationPort)
      if answer.fields.proto == .tcp { answer.fields.tcpFlags = [.syn, .ack] }
      var own = answer
      (own.input, own.output) = (nil, answer.input)
      var forwarded = answer
      (forwarded.input, forwarded.output) = (Interfaces.external(of: probes.ruleset, context.settings).first, nil)
      let ways =
        [Witness(draft: own, hook: .output, state: nil), Witness(draft: forwarded, hook: .prerouting, state: nil)]
        + [answer].map { Witness(draft: $0, hook: .prerouting, state: nil) }
      let isUntracked = ways.contains { way in
        guard let walk = probes.walk(way) else { return true }
        return walk.rules.contains { $0.table == .raw && raw[$0.place].leavesUntracked }
      }
      return isUntracked ? nil : proved("no rule leaves the answers to these packets untracked", at: rule.source, by: ways[0])
    }
  }
}
