internal import Glibc

/// A system program that reports kernel state, run with minimal rights.
///
/// This is the only place where Ferrule starts a system program, to collect a snapshot or `--this-host`. The arguments are constants in
/// Ferrule's source; no input file contributes to them. The program is searched in the system's folders, gets a fixed environment, and
/// cannot write files (`ferrule_spawn_confined`).
public enum SystemTool: String, Sendable, CaseIterable {
  case ip, ipset

  private static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
  private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

  /// Runs the program to its end.
  ///
  /// - Throws: `KernelError` if the program is not installed or cannot be started.
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
