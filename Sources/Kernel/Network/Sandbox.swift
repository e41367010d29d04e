internal import CLinux
internal import Glibc

/// A temporary network namespace for the whole process, inside a user namespace if the process is not root. The process may change tables
/// there that no other process sees. The namespace ends with the process.
public enum Sandbox {
  /// How the sandbox was entered.
  public enum Kind: Sendable, Equatable {
    /// As root: a network namespace only.
    case network
    /// A user and a network namespace. The kernel refuses `-m owner` and some other extensions there.
    case userAndNetwork
  }

  /// The number of threads of this process.
  static var threadCount: Int {
    guard let status = try? HostFile.read("/proc/self/status"),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Threads:") })
    else { return 0 }
    return Int(line.dropFirst(8).filter(\.isNumber)) ?? 0
  }

  /// True if this process is in a user namespace other than the initial one, where the kernel refuses some extensions.
  package static var isUserNamespace: Bool {
    guard let map = try? HostFile.read("/proc/self/uid_map") else { return false }
    return map.split { $0 == " " || $0 == "\n" } != ["0", "0", "4294967295"]
  }

  /// Enters a sandbox. Call it before any thread is started: the kernel creates a user namespace only for a single-threaded process.
  ///
  /// - Throws: `KernelError` if the process has other threads or the kernel forbids namespaces.
  @discardableResult
  public static func enter() throws(KernelError) -> Kind {
    guard threadCount <= 1 else {
      throw KernelError(.malformed("a sandbox can be entered only while the process has one thread"))
    }
    if geteuid() == 0, ferrule_unshare(Int32(FERRULE_NEW_NETWORK)) == 0 { return .network }
    let (user, group) = (geteuid(), getegid())
    guard ferrule_unshare(Int32(FERRULE_NEW_USER | FERRULE_NEW_NETWORK)) == 0 else { throw .call("unshare(CLONE_NEWUSER | CLONE_NEWNET)") }
    // The kernel accepts group maps only from processes that have disabled setgroups(2).
    try HostFile.write("deny", to: "/proc/self/setgroups")
    try HostFile.write("0 \(user) 1", to: "/proc/self/uid_map")
    try HostFile.write("0 \(group) 1", to: "/proc/self/gid_map")
    return .userAndNetwork
  }
}
