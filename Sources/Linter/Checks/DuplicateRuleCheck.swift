public import Diagnostics
import XTables

/// A rule stands twice in a chain.
public enum DuplicateRuleCheck: Check {
  public static let code = "FE007"
  public static let id = "duplicate-rule"
  public static let title = "a rule stands twice in a chain"
  public static let rationale = """
    The second of two equal rules with a verdict never sees a packet, for the first has taken them all. It is \
    usually left over from a script that ran twice, or one of the two was meant to say something else. Rules with memory or \
    chance (limit, recent, statistic …) are not compared, nor are those that look at something a rule between them may have changed.
    """
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -j DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      lines: [4], fixed: "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -j DROP\nCOMMIT\n"),
    .bad("*filter\n:a - [0:0]\n-A INPUT -j a\n-A INPUT -j a\n-A a -s 10.0.0.0/8 -j DROP\nCOMMIT\n", lines: [4]),
    .good("*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 23 -j ACCEPT\nCOMMIT\n"),
    .good(
      "*mangle\n-A INPUT -m mark --mark 0x1 -j ACCEPT\n-A INPUT -p tcp -j MARK --set-mark 0x1\n-A INPUT -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      facts.table.chains.flatMap { findings(in: $0, facts.table.family, context) }
    }
  }

  private static func findings(in chain: Chain, _ family: Family, _ context: LintContext) -> [Diagnostic] {
    var firsts: [RuleKey: Int] = [:]
    var found: [Diagnostic] = []
    // How many rules up to each position may change what a later one sees.
    var changes = 0
    var changesBefore: [Int] = []
    for (position, rule) in chain.rules.enumerated() {
      changesBefore.append(changes)
      switch rule.target {
      case .use, .jump, .goto: changes += 1
      case .none, .verdict: break
      }
      guard let stability = RuleMeaning.stability(rule, family) else { continue }
      guard let first = firsts[RuleKey(rule)] else {
        firsts[RuleKey(rule)] = position
        continue
      }
      if stability == .changeable, changesBefore[position] > changesBefore[first] { continue }
      found.append(diagnostic(chain, first, position, context))
    }
    return found
  }

  private static func diagnostic(_ chain: Chain, _ first: Int, _ position: Int, _ context: LintContext) -> Diagnostic {
    let rule = chain.rules[position]
    let number = context.lineNumber(chain.rules[first].source)
    var fixes: [Diagnostic.FixIt] = []
    if case .verdict = rule.target, context.isAppendOnly, let range = rule.source.flatMap(context.wholeLine),
      !sharesLine(chain, position)
    {
      fixes = [Diagnostic.FixIt("remove the line", replace: range, with: [])]
    }
    return finding(
      "the same rule stands\(number.map { " on line \($0)" } ?? " above")", at: rule.source,
      [Diagnostic.Note("the first of the two", at: chain.rules[first].source)], fix: fixes)
  }

  /// Whether the rule's line has made another rule of the chain. A line appends its rules one behind the other.
  private static func sharesLine(_ chain: Chain, _ position: Int) -> Bool {
    [position - 1, position + 1].contains { chain.rules.indices.contains($0) && chain.rules[$0].source == chain.rules[position].source }
  }

  /// What makes two rules the same; counters and places do not.
  private struct RuleKey: Hashable {
    let header: RuleHeader
    let matches: [ExtensionUse]
    let target: RuleTarget

    init(_ rule: Rule) {
      header = rule.header
      // A comment changes nothing about a rule.
      matches = rule.matches.filter { $0.descriptor.name != "comment" }
      target = rule.target
    }
  }
}
