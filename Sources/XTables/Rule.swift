public import Diagnostics

/// One rule, typed. Its matches and target hold the kernel's own structures.
public struct Rule: Sendable, Hashable {
  public var header: RuleHeader
  public var matches: [ExtensionUse]
  public var target: RuleTarget
  public var counters: Counters
  /// Where the rule was written; nothing for one read from a kernel or a blob.
  public var source: SourceRange?

  public init(
    header: RuleHeader = RuleHeader(), matches: [ExtensionUse] = [], target: RuleTarget = .none,
    counters: Counters = .zero, source: SourceRange? = nil
  ) {
    self.header = header
    self.matches = matches
    self.target = target
    self.counters = counters
    self.source = source
  }

  /// Whether two rules test and do the same, whatever they have counted and wherever they stand.
  public func isSame(as other: Rule) -> Bool {
    header == other.header && matches == other.matches && target == other.target
  }

  public func site(in table: TableName, _ family: Family, hooks: HookMask) -> RuleSite {
    RuleSite(
      family: family, table: table, hooks: hooks, protocolNumber: header.protocolNumber,
      protocolInverted: header.inverted.contains(.protocol), matches: matches)
  }
}
