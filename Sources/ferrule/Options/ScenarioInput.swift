import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import Suites
import XTables

/// The scenario files of a command.
struct ScenarioInput: ParsableArguments {
  @Argument(
    help: "Scenario files. For a directory: its scenario.yaml, and the scenario.yaml of each direct subdirectory.", completion: .file())
  var files: [String]

  @OptionGroup var access: AccessOptions

  @Option(help: "Run only the tests whose names contain this text.")
  var only: String?

  func validate() throws {
    if files.isEmpty { throw ValidationError("Name a scenario file.") }
  }

  /// Reads every file. Errors are part of the results; it is an error if --only selects none of the tests.
  func read() throws -> [ScenarioFile.Reading] {
    let readings = try places().map { try read($0, loader: access.loader(besides: $0.path)) }
    if let only, readings.allSatisfy({ $0.diagnostics.isEmpty && $0.suite?.tests.contains(where: isWanted) == false }) {
      let count = readings.reduce(0) { $0 + ($1.suite?.tests.count ?? 0) }
      throw CommandFailure("--only \(only): no name of the \(count) tests contains this text")
    }
    return readings
  }

  /// Reads every file that can be read and reports why others cannot. Adds all files to `files`.
  func read(watching files: WatchedFiles) -> [ScenarioFile.Reading] {
    do {
      // If there are no files, `places()` throws the reason.
      return try (files.scenarios ?? places()).compactMap { place in
        files.note(place.path)
        do throws(KernelError) {
          return try read(place, loader: files.noting(access.loader(besides: place.path)))
        } catch {
          Console.complain("\(error)")
          return nil
        }
      }
    } catch {
      Console.complain((error as? CommandFailure)?.message ?? "\(error)")
      return []
    }
  }

  private func read(_ place: Place, loader: ScenarioFileLoader) throws(KernelError) -> ScenarioFile.Reading {
    // The user did not name a file found in a directory: it is read with the restrictions of a file named by another file.
    let bytes =
      if let folder = place.folder { try FolderAccess(besides: folder + "/").bytes(place.path) } else {
        try HostFile.bytes(place.path, upTo: Limits.documentBytes)
      }
    let source = SourceFile(name: place.path == "-" ? "<stdin>" : place.path, bytes: bytes)
    return ScenarioFile.read(source, registry: .installed, loader: loader)
  }

  /// A scenario file, with the directory in which it was found; nil if it was named directly.
  struct Place: Sendable, Equatable {
    let path: String
    let folder: String?
  }

  func places() throws -> [Place] {
    var found: [Place] = []
    for path in files {
      guard path != "-", let entries = HostFile.entries(of: path) else {
        found.append(Place(path: path, folder: nil))
        continue
      }
      let base = path.hasSuffix("/") ? String(path.dropLast()) : path
      let candidates = [base + "/scenario.yaml"] + entries.sorted().map { "\(base)/\($0)/scenario.yaml" }
      let scenarios = candidates.filter { HostFile.exists($0) }
      if scenarios.isEmpty { throw CommandFailure("\(path): there is no scenario.yaml in it") }
      found += scenarios.map { Place(path: $0, folder: base) }
    }
    return found
  }

  func isWanted(_ test: ScenarioTest) -> Bool { only.map { test.name.contains($0) } ?? true }
}
