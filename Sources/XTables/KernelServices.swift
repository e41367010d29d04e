/// What the kernel starts when a rule with an extension is loaded, and would not run without.
///
/// A nat table whose rules need no connection tracking sees no packet, and fragments stay fragments until something here asks
/// for more.
public struct KernelServices: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The corresponding kernel function is `nf_ct_netns_get`; it brings reassembly with it.
  public static let conntrack: KernelServices = [KernelServices(rawValue: 1), .defragmentation]
  /// The corresponding kernel functions are `nf_defrag_ipv4_enable` and `nf_defrag_ipv6_enable`.
  public static let defragmentation = KernelServices(rawValue: 2)
  /// The corresponding kernel function is `nf_ct_set_acct`.
  public static let accounting = KernelServices(rawValue: 4)
  /// The corresponding kernel functions are `nf_synproxy_ipv4_init` and `nf_synproxy_ipv6_init`.
  public static let synproxy: KernelServices = [KernelServices(rawValue: 8), .conntrack]
}
