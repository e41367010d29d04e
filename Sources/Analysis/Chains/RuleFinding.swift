/// A rule by the indices of its chain in the table and of the rule in the chain.
public struct RulePosition: Sendable, Hashable, Comparable {
  /// The index of the chain.
  public let chain: Int
  /// The index of the rule.
  public let rule: Int

  /// Creates a place.
  public init(chain: Int, rule: Int) {
    self.chain = chain
    self.rule = rule
  }

  /// Compares chains, then rules.
  public static func < (left: RulePosition, right: RulePosition) -> Bool { (left.chain, left.rule) < (right.chain, right.rule) }
}

/// What is proved of a rule that matches no packet, or whose absence no packet would notice.
public struct RuleFinding: Sendable {
  /// Why the rule has no effect.
  public enum Reason: Sendable, Hashable {
    /// Its tests exclude each other.
    case contradictory
    /// No packet at the hooks that lead to the chain, or in the table, meets its tests.
    case impossibleAtHooks
    /// The rules that lead to the chain let no packet in that it matches.
    case notLetIn
    /// Earlier rules of the chain take every packet that it matches.
    case shadowed
    /// Earlier rules of the chain change what it tests for, so that no packet has it any more.
    case rewritten
    /// No packet reaches the rule and the given number of rules after it, whatever they match.
    case unreached(behind: Int)
    /// Packets that it matches get the same verdict from later rules.
    case redundant
    /// The same, and a match with chance or state decides which packets it matches.
    case idleMatch
  }

  /// The rule.
  public let place: RulePosition
  /// Why the rule has no effect.
  public let reason: Reason
  /// Rules that decide about its packets instead, none of which can be left out; empty if no rule does.
  public let blockers: [RulePosition]
}
