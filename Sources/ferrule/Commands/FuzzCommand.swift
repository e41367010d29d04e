import ArgumentParser
import Diagnostics
import Extensions
import Fuzzing
import Kernel
import KernelLab
import Lab
import Scenarios
import Wire
import XTables

struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz", abstract: "Compares Ferrule's engine with the running kernel on random rulesets and packets.",
    discussion: """
      Generates rulesets from the grammar and by mutating the given files. Generates packets at the boundaries of the rules' \
      conditions. Each scenario runs in the engine and in the kernel. If their results differ, the scenario is minimised and written \
      as one line of JSON, which `ferrule lab' and `ferrule verify' read. The same seed generates the same scenarios. Ends after 10 \
      seconds unless --time or --count is given. SIGINT and SIGTERM end the run early, with a report. Needs root, to create network \
      namespaces.

      EXIT STATUS
        0  engine and kernel had the same results
        1  the results of a scenario differed
        2  bad input: an error in a file or on the command line
        3  scenarios cannot run in the kernel

      EXAMPLES
        sudo ferrule fuzz --time 60
        sudo ferrule fuzz --backend nft --time 60
        sudo ferrule fuzz --seed 7 -6 --count 100 --output found.jsonl rules.v6
      """)

  @Option(help: ArgumentHelp("The duration of the run, for all families together.", valueName: "seconds"))
  var time: Double?

  @Option(help: "The maximum number of scenarios for each family.")
  var count: Int?

  @Option(help: "The seed of the random number generator. By default the current time in seconds; the report shows it.")
  var seed: UInt64?

  @OptionGroup var family: FamilyOptions
  @OptionGroup var backend: LabBackendOptions

  @Option(help: "The number of the first scenario, to continue where another run with the same seed ended.")
  var first = 0

  @Option(help: ArgumentHelp("Append the scenarios with differing results to this file, one JSON object per line.", valueName: "file"))
  var output: String?

  @Flag(help: "Print the generated scenarios as JSON lines and do not run them.")
  var draw = false

  @Option(help: "The format of the report.")
  var format = Format.text

  @Argument(
    help: ArgumentHelp("Rulesets to mutate. A file is IPv6 if its name contains ip6tables, _v6, .v6, -v6 or rules6.", valueName: "ruleset"))
  var rulesets: [String] = []

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

  func validate() throws {
    guard time ?? 1 > 0, count ?? 1 > 0, first >= 0 else {
      throw ValidationError("--time and --count must be greater than 0, --first at least 0.")
    }
  }

  func run() throws {
    let stop = StopRequest()
    let seed = seed ?? UInt64(HostClock.seconds)
    let families: [Family] = family.isIPv4 ? [.ipv4] : family.isIPv6 ? [.ipv6] : Family.allCases
    if format == .text, !draw { try Console.print("seed \(seed)\n") }
    var report = FuzzReport(seed: seed)
    for family in families {
      try run(family, seconds: count == nil || time != nil ? (time ?? 10) / Double(families.count) : nil, stop, &report)
    }
    guard !draw else { return }
    try Console.print(format == .text ? report.text : "\(report.json)\n")
    try write(report.disagreements.map { "\($0.scenario)\n" }.joined())
    if !report.disagreements.isEmpty { try ExitStatus.findings.leave() }
  }

  private func run(_ family: Family, seconds: Double?, _ stop: StopRequest, _ report: inout FuzzReport) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let kernel = KernelLab(registry: .installed, usesNfTables: backend.usesNfTables)
    let trial = kernel.answer(Scenario(name: "trial"))
    if let error = trial.error { throw CommandFailure("scenarios cannot run in the kernel: \(error)", .kernelRefused) }
    let corpus = try rulesets.filter { FamilyOptions.family(named: $0) == family }
      .map { String(decoding: try HostFile.bytes($0), as: UTF8.self) }
    let fuzzer = Fuzzer(
      family, registry: .ferrule, seed: report.seed, corpus: corpus, kernel: kernel, names: .system, now: { Double(HostClock.seconds) })
    guard !draw else {
      for number in first..<first + (count ?? 1) { try Console.print("\(fuzzer.source.drawCase(number).line)\n") }
      return
    }
    let outcome = fuzzer.run(from: first) { done, outcome in
      Console.progress(
        "\(family == .ipv4 ? "IPv4" : "IPv6"): \(done) rulesets, \(outcome.tally.pairs) pairs, \(outcome.disagreements.count) disagreements"
      )
      return done < count ?? .max
    } isOver: {
      stop.isMade || seconds.map { start.duration(to: clock.now) >= .seconds($0) } ?? false
    }
    Console.progress("")
    report.add(outcome, family, seconds: start.duration(to: clock.now) / .seconds(1))
  }

  /// Writes the findings to the file of `--output`. Without it they are part of the report; the text report shows only the differences.
  private func write(_ lines: String) throws {
    guard !lines.isEmpty else { return }
    if let output {
      let before = (try? HostFile.bytes(output)).map { String(decoding: $0, as: UTF8.self) } ?? ""
      try HostFile.write(Array((before + lines).utf8), to: output)
    } else if format == .text {
      try Console.print(lines)
    }
  }
}
