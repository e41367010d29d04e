import ArgumentParser
import Diagnostics
import Extensions
import Kernel
import KernelLab
import Suites

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Plays tests in the running kernel too, and says where it does other things than Ferrule.",
    discussion: """
      Takes the files that `ferrule test' takes, and scenarios of the lab's protocol, one a line (.jsonl). Each test is played by \
      Ferrule's engine, and by the kernel in a network namespace that nobody else sees: packets come in through interfaces made \
      for it and from local sockets. Verdicts, the rules met, counters, the bytes that left, deliveries to queues, what sockets \
      saw and conntrack's entries are held against each other. What the author expects is for `ferrule test' to say.

      It needs root, or the right to make user namespaces; there -m owner and other users than one's own are out of reach. What \
      cannot be asked of the kernel is said with the reason, and never counts as agreement. Waits are real, and the kernel's log \
      is nobody's here: what LOG writes is not compared. Nothing outlives the command, even a killed one. A scenario file names files \
      of its own folder, unless --allow-path allows another.

      EXIT STATUS
        0 engine and kernel agree; 1 they differ; 2 a file is wrong, or a test could not be verified

      EXAMPLES
        sudo ferrule verify Examples
        ferrule verify --format json scenarios.jsonl
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "How to tell the results: \(TestReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TestReportFormat.text

  @Option(help: "Seconds that a test may let pass; a longer one is not verified.")
  var patience = 10.0

  @Flag(help: "Name the tests that agree, too.")
  var verbose = false

  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !(0...100_000).contains(patience) { throw ValidationError("--patience is from 0 to 100000 seconds.") }
  }

  func run() throws {
    do throws(KernelError) {
      // Before any thread starts: only a single-threaded process may enter a user namespace.
      try Sandbox.enter()
    } catch {
      throw CommandFailure("cannot verify: \(error)\n\(error.advice)")
    }
    let lab = KernelLab(registry: .installed)
    var verifier = Verifier(runner: TestRunner(registry: .installed)) { lab.answer($0) }
    verifier.patience = patience
    verifier.now = { Double(HostClock.seconds) }
    verifier.seconds = Stopwatch.start()
    let results = verifier.verify(try input.read(), only: input.isWanted) { done, total in
      Console.progress(done == total ? "" : "\(done) of \(total) tests")
    }
    try Console.print(format.render(results, of: .agreement, coloured: colours.colour.isOn(for: .output), verbose: verbose))
    try Self.status(results).leave()
  }

  private static func status(_ results: [SuiteResult]) -> ExitStatus {
    let tests = results.flatMap(\.tests)
    if results.contains(where: { $0.diagnostics.contains { $0.severity == .error } }) { return .badInput }
    if tests.contains(where: { $0.outcome == .failed }) { return .findings }
    return tests.contains { $0.outcome == .broken } ? .badInput : .fine
  }
}
