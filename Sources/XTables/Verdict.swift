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

  /// The verdict of a word, told apart without making a string of it.
  public init?(bytes: ArraySlice<UInt8>) {
    switch bytes.first {
    case UInt8(ascii: "A") where bytes.elementsEqual("ACCEPT".utf8): self = .accept
    case UInt8(ascii: "D") where bytes.elementsEqual("DROP".utf8): self = .drop
    case UInt8(ascii: "Q") where bytes.elementsEqual("QUEUE".utf8): self = .queue
    case UInt8(ascii: "R") where bytes.elementsEqual("RETURN".utf8): self = .return
    default: return nil
    }
  }

  public init?(code: Int32) {
    guard let verdict = StandardVerdict.allCases.first(where: { $0.code == code }) else { return nil }
    self = verdict
  }
}
