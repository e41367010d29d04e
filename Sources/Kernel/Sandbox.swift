internal import CLinux
internal import Glibc

/// A throwaway network namespace for the whole process, in a user namespace of its own where the process is not root: inside it
/// may change tables that nobody else sees. It goes with the process.
public enum Sandbox {
  /// How it was entered.
  public enum Kind: Sendable, Equatable {
    /// As root, a network namespace only.
    case network
    /// User and network: `-m owner` and some others are refused by the kernel there.
    case userAndNetwork
  }

  /// Threads that this process runs.
  static var threadCount: Int {
    guard let status = try? HostFile.read("/proc/self/status"),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Threads:") })
    else { return 0 }
    return Int(line.dropFirst(8).filter(\.isNumber)) ?? 0
  }

  /// Whether this process is in a user namespace of somebody's own, where the kernel refuses some extensions.
  package static var isUserNamespace: Bool {
    guard let map = try? HostFile.read("/proc/self/uid_map") else { return false }
    return map.split { $0 == " " || $0 == "\n" } != ["0", "0", "4294967295"]
  }

  /// Enters one. It must be the first thing a process does: the kernel gives a user namespace only to a process of one thread.
  @discardableResult
  public static func enter() throws(KernelError) -> Kind {
    guard threadCount <= 1 else {
      throw KernelError(.malformed("a sandbox can be entered only while the process has one thread"))
    }
    if geteuid() == 0, ferrule_unshare(Int32(FERRULE_NEW_NETWORK)) == 0 { return .network }
    let (user, group) = (geteuid(), getegid())
    guard ferrule_unshare(Int32(FERRULE_NEW_USER | FERRULE_NEW_NETWORK)) == 0 else { throw .call("unshare(CLONE_NEWUSER | CLONE_NEWNET)") }
    // Group maps are taken only from processes that have given up setgroups(2).
    try HostFile.write("deny", to: "/proc/self/setgroups")
    try HostFile.write("0 \(user) 1", to: "/proc/self/uid_map")
    try HostFile.write("0 \(group) 1", to: "/proc/self/gid_map")
    return .userAndNetwork
  }
}
