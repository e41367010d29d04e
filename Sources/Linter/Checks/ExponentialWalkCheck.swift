import Compiler
public import Diagnostics
import XTables

/// Finds chains whose jumps multiply so that one packet can keep the kernel busy for seconds.
public enum ExponentialWalkCheck: Check {
  /// The stable code; see ``Check/code``.
  public static let code = "FE018"
  /// The group under which it is listed; see ``Check/group``.
  public static let group = CheckGroup.cost
  /// The id of its diagnostics; see ``Check/id``.
  public static let id = "exponential-walk"
  /// The finding in a few words; see ``Check/title``.
  public static let title = "one packet can pass more than a million rules"
  /// Why it matters and what to do, as `ferrule explain` prints it.
  public static let rationale = """
    If a chain jumps twice to a second chain, which jumps twice to a third, and so on, each level doubles the number of rules that \
    a packet passes. With 25 such chains, one packet keeps a processor busy for a second; the kernel has no limit. Anyone who can \
    send packets can then stop the machine. The number in the finding is for a packet that matches every jump and no final verdict. \
    Jump to each chain from one place only, or end the chain with a verdict, so that packets do not return from it.
    """
  /// Rulesets with and without a finding; the tests run the check on each.
  public static let examples: [CheckExample] = [
    .bad(
      tower(levels: 20, "-j", mark: "↓"),
      says: ["one packet can pass 2621439 rules and chain ends in FORWARD: its chains jump more than once to the same chains"]),
    .bad(
      tower(levels: 13, "-j", jumps: 3, mark: "↓"),
      says: ["one packet can pass 2125764 rules and chain ends in FORWARD: its chains jump more than once to the same chains"]),
    .good(tower(levels: 10, "-j")),
    // A packet does not return from a goto.
    .good(tower(levels: 20, "-g")),
  ]

  /// The number of entries (rules, policies, chain ends) that one packet may traverse without a finding.
  private static let most: UInt64 = 1_000_000
  /// The number of times that it may traverse each entry on average: a table with a million rules is long, but each is traversed once.
  private static let mostRounds: UInt64 = 16

  /// Reports each built-in chain from which one packet can traverse too many entries.
  public static func findings(in context: LintContext) -> [Diagnostic] {
    context.tables.flatMap { facts -> [Diagnostic] in
      // A table with a loop is reported by another check, and its traversal is endless.
      guard facts.reach.loop == nil else { return [] }
      let lengths = LongestWalk(facts).lengths
      let table = facts.table
      let entries = table.chains.reduce(0) { $0 + UInt64($1.rules.count) + 1 }
      return table.chains.indices.compactMap { index in
        guard table.chains[index].isBuiltin, let length = lengths[index], length > max(most, mostRounds * entries) else { return nil }
        let heaviest = table.chains[index].rules.prefix(facts.reach.walked[index]).max { weight($0) < weight($1) }
        func weight(_ rule: Rule) -> UInt64 { rule.target.chain.flatMap { table.index(of: $0) }.flatMap { lengths[$0] } ?? 0 }
        let count = length == .max ? "more than 10^19" : "\(length)"
        return finding(
          "one packet can pass \(count) rules and chain ends in \(table.chains[index].name): its chains jump more than once to the same chains",
          at: heaviest?.source ?? table.chains[index].source)
      }
    }
  }

  /// A ruleset with one chain per level, each with `jumps` jumps to the next, and a mark before the rule that leads in.
  private static func tower(levels: Int, _ option: String, jumps: Int = 2, mark: String = "") -> String {
    let names = (0..<levels).map { ":c\($0) - [0:0]\n" }.joined()
    let rules = (1..<levels).map { level in
      (1...jumps).map { "-A c\(level - 1) -p tcp --dport 1:\($0 + level * jumps) \(option) c\(level)\n" }.joined()
    }.joined()
    return "*filter\n" + names + mark + "-A FORWARD -j c0\n" + rules + "-A c\(levels - 1) -p udp -j ACCEPT\nCOMMIT\n"
  }
}

/// The maximum number of entries that one packet can traverse from the start of each chain.
private struct LongestWalk {
  /// The numbers, indexed by chain; nil for chains that no hook reaches. `.max` means that number or more.
  private(set) var lengths: [UInt64?]
  private let facts: TableFacts

  init(_ facts: TableFacts) {
    self.facts = facts
    let chains = facts.table.chains
    lengths = [UInt64?](repeating: nil, count: chains.count)
    // Depth-first without recursion: a ruleset may nest as deep as it has chains. A chain is measured after the chains it jumps to.
    for start in chains.indices where chains[start].isBuiltin {
      var stack = [(chain: start, next: 0)]
      while let top = stack.last {
        let rules = chains[top.chain].rules
        guard lengths[top.chain] == nil, top.next < facts.reach.walked[top.chain] else {
          if lengths[top.chain] == nil { lengths[top.chain] = length(of: top.chain) }
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        if let next = rules[top.next].target.chain.flatMap({ facts.table.index(of: $0) }), lengths[next] == nil { stack.append((next, 0)) }
      }
    }
  }

  /// A packet continues after a jump returns. It does not return from a goto. A verdict ends the traversal.
  private func length(of chain: Int) -> UInt64 {
    var passed: UInt64 = 0
    var longest: UInt64 = 0
    for rule in facts.table.chains[chain].rules.prefix(facts.reach.walked[chain]) {
      let met = Self.sum(passed, 1)
      let beyond = Self.sum(met, rule.target.chain.flatMap { facts.table.index(of: $0) }.flatMap { lengths[$0] } ?? 0)
      switch rule.target {
      case .jump: passed = beyond
      case .goto: longest = max(longest, beyond)
      case .none, .verdict, .use: passed = met
      }
    }
    return max(longest, Self.sum(passed, 1))
  }

  private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (sum, isOver) = a.addingReportingOverflow(b)
    return isOver ? .max : sum
  }
}
