import Diagnostics
import Documents
import Evaluator
import Extensions
import Lab
import Notation
import Scenarios
import Suites
import XTables

/// Scenarios, tests and packets as people write them.
enum ScenarioEntries {
  static let all = [
    InputEntry("scenario") { read(file: $0, named: "input.yaml") },
    InputEntry("scenario-lines") { read(file: $0, named: "input.jsonl") },
    InputEntry("lab") { read(line: $0) },
    InputEntry("json") { bytes in
      guard let value = try? JSONValue(parsing: bytes) else { return }
      let again = try? JSONValue(parsing: value.description)
      precondition(again == value, "what was printed reads otherwise")
    },
    InputEntry("packets") { bytes in
      let (lines, diagnostics) = PacketNotation.read(SourceFile(name: "input", bytes: bytes))
      let file = SourceFile(name: "input", bytes: bytes)
      for diagnostic in diagnostics {
        precondition(diagnostic.range.upperBound <= bytes.count, "a place outside the file")
        _ = TextRenderer(coloured: false).render(diagnostic, in: file)
      }
      guard let simulator = try? PacketEntries.simulator() else { return }
      var runner = PacketRunner(simulator)
      for line in lines.prefix(50) { _ = (try? runner.play(line.step))??.text() }
    },
    InputEntry("expectation") { bytes in
      guard let pattern = try? VerdictPattern(HostEntries.text(bytes)) else { return }
      _ = pattern.description
    },
  ]

  /// Packets that are played of one input: how long more of them take is no matter of reading.
  private static let mostPackets = 200

  /// What `test` does with a file.
  private static func read(file bytes: [UInt8], named name: String) {
    let reading = ScenarioFile.read(SourceFile(name: name, bytes: bytes), registry: .ferrule, loader: .none)
    for diagnostic in reading.diagnostics {
      precondition(diagnostic.range.upperBound <= bytes.count, "a place outside the file")
      _ = TextRenderer(coloured: false).render(diagnostic, in: reading.file)
    }
    let packets = (reading.suite?.tests ?? []).flatMap { $0.prelude + $0.steps }.flatMap(\.parts).reduce(0) { count, part in
      if case .step(let step) = part { count + step.repetitions } else { count + 1 }
    }
    guard packets <= mostPackets else { return }
    let results = TestRunner(registry: .ferrule).run([reading])
    for format in TestReportFormat.allCases { _ = format.render(results) }
  }

  /// What `lab` does with a line.
  private static func read(line bytes: [UInt8]) {
    guard let scenario = try? Scenario(line: HostEntries.text(bytes)),
      scenario.steps.reduce(0, { $0 + $1.repetitions }) <= mostPackets
    else { return }
    let answer = LabEngine(registry: .ferrule).play(scenario).json
    _ = LabComparison(scenario).differences(answer, answer)
  }
}
