public import Conntrack
public import Wire
public import XTables

/// One operation at one hook. Kernel: `nf_hook_ops`.
public struct HookOperation: Sendable {
  public let hook: Hook
  public let family: AddressFamily
  /// Operations of a hook run in rising order.
  public let priority: Int32
  /// `defrag`, `raw`, `conntrack`, `mangle`, `nat`, `filter`, `security`, `synproxy`, `confirm`.
  public let name: String
  let action: Action

  /// What runs.
  enum Action: BitwiseCopyable, Sendable {
    case defragment, track, synproxy, confirm
    /// The table of this number among the loaded ones.
    case table(Int)
    case mangleOutput(Int)
    case translate(Int)
  }

  init(_ hook: Hook, _ family: AddressFamily, _ priority: Int32, _ name: String, _ action: Action) {
    self.hook = hook
    self.family = family
    self.priority = priority
    self.name = name
    self.action = action
  }
}

/// The priorities of Linux 6.x; IPv4 and IPv6 agree in them. Kernel: `nf_ip_hook_priorities`.
public enum HookPriority {
  public static let defragmentation: Int32 = -400
  public static let raw: Int32 = -300
  public static let conntrack: Int32 = -200
  public static let mangle: Int32 = -150
  public static let natDestination: Int32 = -100
  public static let filter: Int32 = 0
  public static let security: Int32 = 50
  public static let natSource: Int32 = 100
  /// Older kernels had an operation for helpers here; since 6.0 `nf_confirm` does both.
  public static let helper: Int32 = 300
  public static let synproxy: Int32 = confirm - 1
  public static let confirm: Int32 = .max

  /// Where a table stands at a hook.
  public static func of(_ table: TableName, at hook: Hook) -> Int32 {
    switch table {
    case .raw: raw
    case .mangle: mangle
    case .nat: hook == .input || hook == .postrouting ? natSource : natDestination
    case .filter: filter
    case .security: security
    }
  }
}
