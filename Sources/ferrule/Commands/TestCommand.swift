public import ArgumentParser
import Capture
import Diagnostics
import Extensions
import Glibc
import Kernel
public import Suites

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Runs the tests of scenario files: simulated packets with expected verdicts.",
    discussion: """
      A scenario file (YAML) contains rules, a host and tests. A step of a test is a packet in the notation of `ferrule run' with the \
      expected verdict after `=>', or a mapping with more details:

        rules: rules.v4
        host: {interfaces: {eth0: [203.0.113.10/24]}, routes: [default via 203.0.113.1 dev eth0]}
        tests:
          - name: the web is open
            steps:
              - handshake: eth0 198.51.100.7:40000 > 203.0.113.10:443
                expect: {verdict: local, rule: filter INPUT 3}
              - eth0 tcp 198.51.100.7:40001 > 203.0.113.10:22 S => drop INPUT

      If a rule did not match as expected, the report shows the first condition that failed and the packet's value.
      Grammar/scenario.schema.json describes the format; Examples/ has examples. A scenario file can name only files in its own \
      folder and below, unless --allow-path allows another folder.

      EXIT STATUS
        0  all tests passed
        1  a test failed
        2  a file has an error

      EXAMPLES
        ferrule test Examples
        ferrule test --format junit scenario.yaml > results.xml
        ferrule test --update scenario.yaml
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "The output format.")
  var format = TestReportFormat.text

  @Option(help: "The number of tests that run in parallel, from 1 to 256.")
  var jobs = 2

  @Flag(help: "Also list the tests that passed.")
  var verbose = false

  @Flag(help: "Replace the expected values in the scenario files by the actual results.")
  var update = false

  @Flag(help: "Run the tests again whenever one of their files changes, until SIGINT or SIGTERM. The exit status is that of the last run.")
  var watch = false

  @Option(
    help: "Write all arriving and leaving packets to this pcapng file, with their verdicts and rules as packet comments.",
    completion: .file())
  var pcapng: String?

  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if watch, input.files.contains("-") { throw ValidationError("--watch cannot read standard input: give files.") }
    if update, watch { throw ValidationError("--update and --watch exclude each other.") }
    if update, input.files.contains("-") { throw ValidationError("--update cannot read standard input: give files.") }
    if !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256.") }
  }

  func run() throws {
    if watch { return try watchFiles() }
    var results = try run(input.read())
    if update {
      var count = 0
      for result in results {
        let update = TestUpdate(result)
        guard update.count > 0 else { continue }
        try HostFile.replace(result.file.name, with: update.bytes)
        count += update.count
      }
      if count > 0 { results = try run(input.read()) }
      Console.complain("\(count) expectation\(count == 1 ? "" : "s") updated")
    }
    try tell(results)
    if let pcapng { try HostFile.write(Self.capture(results), to: pcapng) }
    try Self.status(results).leave()
  }

  private func tell(_ results: [SuiteResult]) throws {
    try Console.print(format.render(results, coloured: colours.colour.isOn(for: .output), verbose: verbose))
  }

  /// Runs the tests after every change of a file. A missing or invalid file is reported and watched like any other.
  private func watchFiles() throws {
    // Created before any thread starts: threads inherit the signal mask.
    let stop = StopRequest()
    var status = ExitStatus.fine
    while true {
      let files = WatchedFiles(input)
      let readings = input.read(watching: files)
      let results = run(readings) { stop.isMade }
      if stop.isMade { break }
      try tell(results)
      status = readings.count == files.scenarios?.count ? Self.status(results) : .badInput
      guard files.waitForChange(stop) else { break }
    }
    try status.leave()
  }

  private static func capture(_ results: [SuiteResult]) -> [UInt8] {
    var capture = AnnotatedCapture()
    for test in results.flatMap(\.tests) {
      for record in test.records {
        capture.append(
          AnnotatedCapture.Packet(
            time: record.time, interface: Escaping.line(record.interface), isArriving: record.isArriving, bytes: record.bytes,
            comment: "\(Escaping.line(test.name))\n\(record.comment)"))
      }
    }
    return capture.bytes
  }

  private func run(_ readings: [ScenarioFile.Reading], isOver: @escaping @Sendable () -> Bool = { false }) -> [SuiteResult] {
    var runner = TestRunner(registry: .installed)
    runner.isOver = isOver
    runner.seconds = Stopwatch.start()
    runner.recordsPackets = pcapng != nil
    return runner.run(readings, workers: jobs, only: input.isWanted) { done, total in
      if done % 64 == 0 || done == total { Console.progress(done == total ? "" : "\(done) of \(total) tests") }
    }
  }

  static func status(_ results: [SuiteResult]) -> ExitStatus {
    if results.contains(where: { $0.diagnostics.contains { $0.severity == .error } }) { return .badInput }
    return results.allSatisfy(\.isPassed) ? .fine : .findings
  }
}

extension TestReportFormat: ExpressibleByArgument {}

/// Measures durations.
enum Stopwatch {
  /// Starts a measurement. The result returns the seconds since the start.
  static func start() -> @Sendable () -> Double {
    let clock = ContinuousClock()
    let begin = clock.now
    return {
      let passed = begin.duration(to: clock.now).components
      return Double(passed.seconds) + Double(passed.attoseconds) / 1e18
    }
  }
}
