public import Diagnostics
import XTables

/// Finds busy rules at the end of long chains.
public enum LateHotRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE100"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "late-hot-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "most packets pass many rules before the one that decides about them"
  /// The group under which it is listed.
  public static let group = CheckGroup.cost
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The counters say that one rule decides about most packets of its chain, and it stands behind many rules that hardly any packet \
    matches. Each packet is compared with all of them. Move the rule to the front if no rule before it decides about the same packets; \
    `ferrule diff' tells.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n[1:1] -A INPUT -s 10.0.0.1/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.2/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.3/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.4/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.5/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.6/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.7/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.8/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.9/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.10/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.11/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.12/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.13/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.14/32 -p udp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.15/32 -p tcp -j ACCEPT\n[1:1] -A INPUT -s 10.0.0.16/32 -p udp -j ACCEPT\n↓[900000:9] -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n",
      says: ["this rule decides about 100 percent of the packets of chain `INPUT' after 16 other rules"]),
    .good(
      "*filter\n:INPUT DROP [0:0]\n[900000:9] -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n[1:1] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// The least number of counted packets, and of rules before the one in question.
  private static let leastPackets: UInt64 = 10_000
  private static let leastRules = 16

  /// Reports, in each chain, the rule with most packets, if it has most of the chain's packets and stands late.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap(\.table.chains).compactMap { chain in
      guard !context.unreadWords.contains(chain.name),
        let place = chain.rules.indices.max(by: { chain.rules[$0].counters.packets < chain.rules[$1].counters.packets }),
        place >= leastRules
      else {
        return nil
      }
      let count = chain.rules[place].counters.packets
      let sum = chain.rules.reduce(UInt64(0)) { $0 &+ $1.counters.packets }
      let before = chain.rules[..<place].reduce(UInt64(0)) { $0 &+ $1.counters.packets }
      guard count >= leastPackets, count > sum / 2, before < count / 10 else { return nil }
      let share = Int(count / max(sum / 100, 1))
      return finding(
        "this rule decides about \(min(share, 100)) percent of the packets of chain `\(chain.name)' after \(place) other rules",
        at: chain.rules[place].source)
    }
  }
}
