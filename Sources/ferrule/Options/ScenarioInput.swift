import ArgumentParser
import Capture
import Diagnostics
import Extensions
import Kernel
import Lab
import XTables

/// The scenario files a command works on.
struct ScenarioInput: ParsableArguments {
  @Argument(help: "Scenario files; a directory stands for the scenario.yaml in it, and for those one level below.", completion: .file())
  var files: [String]

  @Option(help: "Only the tests whose names have this in them.")
  var only: String?

  func validate() throws {
    if files.isEmpty { throw ValidationError("Name a scenario file.") }
  }

  /// Every file, read; what is wrong with one is told with its results.
  func read() throws -> [ScenarioFile.Reading] { try paths().map { try Self.read($0) } }

  static func read(_ path: String) throws -> ScenarioFile.Reading {
    let source = SourceFile(name: path == "-" ? "<stdin>" : path, bytes: try HostFile.bytes(path, upTo: Limits.documentBytes))
    return ScenarioFile.read(source, registry: .installed, loader: .host)
  }

  func paths() throws -> [String] {
    var found: [String] = []
    for path in files {
      guard path != "-", let entries = HostFile.entries(of: path) else {
        found.append(path)
        continue
      }
      let base = path.hasSuffix("/") ? String(path.dropLast()) : path
      let candidates = [base + "/scenario.yaml"] + entries.sorted().map { "\(base)/\($0)/scenario.yaml" }
      let scenarios = candidates.filter { HostFile.exists($0) }
      if scenarios.isEmpty { throw CommandFailure("\(path): there is no scenario.yaml in it") }
      found += scenarios
    }
    return found
  }

  func isWanted(_ test: ScenarioTest) -> Bool { only.map { test.name.contains($0) } ?? true }
}

extension ScenarioFileLoader {
  /// The files of this machine.
  static let host = ScenarioFileLoader(
    bytes: { path throws(Failure) in
      do throws(KernelError) {
        return try HostFile.bytes(path)
      } catch {
        throw Failure("\(error)")
      }
    },
    capture: { path throws(Failure) in
      do throws(CaptureError) {
        let (frames, damage) = try CaptureReader.read(path: path, upTo: Limits.heldCaptureBytes)
        if let damage, case .tooLong = damage { throw damage }
        return frames
      } catch {
        throw Failure("\(error)")
      }
    })
}
