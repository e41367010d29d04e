/// The groups of checks, in the order in which `ferrule explain` lists them.
public enum CheckGroup: String, Sendable, CaseIterable {
  /// Names, numbers and words that are read otherwise than meant.
  case text
  /// Rules and chains without effect.
  case rules
  /// What the kernel refuses or ignores.
  case kernel
  /// Connection tracking.
  case state
  /// Address translation.
  case nat
  /// What strangers reach, and what is blocked although it is needed.
  case safety
  /// What other versions of iptables and other kernels do not have.
  case portability
  /// Work that the kernel does for nothing.
  case cost

  /// The group in a few words.
  public var title: String {
    switch self {
    case .text: "text that is read otherwise than meant"
    case .rules: "rules and chains without effect"
    case .kernel: "what the kernel refuses or ignores"
    case .state: "connection tracking"
    case .nat: "address translation"
    case .safety: "what strangers reach, and what must not be blocked"
    case .portability: "other versions and other kernels"
    case .cost: "work for nothing"
    }
  }
}
