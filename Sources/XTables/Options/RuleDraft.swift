public import Wire

/// What is known of a rule while its options are read.
public struct RuleDraft: Sendable {
  /// The family of the rule.
  public let family: Family
  /// The table of the rule.
  public var table: TableName
  /// The protocol of `-p`; 0 if none was given yet.
  public var protocolNumber: UInt8
  /// Whether the protocol is inverted (`! -p`).
  public var protocolInverted: Bool
  /// Whether `-f` was given.
  public var isFragment: Bool

  /// Creates a draft; by default of a rule without options in the filter table.
  public init(
    family: Family, table: TableName = .filter, protocolNumber: UInt8 = 0,
    protocolInverted: Bool = false, isFragment: Bool = false
  ) {
    self.family = family
    self.table = table
    self.protocolNumber = protocolNumber
    self.protocolInverted = protocolInverted
    self.isFragment = isFragment
  }
}

/// The place and header of a finished rule, as the kernel's `checkentry` sees them.
///
/// The corresponding kernel structures are `xt_mtchk_param` and `xt_tgchk_param`.
public struct RuleSite: Sendable {
  /// The family of the rule.
  public let family: Family
  /// The table of the rule.
  public let table: TableName
  /// The hooks from which the rule can be reached.
  public let hooks: HookMask
  /// The protocol of `-p`; 0 if there is none.
  public let protocolNumber: UInt8
  /// Whether the protocol is inverted (`! -p`).
  public let protocolInverted: Bool
  /// The matches of the rule, which some targets check.
  public let matches: [ExtensionUse]

  /// Creates a site.
  public init(
    family: Family, table: TableName, hooks: HookMask, protocolNumber: UInt8 = 0, protocolInverted: Bool = false,
    matches: [ExtensionUse] = []
  ) {
    self.family = family
    self.table = table
    self.hooks = hooks
    self.protocolNumber = protocolNumber
    self.protocolInverted = protocolInverted
    self.matches = matches
  }
}
