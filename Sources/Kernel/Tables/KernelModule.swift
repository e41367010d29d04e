internal import Glibc
import Wire

/// Loads the kernel's iptables modules on request, if they are built as modules.
enum KernelModule {
  /// Loads `ip_tables` or `ip6_tables`, if the kernel does not have it yet.
  ///
  /// The corresponding C function is `xtables_load_ko`.
  /// - Parameter program: the program that loads modules; nil for the one in `/proc/sys/kernel/modprobe`.
  /// - Returns: true if a retry makes sense.
  static func load(_ family: Family, by program: String?) -> Bool {
    let module = family == .ipv4 ? "ip_tables" : "ip6_tables"
    guard unsafe access("/proc/net/\(module)_names", F_OK) != 0 else { return false }
    let system = (try? HostFile.read("/proc/sys/kernel/modprobe")).map { String($0.prefix { $0 != "\n" }) }
    guard let loader = program ?? system, !loader.isEmpty else { return false }
    return (try? HostProcess.run(loader, [module]))?.status == 0
  }
}
