import Diagnostics
import Extensions
import Lab
import Suites
import Testing
import XTables

@Suite("The suites of the examples")
struct ExampleSuiteTests {
  @Test(arguments: Suites.examples) func everyTestOfAnExamplePasses(_ example: String) throws {
    let reading = try Suites.read(example: example)
    let results = TestRunner(registry: .ferrule).run([reading])
    let isPassed = results[0].isPassed
    #expect(isPassed, "\(TestReportFormat.text.render(results))")
    #expect(results[0].count(.passed) > 3)
  }

  /// The same answers whether tests run one after the other or at the same time.
  @Test func resultsDoNotDependOnTheNumberOfWorkers() throws {
    let readings = try Suites.examples.map { try Suites.read(example: $0) }
    let runner = TestRunner(registry: .ferrule)
    let alone = TestReportFormat.json.render(runner.run(readings, workers: 1))
    #expect(TestReportFormat.json.render(runner.run(readings, workers: 4)) == alone)
  }

  /// A test with nothing left open plays the same in the lab's engine.
  @Test(arguments: Suites.examples) func aResolvedTestPlaysTheSameInTheLab(_ example: String) throws {
    let runner = TestRunner(registry: .ferrule)
    let engine = LabEngine(registry: .ferrule)
    let reading = try Suites.read(example: example)
    for test in reading.suite?.tests ?? [] {
      let resolved = try runner.resolve(test)
      let again = engine.play(resolved.scenario)
      #expect(LabComparison(resolved.scenario).firstDifference(resolved.answer.json, again.json) == nil)
    }
  }
}
