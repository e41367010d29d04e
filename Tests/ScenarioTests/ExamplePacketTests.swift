import Diagnostics
import Extensions
import Lab
import Suites
import TestSupport
import Testing
import Wire
import XTables

/// The packets of the extensions' examples, run through the evaluator.
@Suite("The packets of the extensions' examples") struct ExamplePacketTests {
  static let plays = ExamplePlay.all(.ferrule)

  private static func test(_ reading: ScenarioFile.Reading) throws -> ScenarioTest {
    #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics.map(\.message))")
    return try #require(reading.suite?.tests.first)
  }

  private static func told(_ result: TestResult) -> String {
    let failures = result.failures + result.steps.flatMap(\.failures)
    return (failures.map { "expected \($0.expected), it is \($0.actual)" } + (result.reason.map { [$0] } ?? [])).joined(separator: "; ")
  }

  @Test(arguments: plays) func packetsComeOutAsTheExampleSays(_ play: ExamplePlay) throws {
    let runner = TestRunner(registry: .ferrule)
    let test = try Self.test(play.reading())
    let result = runner.run(test)
    #expect(result.outcome == .passed, "\(Self.told(result))")
    guard let (reading, control) = play.control() else { return }
    let bare = try Self.test(reading)
    switch control {
    case .passes: #expect(runner.run(bare).outcome == .passed, "the rule misses without the match: \(Self.told(runner.run(bare)))")
    case .fails: #expect(runner.run(bare).outcome == .failed, "without the target the same becomes of the packet")
    case .isTheSame:
      let (with, without) = (try runner.resolve(test).answer.steps, try runner.resolve(bare).answer.steps)
      #expect(with.map(\.egress) == without.map(\.egress))
      #expect(with.map { $0.packets.map(\.mark) } == without.map { $0.packets.map(\.mark) })
    }
  }

  /// An extension whose examples show no packet fails; where nothing can be told on paper, an example says so.
  @Test func everyExtensionHasExamplesWithPackets() {
    for descriptor in Registry.ferrule.all where Self.isNamed(descriptor) {
      let trials = descriptor.examples.compactMap(\.trial)
      let outcomes = trials.map(\.outcome)
      for trial in trials where trial.outcome == .passes || trial.outcome == .unknown {
        #expect((trial.reason ?? "").count > 20, "\(descriptor.name): the example does not say why")
      }
      if outcomes.contains(.unknown) { continue }
      switch descriptor.kind {
      case .match:
        #expect(outcomes.contains(.matches), "-m \(descriptor.name) has no packet that it matches")
        #expect(outcomes.contains(.misses), "-m \(descriptor.name) has no packet that it does not match")
      case .target:
        #expect(!outcomes.isEmpty, "-j \(descriptor.name) has no packet, with what becomes of it")
      }
    }
  }

  /// A rule's text leads to it: one that only a blob can bring has no examples.
  private static func isNamed(_ descriptor: ExtensionDescriptor) -> Bool {
    [Family.ipv4, .ipv6].contains { family in
      let found =
        descriptor.kind == .match
        ? Registry.ferrule.match(named: descriptor.name, family) : Registry.ferrule.target(named: descriptor.name, family)
      return found === descriptor
    }
  }
}
