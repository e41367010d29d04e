import ArgumentParser
import Diagnostics
import Extensions
import Glibc
import Kernel
import KernelLab
import Suites

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Runs tests in Ferrule's engine and in the running kernel, and reports where their results differ.",
    discussion: """
      Reads scenario files of `ferrule test' and files of scenarios as JSON lines (.jsonl, see `ferrule lab'). The kernel runs each \
      test in a temporary network namespace; packets arrive on interfaces created there and from local sockets. Ferrule compares \
      verdicts, matched rules, counters, the bytes of sent packets, packets in queues, data received by sockets, and conntrack \
      entries. Expected values of the tests are not checked; use `ferrule test' for that.

      Needs root, or permission to create user namespaces; without root -m owner and other user IDs than your own cannot be \
      verified. Tests that the kernel cannot run are reported with the reason and do not count as agreement. Waits take real time. \
      The output of LOG is not compared, because the kernel's log belongs to the whole machine. All namespaces are removed at the \
      end, even if the command is killed. A scenario file can name only files in its own folder and below, unless --allow-path \
      allows another folder.

      EXIT STATUS
        0  engine and kernel agree in all tests
        1  engine and kernel differ in a test
        2  a file has an error, or a test could not be verified

      EXAMPLES
        sudo ferrule verify Examples
        sudo ferrule verify --backend nft Examples
        ferrule verify --format json scenarios.jsonl
      """)

  @OptionGroup var input: ScenarioInput

  @Option(help: "The output format.")
  var format = TestReportFormat.text

  @Option(help: "The maximum duration of a test's waits in seconds. A test with longer waits is not verified.")
  var patience = 10.0

  @Flag(help: "Also list the tests in which engine and kernel agree.")
  var verbose = false

  @OptionGroup var backend: LabBackendOptions
  @OptionGroup var colours: ColourOptions

  func validate() throws {
    if !(0...100_000).contains(patience) { throw ValidationError("--patience must be from 0 to 100000 seconds.") }
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
    verifier.usesNfTables = backend.usesNfTables
    verifier.now = { Double(HostClock.seconds) }
    verifier.seconds = Stopwatch.start()
    verifier.pause = { usleep(UInt32($0 * 1_000_000)) }
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
