import Foundation

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
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "exec 2>&1\n" + line]
    process.currentDirectoryURL = directory
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = folder.path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["XTABLES_LOCKFILE"] = FileManager.default.temporaryDirectory.appending(path: "ferrule-tests-\(getpid()).lock").path
    process.environment = environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }
}
