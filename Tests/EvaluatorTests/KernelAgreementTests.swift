import Extensions
import FoundationEssentials
import Glibc
import KernelLab
import Lab
import Testing
import TestSupport
import XTables

/// The scenarios of the fixtures, or of the file that `FERRULE_SCENARIOS` names, played by the engine and by the running kernel:
/// `path-scenarios.jsonl` has ways of packets, `protocol-scenarios.jsonl` uses everything that the lab's protocol has.
enum PathScenarios {
  static let lines: [String] = {
    if let path = ProcessInfo.processInfo.environment["FERRULE_SCENARIOS"] { return (try? TextFile.lines(path)) ?? [] }
    return ["path", "protocol"].flatMap { (try? TextFile.lines("\(PackageFolder.path)/Tests/Fixtures/\($0)-scenarios.jsonl")) ?? [] }
  }()
}

@Suite("The engine and the running kernel", .asRoot, .serialized)
struct KernelAgreementTests {
  @Test("agree on the way of packets")
  func paths() throws {
    let engine = LabEngine(registry: .ferrule)
    let kernel = KernelLab(registry: .ferrule)
    let shown = ProcessInfo.processInfo.environment["FERRULE_DIFFERENCES"].flatMap { Int($0) } ?? 1
    var agreed = 0
    #expect(!PathScenarios.lines.isEmpty)
    for line in PathScenarios.lines {
      let scenario = try Scenario(line: line)
      let ours = engine.play(scenario).json
      // What the kernel does late on a busy machine is no answer: where it differs it is asked again.
      var differences: [LabComparison.Difference] = []
      for attempt in 1...3 {
        differences = LabComparison(scenario).differences(ours, kernel.answer(scenario).json, limit: shown)
        if differences.isEmpty { break }
        print("attempt \(attempt): \(scenario.name) differs")
      }
      if differences.isEmpty { agreed += 1 } else { print("differs  \(scenario.name)") }
      for difference in differences { print("   \(String("\(difference)".prefix(600)))") }
    }
    print("\(agreed) of \(PathScenarios.lines.count) scenarios agree with the running kernel")
    #expect(agreed == PathScenarios.lines.count)
  }
}
