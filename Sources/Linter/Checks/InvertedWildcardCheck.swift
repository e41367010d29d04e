public import Diagnostics
import XTables

/// `!` before an interface or address that every packet has.
public enum InvertedWildcardCheck: Check {
  public static let code = "FE010"
  public static let id = "inverted-wildcard"
  public static let title = "`!` before an interface or address that matches everything"
  public static let rationale = """
    `! -i +` and `! -s 0.0.0.0/0` match nothing. For an interface iptables-save prints neither the `!` nor the option: saved and \
    restored, the rule that matched nothing matches everything.
    """
  public static let examples: [CheckExample] = [
    .bad("*filter\n↓-A INPUT ! -i + -j DROP\nCOMMIT\n", says: ["`! -i +' matches no packet"]),
    .bad("*filter\n↓-A INPUT ! -s 0.0.0.0/0 -j DROP\nCOMMIT\n", says: ["`! -s' of all addresses matches no packet"]),
    .good("*filter\n-A INPUT ! -i eth+ -j DROP\nCOMMIT\n"),
  ]

  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in facts.table.chains.flatMap { $0.rules.flatMap(findings) } }
  }

  private static func findings(in rule: Rule) -> [Diagnostic] {
    guard !rule.header.inverted.isEmpty else { return [] }
    let header = rule.header
    var found: [Diagnostic] = []
    for (bit, option, matchesAll) in [
      (RuleHeader.Inverted.input, "-i", header.input.matchesAll), (.output, "-o", header.output.matchesAll),
    ] where header.inverted.contains(bit) && matchesAll {
      found.append(
        finding(
          "`! \(option) +' matches no packet", at: rule.source,
          [Diagnostic.Note("iptables-save leaves the option out; restored, the rule matches on every interface")]))
    }
    for (bit, option, mask) in [
      (RuleHeader.Inverted.source, "-s", header.source.mask), (.destination, "-d", header.destination.mask),
    ] where header.inverted.contains(bit) && mask == 0 {
      found.append(finding("`! \(option)' of all addresses matches no packet", at: rule.source))
    }
    return found
  }
}
