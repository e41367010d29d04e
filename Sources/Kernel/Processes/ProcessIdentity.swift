internal import Glibc

/// The privileges of this process.
public enum ProcessIdentity {
  /// True if the program file is set-user-ID and another user started it.
  public static var isSetUserID: Bool { getuid() != geteuid() }
}
