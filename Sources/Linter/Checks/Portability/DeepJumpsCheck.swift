public import Diagnostics
import XTables

/// Finds chains that lead deeper into each other than nf_tables allows.
public enum DeepJumpsCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE095"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "deep-jumps"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "chains jump deeper than nf_tables allows"
  /// The group under which it is listed.
  public static let group = CheckGroup.portability
  /// The severity of its findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    nf_tables follows at most 15 jumps or gotos from a built-in chain on (NFT_JUMP_STACK_SIZE). iptables-nft-restore loads nothing of such \
    a file and names no rule: the kernel's error is EMLINK, `Too many links'. ip_tables has no such limit, so the file loads with \
    iptables-legacy. Merge chains, or let one chain jump to several instead of each to the next.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(chains(16), says: ["this is jump 16 from INPUT on, and nf_tables allows 15: iptables-nft refuses the table"]),
    .good(chains(15)),
  ]

  /// A ruleset with a number of chains, each of which jumps to the next.
  private static func chains(_ count: Int) -> String {
    let names = (1...count).map { ":c\($0) - [0:0]\n" }.joined()
    let jumps = (1..<count).map { "\($0 == 15 ? "↓" : "")-A c\($0) -j c\($0 + 1)\n" }.joined()
    return "*filter\n\(names)-A INPUT -j c1\n\(jumps)-A c\(count) -j DROP\nCOMMIT\n"
  }

  /// Reports, in each table, the first jump that is too deep on the longest way.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.compactMap { facts in
      let path = facts.table.deepestChains()
      guard path.count > Table.nfTablesJumpStack, let chain = facts.table[chain: path[Table.nfTablesJumpStack - 1]],
        let rule = chain.rules.first(where: { $0.target.chain == path[Table.nfTablesJumpStack] })
      else { return nil }
      return finding(
        "this is jump \(Table.nfTablesJumpStack) from \(path[0]) on, and nf_tables allows \(Table.nfTablesJumpStack - 1): iptables-nft refuses the table",
        at: rule.source)
    }
  }
}
