public import Diagnostics
public import Wire

/// One rule. Its matches and target hold the kernel's own structures.
public struct Rule: Sendable, Hashable {
  /// Addresses, interfaces, protocol and fragment flag.
  public var header: RuleHeader
  /// The matches in the order of evaluation.
  public var matches: [ExtensionUse]
  /// What the rule does with packets that it matches.
  public var target: RuleTarget
  /// The packets and bytes that the rule has counted.
  public var counters: Counters
  /// The place of the rule in its file; nil for one from a kernel or a blob.
  public var source: SourceRange?

  /// Creates a rule; by default one that matches every packet and only counts.
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

  /// Whether two rules have the same header, matches and target. Counters and places are ignored.
  public func isSame(as other: Rule) -> Bool {
    header == other.header && matches == other.matches && target == other.target
  }

  /// The rule's place for the checks of the kernel's `checkentry`.
  ///
  /// - Parameter hooks: the hooks from which the rule can be reached.
  public func site(in table: TableName, _ family: Family, hooks: HookMask) -> RuleSite {
    RuleSite(
      family: family, table: table, hooks: hooks, protocolNumber: header.protocolNumber,
      protocolInverted: header.inverted.contains(.protocol), matches: matches)
  }
}
