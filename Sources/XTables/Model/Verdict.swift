/// A verdict of a rule or policy that needs no extension.
///
/// The corresponding kernel values are those of a standard target: `-NF_ACCEPT - 1` and so on, and `XT_RETURN`.
public enum StandardVerdict: String, Sendable, CaseIterable, Hashable {
  /// The packet leaves the table and proceeds (`NF_ACCEPT`).
  case accept = "ACCEPT"
  /// The packet is dropped (`NF_DROP`).
  case drop = "DROP"
  /// The packet is passed to user space by queue 0 (`NF_QUEUE`).
  case queue = "QUEUE"
  /// The packet returns to the calling chain; at the end of a built-in chain the policy applies (`XT_RETURN`).
  case `return` = "RETURN"

  /// The value of `xt_standard_target.verdict`.
  public var code: Int32 {
    switch self {
    case .drop: -1
    case .accept: -2
    case .queue: -4
    case .return: -5
    }
  }

  /// The verdict with a name given as bytes; nil if there is none. Compares the bytes as one number, without making a string.
  public init?(bytes: ArraySlice<UInt8>) {
    guard bytes.count <= 6 else { return nil }
    switch bytes.reduce(0, { $0 << 8 | UInt64($1) }) {
    case 0x41_43_43_45_50_54: self = .accept
    case 0x44_52_4f_50: self = .drop
    case 0x51_55_45_55_45: self = .queue
    case 0x52_45_54_55_52_4e: self = .return
    default: return nil
    }
  }

  /// The verdict with a value of `xt_standard_target.verdict`; nil if there is none.
  public init?(code: Int32) {
    guard let verdict = StandardVerdict.allCases.first(where: { $0.code == code }) else { return nil }
    self = verdict
  }
}
