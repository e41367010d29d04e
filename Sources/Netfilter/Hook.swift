/// The five netfilter hooks of the IP layers.
///
/// The corresponding kernel enumeration is `nf_inet_hooks`.
public enum Hook: Int, Sendable, CaseIterable, Hashable, Comparable {
  case prerouting = 0
  case input = 1
  case forward = 2
  case output = 3
  case postrouting = 4

  /// The name of the built-in chain at this hook.
  public var name: String {
    switch self {
    case .prerouting: "PREROUTING"
    case .input: "INPUT"
    case .forward: "FORWARD"
    case .output: "OUTPUT"
    case .postrouting: "POSTROUTING"
    }
  }

  /// Creates a hook from the name of its built-in chain; nil for other names.
  public init?(name: some StringProtocol) {
    guard let hook = Hook.allCases.first(where: { $0.name == name }) else { return nil }
    self = hook
  }

  /// Compares the kernel's numbers.
  public static func < (left: Hook, right: Hook) -> Bool { left.rawValue < right.rawValue }
}
