import FoundationEssentials
import Kernel
import Wire
import XTables

/// Reads every kept input, or damaged ones, each within `InputLimits`, and says which of them it cannot.
///
/// The work is done by a process of its own, which a trap or a limit ends; what it was reading then follows from the run it was at.
package struct InputTrial {
  /// One input that is read: number `number` of an entry's corpus, or the damaged one of that number.
  package struct Run: Sendable, Equatable, CustomStringConvertible {
    package let entry: String
    package let number: Int
    package let seed: UInt64?

    package init(entry: String, number: Int, seed: UInt64?) {
      self.entry = entry
      self.number = number
      self.seed = seed
    }

    /// The options that make and read this input again.
    package var description: String { "--entry \(entry) --number \(number)" + (seed.map { " --seed \($0)" } ?? "") }
  }

  package struct Failure: Sendable, CustomStringConvertible {
    package let run: Run
    package let reason: String

    package var description: String { "\(reason)\n  again: InputFuzzer read \(run)\n  bytes: InputFuzzer make \(run)" }
  }

  package struct Report: Sendable {
    package var runs = 0
    package var failures: [Failure] = []
    /// Runs that were wanted and not done, because the time was over.
    package var left = 0
  }

  package let entries: [InputEntry]
  private let corpora: [String: [[UInt8]]]
  private let others: [[UInt8]]

  package init(_ entries: [InputEntry]) throws {
    self.entries = entries
    corpora = try Dictionary(uniqueKeysWithValues: entries.map { ($0.name, try InputCorpus.inputs(of: $0.name)) })
    others = try InputCorpus.all()
  }

  /// The input of a run.
  package func input(of run: Run) -> [UInt8] {
    let corpus = corpora[run.entry] ?? []
    guard let seed = run.seed else { return corpus.indices.contains(run.number) ? corpus[run.number] : [] }
    let own = seed &+ UInt64(run.number) &* 0xd6e8_feb8_6659_fd93 &+ run.entry.utf8.reduce(0) { $0 &* 131 &+ UInt64($1) }
    var mutator = InputMutator(seed: own, others: others)
    return mutator.mutated(corpus.isEmpty ? [] : corpus[run.number % corpus.count])
  }

  /// So many damaged inputs, of all entries in turn; every kept input once where the number is 0.
  package func runs(count: Int, seed: UInt64) -> [Run] {
    guard count > 0 else {
      return entries.flatMap { entry in (corpora[entry.name] ?? []).indices.map { Run(entry: entry.name, number: $0, seed: nil) } }
    }
    return (0..<count).map { Run(entry: entries[$0 % entries.count].name, number: $0 / entries.count, seed: seed) }
  }

  // MARK: The process that reads

  /// Reads the runs from number `first` on, and tells on standard output what takes too much, and where it is.
  package func work(_ runs: ArraySlice<Run>, tell: (String) -> Void) {
    InputLimits.guardProcess()
    for (index, run) in zip(runs.indices, runs) {
      guard let entry = entries.first(where: { $0.name == run.entry }) else { continue }
      let bytes = input(of: run)
      tell("at \(index)\n")
      InputLimits.restartTimer(seconds: entry.seconds)
      if let excess = InputLimits.excess(seconds: entry.seconds, { entry.read(bytes) }) { tell("excess \(index) \(excess)\n") }
    }
    tell("end\n")
  }

  // MARK: The process that watches

  /// - Parameters:
  ///   - program: `InputFuzzer`, which is started with `work` and the options that make the same runs.
  ///   - isOver: asked before each start of the program.
  package func watch(
    count: Int, seed: UInt64, program: String, batch: Int = 400, mostFailures: Int = 20, isOver: () -> Bool = { false }
  ) throws -> Report {
    let runs = runs(count: count, seed: seed)
    var report = Report()
    var next = 0
    while next < runs.count, !isOver(), report.failures.count < mostFailures {
      let end = min(next + batch, runs.count)
      let names = entries.map(\.name).joined(separator: ",")
      let answer = try HostProcess.run(
        program, ["work", names, "\(count)", "\(seed)", "\(next)", "\(end)"], environment: ["SWIFT_BACKTRACE=enable=no"])
      var at = next
      var isEnded = false
      for line in answer.output.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 2)
        switch words.first {
        case "at": at = Int(words[1]) ?? at
        case "excess" where words.count == 3: report.failures.append(Failure(run: runs[Int(words[1]) ?? at], reason: String(words[2])))
        case "end": isEnded = true
        default: break
        }
      }
      if !isEnded { report.failures.append(Failure(run: runs[at], reason: Self.reason(answer.status))) }
      next = isEnded ? end : at + 1
    }
    report.runs = next
    report.left = runs.count - next
    return report
  }

  private static func reason(_ status: Int32) -> String {
    switch status {
    case 128 + 27: "did not end in twice the time it may take"
    case 128 + 4, 128 + 5: "trapped"
    case 128 + 11, 128 + 7: "went beyond its stack, or read memory that is not there"
    case 128 + 6, 128 + 9: "was ended for lack of memory"
    default: "ended the process with status \(status)"
    }
  }
}
