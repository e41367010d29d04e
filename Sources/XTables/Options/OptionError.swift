public import Diagnostics

/// Why an option, a match or a target is refused. The message is the one of iptables if it has one.
public struct OptionError: Error, Sendable {
  /// The stable identifier of the diagnostic, such as `bad-value`; an argument of `ferrule explain`.
  public let id: String
  /// The message.
  public let message: String
  /// The place of the faulty argument; nil for the option or rule as a whole.
  public let range: SourceRange?
  /// What to do instead.
  public let hint: String?
  /// The exit status of iptables: 2 for what user space refuses, 1 for what the kernel's `checkentry` refuses.
  public let legacyStatus: LegacyStatus

  /// Creates an error.
  public init(
    _ id: String, _ message: String, at range: SourceRange? = nil, hint: String? = nil,
    legacyStatus: LegacyStatus = .parameterProblem
  ) {
    self.id = id
    self.message = message
    self.range = range
    self.hint = hint
    self.legacyStatus = legacyStatus
  }

  /// The id of the error for a host name without addresses, such as any where names are not resolved.
  public static let unresolvedHost = "unresolved-host"

  /// The same error at a place.
  public func placed(at range: SourceRange) -> OptionError {
    OptionError(id, message, at: range, hint: hint, legacyStatus: legacyStatus)
  }

  /// The error for an option that was given a second time.
  public static func repeated(_ option: String, of owner: String, at range: SourceRange) -> OptionError {
    OptionError("repeated-option", "\(owner): option \"\(option)\" can only be used once.\n", at: range)
  }

  /// The error for a use that the kernel's `checkentry` refuses with EINVAL.
  public static func kernel(_ message: String, hint: String? = nil) -> OptionError {
    OptionError("kernel-refuses", message, hint: hint, legacyStatus: .otherProblem)
  }
}
