import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that take packets from connection tracking although they are accepted only by state.
public enum UntrackedLostCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE051"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "untracked-lost"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets that are not tracked are dropped by rules for tracked ones"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A packet that -j NOTRACK or -j CT --notrack has seen is in the state UNTRACKED, never NEW or ESTABLISHED. A rule that accepts NEW or \
    ESTABLISHED does not match it. Accept such packets without asking for the state, or with --ctstate UNTRACKED.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*raw\n↓-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --dport 53 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n",
      says: ["INPUT drops packets that this rule leaves untracked; tracked, line 6 (ACCEPT) would accept them"]),
    .good(
      "*raw\n-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK\n-A OUTPUT -p udp -m udp --sport 53 -j NOTRACK\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --dport 53 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Runs a packet of each rule without tracking through the tables, and again through the tables without the raw table.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let raw = probes.ruleset[table: .raw], probes.ruleset[table: .filter] != nil else { return [] }
    var tracked = probes.ruleset
    tracked.tables.removeAll { $0.name == .raw }
    guard let others = PacketProbe(tracked) else { return [] }
    return raw.untrackingRules(at: .prerouting).prefix(context.mostTried).compactMap { rule in
      guard var witness = rule.condition(raw.family).witness(raw.family, at: .prerouting) else { return nil }
      witness = Witness(draft: witness.draft, hook: .input, state: nil)
      guard let lost = probes.walk(witness), lost.verdict == .drop,
        let kept = others.decidedWalk(witness), kept.verdict == .accept, let acceptor = kept.filterRule(in: tracked)
      else { return nil }
      let line = context.lineNumber(acceptor.source) ?? 0
      return proved(
        "INPUT drops packets that this rule leaves untracked; tracked, line \(line) (\(acceptor.target.word)) would accept them",
        at: rule.source,
        by: witness)
    }
  }
}
