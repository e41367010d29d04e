/// The kernel services that a rule with an extension starts when it is loaded.
///
/// Without connection tracking a nat table sees no packet, and without reassembly fragments stay fragments.
public struct KernelServices: OptionSet, Sendable, Hashable {
  /// One bit for each service.
  public let rawValue: UInt8

  /// Creates a set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Connection tracking, which includes reassembly. The corresponding kernel function is `nf_ct_netns_get`.
  public static let conntrack: KernelServices = [KernelServices(rawValue: 1), .defragmentation]
  /// Reassembly of fragments. The corresponding kernel functions are `nf_defrag_ipv4_enable` and `nf_defrag_ipv6_enable`.
  public static let defragmentation = KernelServices(rawValue: 2)
  /// Counters of connections. The corresponding kernel function is `nf_ct_set_acct`.
  public static let accounting = KernelServices(rawValue: 4)
  /// SYN proxying, which includes connection tracking. The corresponding kernel functions are `nf_synproxy_ipv4_init` and
  /// `nf_synproxy_ipv6_init`.
  public static let synproxy: KernelServices = [KernelServices(rawValue: 8), .conntrack]
}
