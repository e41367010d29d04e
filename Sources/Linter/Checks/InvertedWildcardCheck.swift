public import Diagnostics
import Wire
import XTables

/// Finds `!` before an interface or address that matches every packet.
public enum InvertedWildcardCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE010"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.text
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "inverted-wildcard"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "`!` before an interface or address that matches every packet"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    `! -i +` and `! -s 0.0.0.0/0` match no packet. For an interface, iptables-save prints neither the `!` nor the option: after a \
    save and a restore, the rule matches every packet.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad("*filter\n↓-A INPUT ! -i + -j DROP\nCOMMIT\n", says: ["`! -i +' matches no packet"]),
    .bad("*filter\n↓-A INPUT ! -s 0.0.0.0/0 -j DROP\nCOMMIT\n", says: ["`! -s' of all addresses matches no packet"]),
    .good("*filter\n-A INPUT ! -i eth+ -j DROP\nCOMMIT\n"),
  ]

  /// Reports each inverted interface or address test that can never hold.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.flatMap { chain in chain.rules.flatMap { findings(in: $0, facts.table.family) } }
    }
  }

  private static func findings(in rule: Rule, _ family: Family) -> [Diagnostic] {
    guard !rule.header.inverted.isEmpty else { return [] }
    return rule.header.parts(family).compactMap { part in
      guard part.condition.truth(family) == .never else { return nil }
      switch part.option {
      case .input: return interface("-i", rule)
      case .output: return interface("-o", rule)
      case .source: return finding("`! -s' of all addresses matches no packet", at: rule.source)
      case .destination: return finding("`! -d' of all addresses matches no packet", at: rule.source)
      case .fragment, .protocol, .headerChain: return nil
      }
    }
  }

  private static func interface(_ option: String, _ rule: Rule) -> Diagnostic {
    finding(
      "`! \(option) +' matches no packet", at: rule.source,
      [Diagnostic.Note("iptables-save omits this option; after a restore the rule matches on every interface")])
  }
}
