public import Diagnostics
import XTables

/// Finds chains that no packet has entered.
public enum IdleChainCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE102"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "idle-chain"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "the counters say that no packet has entered a chain"
  /// The group under which it is listed.
  public static let group = CheckGroup.cost
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The table has counted many packets, but none in the rules that lead to this chain. The chain may be for rare packets, or its rules \
    may be for something that is gone. The counters begin at zero when the table is loaded.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:INPUT DROP [0:0]\n:↓web - [0:0]\n[0:0] -A INPUT -p udp -j web\n[900000:9] -A INPUT -p tcp -j ACCEPT\n[0:0] -A web -j ACCEPT\nCOMMIT\n",
      says: ["no packet of 900000 has entered chain `web'"]),
    // iptables-save without -c writes counters of policies only.
    .good("*filter\n:INPUT DROP [900000:9]\n:web - [0:0]\n-A INPUT -p udp -j web\n-A web -j ACCEPT\nCOMMIT\n"),
    .good("*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n[900000:9] -A INPUT -p tcp -j web\n[1:1] -A web -j ACCEPT\nCOMMIT\n"),
  ]

  /// The least number of packets that the table must have counted.
  private static let leastPackets: UInt64 = 100_000

  /// Reports, for each table, the chains with rules whose callers have counted nothing.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.compactMap { facts in
      let table = facts.table
      let counted = table.chains.reduce(UInt64(0)) { sum, chain in chain.rules.reduce(sum) { $0 &+ $1.counters.packets } }
      let sum = table.chains.reduce(counted) { $0 &+ $1.counters.packets }
      guard counted > 0, sum >= leastPackets else { return nil }
      let idle = table.chains.indices.filter { index in
        let chain = table.chains[index]
        guard chain.hook == nil, !context.unreadWords.contains(chain.name), !chain.rules.isEmpty, !facts.callers[index].isEmpty else {
          return false
        }
        return facts.callers[index].allSatisfy { table.chains[$0.chain].rules[$0.rule].counters.packets == 0 }
          && chain.rules.allSatisfy { $0.counters.packets == 0 }
      }
      guard let first = idle.first else { return nil }
      let names = idle.prefix(4).map { "`\(table.chains[$0].name)'" }.joined(separator: ", ")
      let more = idle.count > 4 ? " and \(idle.count - 4) more" : ""
      return finding(
        "no packet of \(sum) has entered \(idle.count == 1 ? "chain" : "the chains") \(names)\(more)", at: table.chains[first].source)
    }
  }
}
