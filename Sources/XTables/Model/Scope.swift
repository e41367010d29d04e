import Diagnostics
import Netfilter

/// The tables, hooks and protocols in which the kernel accepts an extension.
///
/// The corresponding kernel functions are `xt_check_match` and `xt_check_target`, which check the fields `table`, `hooks` and
/// `proto` of `xt_match` and `xt_target`.
public struct Scope: Sendable {
  /// The permitted tables; nil for all.
  public let tables: [TableName]?
  /// The hooks from which the rule may be reached; nil for all.
  public let hooks: HookMask?
  /// One of these must be the rule's protocol (`-p`, not inverted); nil for any protocol.
  public let protocols: [UInt8]?

  /// Creates a scope; by default one without limits.
  public init(tables: [TableName]? = nil, hooks: HookMask? = nil, protocols: [UInt8]? = nil) {
    self.tables = tables
    self.hooks = hooks
    self.protocols = protocols
  }

  /// All tables, hooks and protocols.
  public static let anywhere = Scope()

  /// The error with which the kernel refuses the extension at a site; nil if it accepts it.
  public func objection(to name: String, at site: RuleSite) -> OptionError? {
    if let tables, !tables.contains(site.table) {
      let allowed = tables.map(\.rawValue).joined(separator: ", ")
      return OptionError(
        "wrong-table", "\(name): only valid in the \(allowed) table, not in \(site.table.rawValue)",
        hint: "move the rule to \(allowed)", legacyStatus: .otherProblem)
    }
    if let hooks, !site.hooks.subtracting(hooks).isEmpty {
      let wrong = site.hooks.subtracting(hooks).hooks.map(\.name).joined(separator: ", ")
      let right = hooks.hooks.map(\.name).joined(separator: ", ")
      return OptionError(
        "wrong-hook", "\(name): cannot be used from \(wrong)", hint: "it is valid from \(right) only",
        legacyStatus: .otherProblem)
    }
    if let protocols, site.protocolInverted || !protocols.contains(site.protocolNumber) {
      let wanted = protocols.map { BuiltinProtocol.savedName($0) ?? String($0) }.joined(separator: " or ")
      return OptionError(
        "wrong-protocol", "\(name): only valid for protocol \(wanted)",
        hint: "put -p \(wanted.split(separator: " ")[0]) before it", legacyStatus: .otherProblem)
    }
    return nil
  }
}
