public import ArgumentParser
import Diagnostics
import Extensions
import Kernel
public import Suites

struct CoverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Tells which rules the tests of scenario files match, and which they never do.",
    discussion: """
      EXIT STATUS
        0 fine; 1 a test failed, or fewer rules matched than --least asks for; 2 a file is wrong

      EXAMPLES
        ferrule coverage Examples/web-server
        ferrule coverage --format html scenario.yaml > coverage.html
        ferrule coverage --format lcov --least 90 tests/*.yaml > coverage.info
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "How to tell it: \(CoverageFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = CoverageFormat.text

  @Option(help: "The percentage of rules that must match.")
  var least: Int?

  @Option(help: "How many tests run at the same time.")
  var jobs = 2

  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !(1...256).contains(jobs) { throw ValidationError("--jobs is from 1 to 256.") }
    if let least, !(0...100).contains(least) { throw ValidationError("--least is a percentage.") }
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
