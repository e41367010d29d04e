public import ArgumentParser
import Diagnostics
import Extensions
import Kernel
public import Suites

struct CoverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Runs the tests of scenario files and reports which rules matched packets and which never did.",
    discussion: """
      EXIT STATUS
        0  all tests passed
        1  a test failed, or the percentage of matched rules is below --least
        2  a file has an error

      EXAMPLES
        ferrule coverage Examples/web-server
        ferrule coverage --format html scenario.yaml > coverage.html
        ferrule coverage --format lcov --least 90 tests/*.yaml > coverage.info
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "The output format.")
  var format = CoverageFormat.text

  @Option(help: "The minimum percentage of rules that must match a packet, from 0 to 100.")
  var least: Int?

  @Option(help: "The number of tests that run in parallel, from 1 to 256.")
  var jobs = 2

  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256.") }
    if let least, !(0...100).contains(least) { throw ValidationError("--least must be a percentage from 0 to 100.") }
  }

  func run() throws {
    let results = TestRunner(registry: .installed).run(try input.read(), workers: jobs, only: input.isWanted)
    for result in results where !result.isPassed {
      Console.complain(TerminalText(escaped: TestReportFormat.text.render([result], coloured: colours.colour.isOn(for: .error))))
    }
    let coverage = Coverage(results)
    try Console.print(format.render(coverage))
    let status = TestCommand.status(results)
    try status.leave()
    if let least, coverage.hitCount * 100 < least * coverage.ruleCount { throw ExitStatus.findings.code }
  }
}

extension CoverageFormat: ExpressibleByArgument {}
