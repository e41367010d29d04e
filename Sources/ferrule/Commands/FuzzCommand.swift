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
    commandName: "fuzz", abstract: "Draws rulesets and packets, and looks for one that the running kernel treats otherwise.",
    discussion: """
      Rulesets are drawn from the grammar, and mutated from the files given; packets lie on the edges of what the rules ask for. \
      Engine and kernel answer every scenario. One about which they disagree is made small and written as a line of the lab's \
      protocol. The same seed draws the same scenarios. SIGINT and SIGTERM end a run early, with all it came to. Needs root, for \
      network namespaces of its own.

      EXIT STATUS
        0  engine and kernel agreed
        1  they disagreed
        3  the kernel could not be asked

      EXAMPLES
        sudo ferrule fuzz --time 60
        sudo ferrule fuzz --seed 7 -6 --count 100 --output found.jsonl rules.v6
      """)

  @Option(help: ArgumentHelp("How long to go on.", valueName: "seconds"))
  var time: Double?

  @Option(help: "How many scenarios to play in each family.")
  var count: Int?

  @Option(help: "Where the draws begin; chosen by the clock without it.")
  var seed: UInt64?

  @OptionGroup var family: FamilyOptions

  @Option(help: "The first scenario's number, to begin where another run stopped.")
  var first = 0

  @Option(help: ArgumentHelp("Append what they disagree about to this file, one JSON object a line.", valueName: "file"))
  var output: String?

  @Flag(help: "Print the scenarios instead of playing them, as lines of the lab's protocol.")
  var draw = false

  @Option(help: "How to tell what came of it: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = Format.text

  @Argument(help: ArgumentHelp("Rulesets to mutate; IPv6 ones have it in their names.", valueName: "ruleset"))
  var rulesets: [String] = []

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

  func validate() throws {
    guard time ?? 1 > 0, count ?? 1 > 0, first >= 0 else { throw ValidationError("Time and count are above zero.") }
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
    let kernel = KernelLab(registry: .installed)
    let trial = kernel.answer(Scenario(name: "trial"))
    if let error = trial.error { throw CommandFailure("the kernel cannot be asked: \(error)", .kernelRefused) }
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
