import Wire
internal import Glibc

/// The kernel's modules for iptables, which a kernel that has them apart loads when it is asked to.
enum KernelModule {
  /// Loads `ip_tables` or `ip6_tables` where the kernel has no such thing yet.
  ///
  /// The corresponding C function is `xtables_load_ko`.
  /// - Parameter program: what loads modules; nothing stands for what `/proc/sys/kernel/modprobe` names.
  /// - Returns: whether it makes sense to try again.
  static func load(_ family: AddressFamily, by program: String?) -> Bool {
    let module = family == .ipv4 ? "ip_tables" : "ip6_tables"
    guard unsafe access("/proc/net/\(module)_names", F_OK) != 0 else { return false }
    let system = (try? HostFile.read("/proc/sys/kernel/modprobe")).map { String($0.prefix { $0 != "\n" }) }
    guard let loader = program ?? system, !loader.isEmpty else { return false }
    return (try? HostProcess.run(loader, [module]))?.status == 0
  }
}
