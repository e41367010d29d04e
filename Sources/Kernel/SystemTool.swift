internal import Glibc

/// A program of the system that answers questions about the kernel, run with no more rights than that takes.
///
/// This is the one place where Ferrule starts a program of the system to gather what a snapshot or `--this-host` needs. Its arguments are
/// written in Ferrule's source; nothing of a file is among them. The program is looked for in the system's own folders, gets a fixed
/// environment, and can write no file (`ferrule_spawn_confined`).
public enum SystemTool: String, Sendable, CaseIterable {
  case ip, ipset

  private static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
  private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

  /// - Throws: `KernelError` where the program is not installed or cannot be started.
  public func run(_ arguments: [String]) throws(KernelError) -> HostProcess {
    let places = SystemTool.folders.map { "\($0)/\(rawValue)" }
    guard let path = places.first(where: { unsafe access($0, X_OK) == 0 }) else {
      throw KernelError(.malformed("there is no \(rawValue) in \(SystemTool.folders.joined(separator: ", "))"))
    }
    return try HostProcess.run(input: "") { source, sink throws(KernelError) in
      try HostProcess.spawnConfined(
        path, arguments, variables: SystemTool.environment, input: source, output: sink, errors: sink, hidesFiles: true)
    }
  }
}
