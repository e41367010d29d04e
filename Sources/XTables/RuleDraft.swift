/// What is known of a rule while its options are being read.
public struct RuleDraft: Sendable {
  public let family: Family
  public var table: TableName
  /// The protocol of `-p`, 0 where none was given yet.
  public var protocolNumber: UInt8
  public var protocolInverted: Bool
  /// `-f` was given.
  public var isFragment: Bool

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

/// Where a finished rule stands, as the kernel's `checkentry` sees it.
///
/// The corresponding kernel structures are `xt_mtchk_param` and `xt_tgchk_param`.
public struct RuleSite: Sendable {
  public let family: Family
  public let table: TableName
  /// The hooks from which the rule can be reached.
  public let hooks: HookMask
  public let protocolNumber: UInt8
  public let protocolInverted: Bool
  /// The matches of the rule, which a few targets look at.
  public let matches: [ExtensionUse]

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
