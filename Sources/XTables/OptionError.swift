public import Diagnostics

/// Why an option, a match or a target could not be taken, in iptables' own words.
public struct OptionError: Error, Sendable {
  public let id: String
  public let message: String
  /// The argument at fault; nothing where the option as a whole is.
  public let range: SourceRange?
  /// What to do instead.
  public let hint: String?
  /// What iptables leaves with: 2 for what user space refuses, 1 for what the kernel's `checkentry` refuses.
  public let legacyStatus: LegacyStatus

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

  /// The same complaint at a place.
  public func placed(at range: SourceRange) -> OptionError {
    OptionError(id, message, at: range, hint: hint, legacyStatus: legacyStatus)
  }

  /// An option was given a second time.
  public static func repeated(_ option: String, of owner: String, at range: SourceRange) -> OptionError {
    OptionError("repeated-option", "\(owner): option \"\(option)\" can only be used once.\n", at: range)
  }

  /// The kernel's `checkentry` would answer EINVAL.
  public static func kernel(_ message: String, hint: String? = nil) -> OptionError {
    OptionError("kernel-refuses", message, hint: hint, legacyStatus: .otherProblem)
  }
}
