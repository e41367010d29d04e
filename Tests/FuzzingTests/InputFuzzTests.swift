import FoundationEssentials
import InputFuzzing
import TestSupport
import Testing

/// Whatever strangers write is read without a trap, in two seconds of processor time and 256 MB (`InputLimits`).
///
/// `FERRULE_INPUTS=N` reads N damaged inputs instead of what fits into some seconds; `FERRULE_SEED=S` damages otherwise. More, guided by what
/// code is covered, does `make fuzz-input`.
@Suite(.serialized) struct InputFuzzTests {
  private static let program = BuiltPrograms.folder + "/InputFuzzer"
  private static let environment = ProcessInfo.processInfo.environment
  private static let seed = environment["FERRULE_SEED"].flatMap { UInt64($0) } ?? 20_261_129
  private static let count = environment["FERRULE_INPUTS"].flatMap { Int($0) }
  /// Seconds for the damaged inputs where no number of them is asked for.
  private static let seconds: Double = 20

  private static func report(_ report: InputTrial.Report) {
    for failure in report.failures { Issue.record("\(failure.run.entry): \(failure)") }
  }

  @Test func everyEntryHasInputs() throws {
    for entry in InputEntry.all { #expect(try !InputCorpus.inputs(of: entry.name).isEmpty, "\(entry.name)") }
    #expect(Set(InputEntry.all.map(\.name)).count == InputEntry.all.count)
    let size = try InputCorpus.all().reduce(0) { $0 + $1.count }
    #expect(size < 600_000, "the corpus is kept small, and has \(size) bytes")
  }

  @Test func keptInputsAreRead() throws {
    Self.report(try InputTrial(InputEntry.all).watch(count: 0, seed: Self.seed, program: Self.program))
  }

  @Test func damagedInputsAreRead() throws {
    let end = Date().timeIntervalSince1970 + (Self.count == nil ? Self.seconds : 1e9)
    let batch = Self.count == nil ? 200 : 2000
    let report = try InputTrial(InputEntry.all).watch(count: Self.count ?? 20_000, seed: Self.seed, program: Self.program, batch: batch) {
      Date().timeIntervalSince1970 > end
    }
    print("\(report.runs) damaged inputs of \(InputEntry.all.count) entries, seed \(Self.seed)")
    #expect(report.runs >= batch)
    Self.report(report)
  }

  @Test func theSameSeedDamagesTheSame() throws {
    let trial = try InputTrial(InputEntry.all)
    let runs = trial.runs(count: 200, seed: 7)
    let inputs = runs.map { trial.input(of: $0) }
    #expect(inputs == runs.map { trial.input(of: $0) })
    #expect(Set(inputs).count > 180)
    #expect(inputs.allSatisfy { $0.count <= InputMutator.longest })
  }

  /// Each kind of fault is found, named, and found again by the options that the report gives.
  @Test(arguments: [
    ("planted-trap", "trapped"), ("planted-hang", "did not end"), ("planted-growth", "MB of memory"), ("planted-depth", "stack"),
  ]) func faultsAreFound(_ name: String, _ reason: String) throws {
    let entry = try #require(InputEntry(named: name))
    let report = try InputTrial([entry]).watch(count: 300, seed: 3, program: Self.program, batch: 60, mostFailures: 1)
    let failure = try #require(report.failures.first)
    #expect(failure.reason.contains(reason), "\(failure)")
    #expect(report.runs < 300)
    #expect(try InputTrial([entry]).input(of: failure.run).contains(name == "planted-depth" ? UInt8(ascii: "[") : 0x7f))
  }
}
