public import Netfilter
public import Wire
public import XTables

/// An operation at a hook. Kernel: `nf_hook_ops`.
public struct HookOperation: Sendable {
  /// The hook at which the operation runs.
  public let hook: Hook
  /// The family whose packets it sees.
  public let family: Family
  /// Operations of a hook run in ascending order of priority.
  public let priority: Int32
  /// `defrag`, `raw`, `conntrack`, `mangle`, `nat`, `filter`, `security`, `synproxy`, `confirm`.
  public let name: String
  let action: Action

  /// The operation's code.
  enum Action: BitwiseCopyable, Sendable {
    case defragment, track, synproxy, confirm
    /// The rules of the family were not given.
    case rulesMissing
    /// The table at this index among the loaded ones.
    case table(Int)
    case mangleOutput(Int)
    case translate(Int)
    /// The chain at this index among the host's other chains.
    case other(Int)
  }

  init(_ hook: Hook, _ family: Family, _ priority: Int32, _ name: String, _ action: Action) {
    self.hook = hook
    self.family = family
    self.priority = priority
    self.name = name
    self.action = action
  }
}

/// The priorities of Linux 6.x, the same for IPv4 and IPv6. Kernel: `nf_ip_hook_priorities`.
public enum HookPriority {
  /// Reassembly, `NF_IP_PRI_CONNTRACK_DEFRAG`.
  public static let defragmentation: Int32 = -400
  /// The raw table, `NF_IP_PRI_RAW`.
  public static let raw: Int32 = -300
  /// Connection tracking, `NF_IP_PRI_CONNTRACK`.
  public static let conntrack: Int32 = -200
  /// The mangle table, `NF_IP_PRI_MANGLE`.
  public static let mangle: Int32 = -150
  /// The nat table where it translates destinations, `NF_IP_PRI_NAT_DST`.
  public static let natDestination: Int32 = -100
  /// The filter table, `NF_IP_PRI_FILTER`.
  public static let filter: Int32 = 0
  /// The security table, `NF_IP_PRI_SECURITY`.
  public static let security: Int32 = 50
  /// The nat table where it translates sources, `NF_IP_PRI_NAT_SRC`.
  public static let natSource: Int32 = 100
  /// Helpers in kernels before 6.0, `NF_IP_PRI_CONNTRACK_HELPER`; since then `nf_confirm` runs them.
  public static let helper: Int32 = 300
  /// The SYN proxy, just before confirmation.
  public static let synproxy: Int32 = confirm - 1
  /// Confirmation of connections, `NF_IP_PRI_CONNTRACK_CONFIRM`.
  public static let confirm: Int32 = .max

  /// The security table of iptables-nft.
  public static let nftSecurity: Int32 = 150

  /// The priority of a table at a hook.
  ///
  /// - Parameter usesNfTables: true for the tables of iptables-nft.
  public static func of(_ table: TableName, at hook: Hook, usesNfTables: Bool = false) -> Int32 {
    switch table {
    case .security where usesNfTables: nftSecurity
    case .raw: raw
    case .mangle: mangle
    case .nat: hook == .input || hook == .postrouting ? natSource : natDestination
    case .filter: filter
    case .security: security
    }
  }
}
