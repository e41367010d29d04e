import Analysis
public import Diagnostics
import Wire
import XTables

/// Finds equal rules in a chain.
public enum DuplicateRuleCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE007"
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "duplicate-rule"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "a chain contains the same rule twice"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    If a chain contains two equal rules with a verdict, the second never matches: every packet that it would match has already \
    matched the first. Usually a script ran twice, or one of the two rules has a typing mistake. Rules that depend on state or \
    randomness (limit, recent, statistic …) are not compared. Two rules are also not compared if a rule between them may change \
    what they test: a mark after MARK, a TCP option after TCPMSS, an address after SNPT.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -j DROP\n↓-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n",
      says: ["this rule is equal to the rule on line 2"],
      fixed: "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -j DROP\nCOMMIT\n"),
    .bad(
      "*filter\n:a - [0:0]\n-A INPUT -j a\n↓-A INPUT -j a\n-A a -s 10.0.0.0/8 -j DROP\nCOMMIT\n",
      says: ["this rule is equal to the rule on line 3"]),
    .good("*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 23 -j ACCEPT\nCOMMIT\n"),
    .good(
      "*mangle\n-A INPUT -m mark --mark 0x1 -j ACCEPT\n-A INPUT -p tcp -j MARK --set-mark 0x1\n-A INPUT -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n"
    ),
    .bad(
      "*mangle\n-A INPUT -m mark --mark 0x1 -j ACCEPT\n-A INPUT -p tcp -j TOS --set-tos 0x10\n↓-A INPUT -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n",
      says: ["this rule is equal to the rule on line 2"],
      fixed: "*mangle\n-A INPUT -m mark --mark 0x1 -j ACCEPT\n-A INPUT -p tcp -j TOS --set-tos 0x10\nCOMMIT\n"),
    .good(
      "*mangle\n:a - [0:0]\n-A FORWARD -p tcp -m tcpmss --mss 1400:65495 -j DROP\n-A FORWARD -j a\n"
        + "-A FORWARD -p tcp -m tcpmss --mss 1400:65495 -j DROP\n-A a -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1450\nCOMMIT\n"
    ),
  ]

  /// Reports each rule equal to an earlier rule of its chain, if no rule in between can change what it tests.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts in
      let writes = TableWrites(facts.table)
      return facts.table.chains.flatMap { findings(in: $0, facts.table.family, writes, context) }
    }
  }

  private static func findings(
    in chain: Chain, _ family: Family, _ writes: TableWrites, _ context: LintContext
  ) -> [Diagnostic] {
    var firsts = FirstRules()
    var found: [Diagnostic] = []
    var last = LastWrites()
    for (position, rule) in chain.rules.enumerated() {
      defer { last.note(writes.writes(of: rule), at: position) }
      guard let first = firsts.enter(position, of: chain.rules) else { continue }
      let condition = rule.condition(family)
      guard condition.isDecidable else { continue }
      if condition.fields.contains(where: { last.mayHaveChanged($0, since: first) }) { continue }
      var diagnostic = diagnostic(chain, first, position, context)
      // The packet follows for findings that are shown; see ``ReachWitnesses``.
      diagnostic.evidence = Diagnostic.Evidence(witness: nil, blockers: [chain.rules[first].source].compactMap { $0 })
      found.append(diagnostic)
    }
    return found
  }

  /// The last rule that may have written each field.
  private struct LastWrites {
    private var positions: [Field: Int] = [:]
    /// The last rule that may have written any field.
    private var anything = -1

    mutating func note(_ writes: FieldWrites, at position: Int) {
      for field in writes.fields { positions[field] = position }
      if writes.isAnything { anything = position }
    }

    /// True if a rule from `first` on may have changed a field.
    func mayHaveChanged(_ field: Field, since first: Int) -> Bool {
      !field.isSteady || anything >= first || positions.contains { $0.value >= first && field.isChanged(byWriting: $0.key) }
    }
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
      "this rule is equal to the rule \(number.map { "on line \($0)" } ?? "above")", at: rule.source,
      [Diagnostic.Note("the first rule is here", at: chain.rules[first].source)], fix: fixes)
  }

  /// True if the rule's line also created another rule of the chain. Rules of one line are adjacent.
  private static func sharesLine(_ chain: Chain, _ position: Int) -> Bool {
    [position - 1, position + 1].contains { chain.rules.indices.contains($0) && chain.rules[$0].source == chain.rules[position].source }
  }

  /// The first of each group of equal rules, by hash: a copy of each rule as a key would take hundreds of megabytes for a million rules.
  private struct FirstRules {
    private var positions: [Int: Int32] = [:]
    /// Further rules whose hash an unequal one has.
    private var others: [Int: [Int32]] = [:]

    /// Returns the position of an earlier rule that equals the one at a position; nil if it is the first.
    mutating func enter(_ position: Int, of rules: [Rule]) -> Int? {
      let hash = Self.hash(rules[position])
      guard let first = positions[hash] else {
        positions[hash] = Int32(position)
        return nil
      }
      for candidate in [first] + (others[hash] ?? []) where Self.areEqual(rules[Int(candidate)], rules[position]) { return Int(candidate) }
      others[hash, default: []].append(Int32(position))
      return nil
    }

    private static func hash(_ rule: Rule) -> Int {
      var hasher = Hasher()
      hasher.combine(rule.header)
      for use in meaningful(rule) { hasher.combine(use) }
      hasher.combine(rule.target)
      return hasher.finalize()
    }

    /// Counters and source positions do not count.
    private static func areEqual(_ one: Rule, _ other: Rule) -> Bool {
      one.header == other.header && one.target == other.target && meaningful(one).elementsEqual(meaningful(other))
    }

    /// The matches without remarks, which do not change the meaning of a rule.
    private static func meaningful(_ rule: Rule) -> some Sequence<ExtensionUse> {
      rule.matches.lazy.filter { !$0.descriptor.traits.contains(.remark) }
    }
  }
}
