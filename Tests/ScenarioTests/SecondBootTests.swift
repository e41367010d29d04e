import Documents
import Extensions
import Lab
import Scenarios
import Suites
import TestSupport
import Testing
import XTables

/// A kept scenario is compared with the kernel that runs the tests: the comparison may not follow from what that kernel drew at boot.
@Suite("The comparison of engine and kernel")
struct SecondBootTests {
  private static let engine = LabEngine(registry: .ferrule)

  @Test(arguments: ["path-scenarios", "protocol-scenarios", "fuzz-regressions", "extension-table"])
  func isTheSameAfterEveryBoot(_ fixture: String) throws {
    for value in try PackageFolder.fixture(fixture + ".jsonl") {
      let scenario = try Scenario(value["scenario"] ?? value)
      let dependence = Boot.dependence(of: scenario, Self.engine)
      #expect(dependence == nil, "\(scenario.name): \(dependence ?? "")")
    }
  }

  @Test(arguments: Suites.examples) func isTheSameAfterEveryBootForExamples(_ example: String) throws {
    let runner = TestRunner(registry: .ferrule)
    for test in try Suites.read(example: example).suite?.tests ?? [] {
      let dependence = Boot.dependence(of: try runner.resolve(test).scenario, Self.engine)
      #expect(dependence == nil, "\(test.name): \(dependence ?? "")")
    }
  }

  @Test(.needsSharedFolder) func isTheSameAfterEveryBootForRecordings() throws {
    for recording in try LabRecording.all() {
      let dependence = Boot.dependence(of: recording.scenario, Self.engine)
      #expect(dependence == nil, "\(recording.scenario.name): \(dependence ?? "")")
    }
  }

  // MARK: What would be found

  /// Queues 0 and 1 of a balance, of which only the first has a listener.
  private static func balance(_ options: String, queues: String) throws -> Scenario {
    let rules = #"*mangle\n-A POSTROUTING -j NFQUEUE \#(options)\nCOMMIT\n"#
    let step = #"{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9", "dport": 1}"#
    return try Scenario(line: #"{"name": "x", "rules": "\#(rules)", "queues": {\#(queues)}, "steps": [\#(step), \#(step)]}"#)
  }

  /// Was kept until a second boot picked the other queue.
  @Test func tellsABalanceBetweenQueuesThatDiffer() throws {
    let scenario = try Self.balance("--queue-balance 0:1 --queue-bypass", queues: #""0": "drop""#)
    #expect(Boot.dependence(of: scenario, Self.engine)?.contains("--queue-balance 0:1") == true)
    // The engine says so itself, whatever it draws.
    let answers = Boot.all.map { Self.engine.play($0.scenario(scenario)) }
    #expect(answers.flatMap(\.steps).allSatisfy { $0.verdict.kind == .unknown })
  }

  @Test(arguments: [
    (#""0": "drop", "1": "drop""#, true), ("", true), (#""0": "accept", "1": "drop""#, false),
    (#""0": ["drop", "accept"], "1": ["drop", "accept"]"#, false), (#""0": "hold", "1": "hold""#, true),
    (#""0": {"verdict": "accept", "mark": 1}, "1": {"verdict": "accept", "mark": 2}"#, false),
  ]) func knowsWhichBalancesAreDecided(_ queues: String, _ isDecided: Bool) throws {
    let dependence = Boot.dependence(of: try Self.balance("--queue-balance 0:1", queues: queues), Self.engine)
    #expect((dependence == nil) == isDecided, "\(dependence ?? "decided")")
  }

  @Test func tellsDiceFromCertainty() throws {
    for (probability, isDecided) in [("0", true), ("1", true), ("0.5", false)] {
      let rules = #"*filter\n-A FORWARD -m statistic --mode random --probability \#(probability) -j DROP\nCOMMIT\n"#
      let scenario = try Scenario(
        line: #"{"name": "x", "rules": "\#(rules)", "steps": [{"in": "eth0", "src": "10.0.0.9", "dst": "10.0.1.9"}]}"#)
      #expect((Boot.dependence(of: scenario, Self.engine) == nil) == isDecided)
    }
  }
}
