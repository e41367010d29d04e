import Analysis
public import Diagnostics
import XTables

/// Finds rules of which nothing is proved, so that silence about them is no proof either.
public enum UndecidedReachCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE027"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "undecided-reach"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "which rules no packet reaches is not decided"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Rules and chains without effect are searched with exact sets of packets, within a limit of memory and work. Where the limit is reached, \
    or a line that is not read may change packets, such rules may be there although none is reported. Correct the line, or divide \
    the chain by jumps to chains of fewer rules.
    """
  /// The severity of the findings; see ``Check/severity``.
  public static let severity = Severity.note
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*mangle\n-A PREROUTING -j ↓NOTINSTALLED\n-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n",
      says: ["which rules no packet reaches is not decided, because this line, which is not read, may change packets"]),
    .good("*mangle\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each reason once for each table or chain.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    if let line = context.unreadWriter {
      return [
        finding("which rules no packet reaches is not decided, because this line, which is not read, may change packets", at: line)
      ]
    }
    return context.tables.flatMap { facts in
      let name = facts.table.name
      guard let verdicts = context.verdicts.first(where: { $0.table.name == name }) else {
        // Loops and missing chains have findings of their own.
        guard facts.isSound else { return [Diagnostic]() }
        let place = facts.table.chains.lazy.flatMap(\.rules).compactMap(\.source).first
        return [finding("which rules of table \(name) no packet reaches is not decided: the sets of packets become too large", at: place)]
      }
      return verdicts.undecided.map { chain, rules in
        let first = rules.first.flatMap { facts.table.chains[chain].rules[$0].source }
        return finding(
          "for \(rules.count) rules of chain \(facts.table.chains[chain].name), this one first, it is not decided whether packets reach them: "
            + "the search takes too long", at: first)
      }
    }
  }
}
