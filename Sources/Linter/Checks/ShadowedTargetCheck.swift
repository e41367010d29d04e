public import Diagnostics
import XTables

/// Finds chains with the name of a target.
public enum ShadowedTargetCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE013"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "shadowed-target"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a chain has the name of a target"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    A chain takes precedence over a target of the same name: every `-j NAME` in the table jumps to the chain, and the target cannot \
    be used. `iptables -N` refuses such names, but iptables-restore accepts them in a `:NAME` line. Rename the chain.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*mangle\n:↓MARK - [0:0]\n-A INPUT -j MARK\n-A MARK -j RETURN\nCOMMIT\n", says: ["chain `MARK' hides the target of the same name"]),
    .good("*mangle\n:MARKS - [0:0]\n-A INPUT -j MARKS\n-A MARKS -j RETURN\nCOMMIT\n"),
  ]

  /// Reports each user chain whose name is also a target of the registry for the table's family.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.filter { !$0.isBuiltin && context.registry.target(named: $0.name, facts.table.family) != nil }
        .map { finding("chain `\($0.name)' hides the target of the same name", at: $0.source) }
    }
  }
}
