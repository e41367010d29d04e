import Diagnostics
import Extensions
import FoundationEssentials
import Suites
import XTables

/// Scenario files for tests: the examples of the package, and texts.
enum Suites {
  static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

  /// The examples that have a suite, by their folders.
  static let examples: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/Examples")) ?? []
    return names.sorted().filter { FileManager.default.fileExists(atPath: "\(root)/Examples/\($0)/scenario.yaml") }
  }()

  static let loader = ScenarioFileLoader(
    bytes: { path throws(ScenarioFileLoader.Failure) in
      guard let data = FileManager.default.contents(atPath: path) else { throw ScenarioFileLoader.Failure("there is no \(path)") }
      return Array(data)
    },
    capture: { path throws(ScenarioFileLoader.Failure) in throw ScenarioFileLoader.Failure("no captures here: \(path)") })

  static func read(example: String) throws -> ScenarioFile.Reading {
    let path = "\(root)/Examples/\(example)/scenario.yaml"
    let data = FileManager.default.contents(atPath: path) ?? Data()
    return ScenarioFile.read(SourceFile(name: path, bytes: Array(data)), registry: .ferrule, loader: loader)
  }

  static func read(_ text: String) -> ScenarioFile.Reading {
    ScenarioFile.read(SourceFile(name: "test.yaml", bytes: Array(text.utf8)), registry: .ferrule, loader: .none)
  }

  static func run(_ text: String) -> SuiteResult { TestRunner(registry: .ferrule).run([read(text)])[0] }
}
