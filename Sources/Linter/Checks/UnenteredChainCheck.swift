import Analysis
public import Diagnostics
import XTables

/// Finds chains that are called, but that no packet enters.
public enum UnenteredChainCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE023"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "unentered-chain"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "no packet enters a chain"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Rules lead to the chain, but none of them ever matches a packet: each is contradictory, impossible where it stands, or shadowed by \
    earlier rules. What the chain was written for does not happen. The findings at those rules say why.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n:↓web - [0:0]\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j web\n-A web -s 10.0.0.0/8 -j DROP\nCOMMIT\n",
      says: ["no packet enters chain `web', because no rule that leads to it matches a packet"]),
    .good(
      "*filter\n:web - [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j web\n-A INPUT -p tcp -j ACCEPT\n-A web -s 10.0.0.0/8 -j DROP\nCOMMIT\n"),
  ]

  /// Reports each such chain, with the rules that lead to it.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.verdicts.flatMap { verdicts in
      verdicts.unenteredChains.map { index in
        let table = verdicts.table
        let chain = table.chains[index]
        let callers = context.tables.first { $0.table.name == table.name }?.callers[index] ?? []
        let places = callers.compactMap { table.chains[$0.chain].rules[$0.rule].source }
        var diagnostic = finding(
          "no packet enters chain `\(chain.name)', because no rule that leads to it matches a packet", at: chain.source,
          places.prefix(LintContext.blockersNamed).map { Diagnostic.Note("this rule leads to the chain", at: $0) })
        diagnostic.evidence = Diagnostic.Evidence(witness: nil, blockers: places)
        return diagnostic
      }
    }
  }
}
