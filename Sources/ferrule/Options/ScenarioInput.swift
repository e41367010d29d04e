import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import Lab
import XTables

/// The scenario files a command works on.
struct ScenarioInput: ParsableArguments {
  @Argument(help: "Scenario files; a directory stands for the scenario.yaml in it, and for those one level below.", completion: .file())
  var files: [String]

  @OptionGroup var access: AccessOptions

  @Option(help: "Only the tests whose names have this in them.")
  var only: String?

  func validate() throws {
    if files.isEmpty { throw ValidationError("Name a scenario file.") }
  }

  /// Every file, read; what is wrong with one is told with its results.
  func read() throws -> [ScenarioFile.Reading] {
    try paths().map { path, folder in
      // A file that was found in a directory was not named by the user: it is read as one that another file names.
      let bytes = try folder.map { try FolderAccess(besides: $0 + "/").bytes(path) } ?? HostFile.bytes(path)
      let source = SourceFile(name: path == "-" ? "<stdin>" : path, bytes: bytes)
      return ScenarioFile.read(source, registry: .installed, loader: access.loader(besides: path))
    }
  }

  /// The scenario files, each with the directory it was found in, if it was.
  private func paths() throws -> [(path: String, folder: String?)] {
    var found: [(String, String?)] = []
    for path in files {
      guard path != "-", let entries = HostFile.entries(of: path) else {
        found.append((path, nil))
        continue
      }
      let base = path.hasSuffix("/") ? String(path.dropLast()) : path
      let candidates = [base + "/scenario.yaml"] + entries.sorted().map { "\(base)/\($0)/scenario.yaml" }
      let scenarios = candidates.filter { HostFile.exists($0) }
      if scenarios.isEmpty { throw CommandFailure("\(path): there is no scenario.yaml in it") }
      found += scenarios.map { ($0, base) }
    }
    return found
  }

  func isWanted(_ test: ScenarioTest) -> Bool { only.map { test.name.contains($0) } ?? true }
}
