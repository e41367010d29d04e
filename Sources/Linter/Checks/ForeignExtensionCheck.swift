public import Diagnostics
import XTables

/// Finds matches and targets whose meaning is unknown.
public enum ForeignExtensionCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE016"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "foreign-extension"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a match or target means something that is not known here"
  /// A note: the ruleset may be correct.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    The match or target is none of those that Ferrule declares. Its options are read and printed by libxtables, or it is given as the \
    bytes of its structure, so that the rule can be formatted, compiled and applied. What it means is known to the kernel's module only: \
    a packet that comes to the rule in a dry run has no known verdict, and no finding about the rules around it can rest on this one.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓-A INPUT -m geoip --ferrule-bytes 0:0102030405060708 -j DROP\nCOMMIT\n",
      says: ["`-m geoip' stands here as bytes: nobody reads them, and what they mean is not known"]),
    .bad(
      "*filter\n↓-A INPUT -p tcp -j TARPIT --ferrule-bytes 0:0000000000000000\nCOMMIT\n",
      says: ["`-j TARPIT' stands here as bytes: nobody reads them, and what they mean is not known"]),
    .good("*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"),
  ]

  /// Reports each match and target whose descriptor has no known meaning.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.flatMap { chain in
        chain.rules.flatMap { rule in undeclared(of: rule).map { finding(sentence($0), at: rule.source) } }
      }
    }
  }

  private static func undeclared(of rule: Rule) -> [ExtensionDescriptor] {
    var uses = rule.matches
    if case .use(let use) = rule.target { uses.append(use) }
    // The parser reports the parts that cannot be read.
    return uses.map(\.descriptor).filter { $0.isMeaningUnknown && !$0.isUnread }
  }

  private static func sentence(_ part: ExtensionDescriptor) -> String {
    let name = "`\(part.kind == .match ? "-m" : "-j") \(part.name)'"
    return part.isUnknown
      ? "\(name) stands here as bytes: nobody reads them, and what they mean is not known"
      : "\(name) is foreign: libxtables reads and prints it, and what it means is not known"
  }
}
