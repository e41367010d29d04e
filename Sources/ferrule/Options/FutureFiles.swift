import Diagnostics
import Extensions
import Kernel
import Suites
import Synchronization
import XTables

/// The rules that would be loaded, in place of the files from which they are made.
final class FutureFiles: Sendable {
  private let files: [(state: HostFile.State?, text: [UInt8])]
  private let used = Mutex<Set<Int>>([])

  /// - Parameter files: the path of each file, and the text of the rules that would be loaded.
  init(_ files: [(path: String, text: String)]) { self.files = files.map { (HostFile.state(of: $0.path), Array($0.text.utf8)) } }

  /// The same loader with these rules instead of the files.
  func replacing(in loader: ScenarioFileLoader) -> ScenarioFileLoader {
    ScenarioFileLoader(
      bytes: { path throws(ScenarioFileLoader.Failure) in
        let bytes = try loader.bytes(path)
        let state = HostFile.state(of: path)
        guard let place = self.files.firstIndex(where: { $0.state != nil && $0.state == state }) else { return bytes }
        _ = self.used.withLock { $0.insert(place) }
        return self.files[place].text
      }, capture: loader.capture)
  }

  /// Whether a scenario file has loaded one of them.
  var areUsed: Bool { used.withLock { !$0.isEmpty } }

  /// Runs scenario files with these rules.
  ///
  /// - Returns: the report, and whether all tests passed.
  func play(_ paths: [String], _ colour: ColourChoice) throws -> (report: String, isPassed: Bool) {
    let readings = try paths.map { path in
      let source = try RulesetInput.source(path, upTo: Limits.documentBytes)
      return ScenarioFile.read(source, registry: .installed, loader: replacing(in: AccessOptions.loader(besides: path, allowing: [])))
    }
    guard areUsed else {
      throw CommandFailure(
        "--tests: none of the scenario files loads one of the rules files; name it in `rules:', by a path in its own folder")
    }
    let results = TestRunner(registry: .installed).run(readings)
    let isPassed = results.allSatisfy(\.isPassed) && !results.contains { $0.diagnostics.contains { $0.severity == .error } }
    return (TestReportFormat.text.render(results, coloured: colour.isOn(for: .error), verbose: false), isPassed)
  }
}
