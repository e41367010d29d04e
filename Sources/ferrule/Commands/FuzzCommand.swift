import ArgumentParser
import Extensions
import Fuzzing
import Kernel
import KernelLab
import Lab
import Wire
import XTables

struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz", abstract: "Draws rulesets and packets, and looks for one that the running kernel treats otherwise.",
    discussion: """
      Rulesets are drawn from the grammar, and mutated from the files given; packets lie on the edges of what the rules ask for. \
      Engine and kernel answer every scenario. One about which they disagree is made small and written as a line of the lab's \
      protocol. The same seed draws the same scenarios. Needs root, for network namespaces of its own.

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

  @Argument(help: ArgumentHelp("Rulesets to mutate; IPv6 ones have it in their names.", valueName: "ruleset"))
  var rulesets: [String] = []

  func validate() throws {
    guard time ?? 1 > 0, count ?? 1 > 0, first >= 0 else { throw ValidationError("Time and count are above zero.") }
  }

  func run() throws {
    let seed = seed ?? UInt64(HostClock.seconds)
    let families: [AddressFamily] = family.isIPv4 ? [.ipv4] : family.isIPv6 ? [.ipv6] : AddressFamily.allCases
    try Console.print("seed \(seed)\n")
    var found = 0
    for family in families {
      let outcome = try run(family, seed: seed, seconds: count == nil || time != nil ? (time ?? 10) / Double(families.count) : nil)
      found += outcome.disagreements.count
      try report(outcome, family)
    }
    if found > 0 { try ExitStatus.findings.leave() }
  }

  private func run(_ family: AddressFamily, seed: UInt64, seconds: Double?) throws -> Fuzzer.Outcome {
    let kernel = KernelLab()
    let trial = kernel.answer(Scenario(name: "trial"))
    if let error = trial.error { throw CommandFailure("the kernel cannot be asked: \(error)", .kernelRefused) }
    let corpus = try rulesets.filter { FamilyOptions().family(of: $0) == family }
      .map { String(decoding: try HostFile.bytes($0), as: UTF8.self) }
    let fuzzer = Fuzzer(
      family, registry: .ferrule, seed: seed, corpus: corpus, kernel: kernel, names: .system, now: { Double(HostClock.seconds) })
    let clock = ContinuousClock()
    let start = clock.now
    let outcome = fuzzer.run(from: first) { done, outcome in
      Console.progress("\(family.title): \(done) rulesets, \(outcome.tally.pairs) pairs, \(outcome.disagreements.count) disagreements")
      let passed = start.duration(to: clock.now)
      return done < count ?? .max && seconds.map { passed < .seconds($0) } ?? true
    }
    Console.progress("")
    return outcome
  }

  private func report(_ outcome: Fuzzer.Outcome, _ family: AddressFamily) throws {
    let tally = outcome.tally
    try Console.print("""
      \(family.title): \(tally.rulesets) rulesets, \(tally.pairs) ruleset-packet pairs, \(outcome.disagreements.count) disagreements
      \(tally.table)
      """ + "\n")
    var lines = ""
    for disagreement in outcome.disagreements {
      try Console.print("number \(disagreement.number): \(disagreement.kind)\n")
      for difference in disagreement.differences { try Console.print("  \(difference)\n") }
      lines += "\(disagreement.scenario)\n"
    }
    guard !lines.isEmpty else { return }
    if let output {
      let before = (try? HostFile.bytes(output)).map { String(decoding: $0, as: UTF8.self) } ?? ""
      try HostFile.write(Array((before + lines).utf8), to: output)
    } else {
      try Console.print(lines)
    }
  }
}

extension AddressFamily {
  fileprivate var title: String { self == .ipv4 ? "IPv4" : "IPv6" }
}
