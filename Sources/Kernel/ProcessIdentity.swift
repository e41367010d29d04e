internal import Glibc

/// Whose rights this process has.
public enum ProcessIdentity {
  /// The program file gives the process the rights of its owner, who is not the one that started it.
  public static var isSetUserID: Bool { getuid() != geteuid() }
}
