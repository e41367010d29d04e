import Analysis
public import Diagnostics
import Netfilter
import Wire
import XTables

/// Finds rules that drop INVALID behind rules that accept it.
public enum InvalidAcceptedCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE053"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "invalid-accepted"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "packets in the state INVALID are accepted before a rule drops them"
  /// The group under which it is listed.
  public static let group = CheckGroup.state
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A rule that drops INVALID packets is meant for all of them, but packets are decided by the first rule that matches. An earlier rule \
    that accepts without asking for the state accepts INVALID packets too. Drop INVALID first.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n↓-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n",
      says: ["line 2 (ACCEPT) accepts packets in the state INVALID before this rule drops them"]),
    .good(
      "*filter\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Looks, before each rule that drops INVALID, for one that accepts some of its packets, and runs such a packet.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    guard let probes = context.probes, let filter = probes.ruleset[table: .filter] else { return [] }
    let reach = ChainReach(filter)
    return filter.chains.enumerated().flatMap { index, chain -> [Diagnostic] in
      guard let hook = reach.hooks[index].hooks.first else { return [] }
      return chain.rules.indices.lazy.filter { chain.rules[$0].target == .verdict(.drop) && chain.rules[$0].asksOnlyInvalid(filter.family) }
        .prefix(1).compactMap {
          place -> Diagnostic? in
          let dropped = chain.rules[place]
          for earlier in chain.rules[..<place].prefix(context.mostTried) where earlier.target == .verdict(.accept) {
            // What this host and its virtual machines send is accepted first on purpose, and so are messages of ICMP, which may belong to no connection.
            let device = earlier.header.input.matchesAll ? earlier.header.output : earlier.header.input
            if [1, 58].contains(earlier.header.protocolNumber) || Interfaces.isOwn(String(decoding: device.text, as: UTF8.self))
              || earlier.condition(filter.family).fields.contains(where: { $0.name == "ct.state" })
            {
              continue
            }
            let both = Condition.all([earlier.condition(filter.family), dropped.condition(filter.family)])
            guard let witness = both.witness(filter.family, at: hook), let walk = probes.walk(witness), walk.verdict == .accept,
              let acceptor = walk.filterRule(in: probes.ruleset), acceptor.source == earlier.source,
              let line = context.lineNumber(earlier.source)
            else { continue }
            return proved(
              "line \(line) (\(earlier.target.word)) accepts packets in the state INVALID before this rule drops them", at: dropped.source,
              by: witness,
              deciding: earlier.source)
          }
          return nil
        }
    }
  }
}
