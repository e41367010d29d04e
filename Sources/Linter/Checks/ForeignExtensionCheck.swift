public import Diagnostics
import XTables

/// Finds matches and targets whose meaning is unknown.
public enum ForeignExtensionCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE016"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.kernel
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "foreign-extension"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "Ferrule does not know the meaning of a match or target"
  /// A note: the ruleset may be correct.
  public static let severity = Severity.note
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    Ferrule has no implementation of this match or target. Its options are read and printed by its libxtables extension, or the \
    rule contains the bytes of its structure; so the rule can be formatted, compiled and applied. Only the kernel module knows what \
    it does: in a dry run, a packet that reaches the rule has the verdict unknown, and the checks draw no conclusions from the rule.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n↓-A INPUT -m geoip --ferrule-bytes 0:0102030405060708 -j DROP\nCOMMIT\n",
      says: ["`-m geoip' is written as bytes: no extension can read them, so their meaning is unknown"]),
    .bad(
      "*filter\n↓-A INPUT -p tcp -j TARPIT --ferrule-bytes 0:0000000000000000\nCOMMIT\n",
      says: ["`-j TARPIT' is written as bytes: no extension can read them, so their meaning is unknown"]),
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
      ? "\(name) is written as bytes: no extension can read them, so their meaning is unknown"
      : "\(name) is a foreign extension: libxtables reads and prints it, but Ferrule does not know its meaning"
  }
}
