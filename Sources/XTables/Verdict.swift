/// A verdict that a rule or a policy can give without an extension.
///
/// The corresponding kernel values are those of a standard target: `-NF_ACCEPT - 1` and so on, and `XT_RETURN`.
public enum StandardVerdict: String, Sendable, CaseIterable, Hashable {
  case accept = "ACCEPT"
  case drop = "DROP"
  case queue = "QUEUE"
  case `return` = "RETURN"

  /// What stands in `xt_standard_target.verdict`.
  public var code: Int32 {
    switch self {
    case .drop: -1
    case .accept: -2
    case .queue: -4
    case .return: -5
    }
  }

  public init?(code: Int32) {
    guard let verdict = StandardVerdict.allCases.first(where: { $0.code == code }) else { return nil }
    self = verdict
  }
}
