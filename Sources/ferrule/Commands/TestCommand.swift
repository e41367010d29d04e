public import ArgumentParser
import Diagnostics
import Extensions
import Kernel
public import Lab

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Runs tests of rulesets: packets, and what is expected of them.",
    discussion: """
      A scenario file (YAML) has rules, a host, and tests. A step of a test is a packet in the notation of `ferrule run', with the \
      expected verdict behind `=>', or more:

        rules: rules.v4
        host: {interfaces: {eth0: [203.0.113.10/24]}, routes: [default via 203.0.113.1 dev eth0]}
        tests:
          - name: the web is open
            steps:
              - handshake: eth0 198.51.100.7:40000 > 203.0.113.10:443
                expect: {verdict: local, rule: filter INPUT 3}
              - eth0 tcp 198.51.100.7:40001 > 203.0.113.10:22 S => drop INPUT

      Where a rule did not match as expected, its first part that did not fit is told, beside what the packet has instead.
      Grammar/scenario.schema.json describes all of it; Examples/ has suites.

      EXIT STATUS
        0 all passed; 1 a test failed; 2 a file is wrong

      EXAMPLES
        ferrule test Examples
        ferrule test --format junit scenario.yaml > results.xml
        ferrule test --update scenario.yaml
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "How to tell the results: \(TestReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TestReportFormat.text

  @Option(help: "How many tests run at the same time.")
  var jobs = 2

  @Flag(help: "Name the tests that passed, too.")
  var verbose = false

  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !(1...256).contains(jobs) { throw ValidationError("--jobs is from 1 to 256.") }
  }

  func run() throws {
    let results = try results()
    try Console.print(format.render(results, coloured: colours.colour.isOn(for: .output), verbose: verbose))
    try Self.status(results).leave()
  }

  private func results() throws -> [SuiteResult] {
    var runner = TestRunner(registry: .ferrule)
    runner.seconds = Stopwatch.start()
    let results = runner.run(try input.read(), workers: jobs, only: input.isWanted) { done, total in
      if done % 64 == 0 || done == total { Console.progress(done == total ? "" : "\(done) of \(total) tests") }
    }
    return results
  }

  static func status(_ results: [SuiteResult]) -> ExitStatus {
    if results.contains(where: { $0.diagnostics.contains { $0.severity == .error } }) { return .badInput }
    return results.allSatisfy(\.isPassed) ? .fine : .findings
  }
}

extension TestReportFormat: ExpressibleByArgument {}

/// Tells how long things take.
enum Stopwatch {
  /// Seconds since now.
  static func start() -> @Sendable () -> Double {
    let clock = ContinuousClock()
    let begin = clock.now
    return {
      let passed = begin.duration(to: clock.now).components
      return Double(passed.seconds) + Double(passed.attoseconds) / 1e18
    }
  }
}
