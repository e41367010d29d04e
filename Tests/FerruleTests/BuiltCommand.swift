import Foundation
import Kernel

/// The `ferrule` that was built beside these tests.
enum BuiltCommand {
  static let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
  static let root = ArchitectureTests.root

  struct Outcome {
    let status: Int32
    /// Standard output and standard error, in the order they came.
    let text: String
  }

  /// Runs a line of shell with `ferrule` in the path.
  static func shell(_ line: String, in directory: URL = root) throws -> Outcome {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let lock = FileManager.default.temporaryDirectory.appending(path: "ferrule-tests-\(getpid()).lock").path
    let process = try HostProcess.run(
      "/bin/sh", ["-c", line], environment: ["PATH=\(folder.path):\(path)", "XTABLES_LOCKFILE=\(lock)"], directory: directory.path)
    return Outcome(status: process.status, text: process.output)
  }
}
